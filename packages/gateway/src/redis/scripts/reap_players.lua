--[[
  Takes the seats of a node that is gone.

  KEYS[1]  room hash       epoch
  KEYS[2]  players hash    player id -> node id
  ARGV     epoch, node

  Returns {'ok', player...} | {'gone'}
]]
local room_key, players_key = KEYS[1], KEYS[2]
local epoch, node = ARGV[1], ARGV[2]

if redis.call('HGET', room_key, 'epoch') ~= epoch then return { 'gone' } end
local players = redis.call('HGETALL', players_key)
local reaped = { 'ok' }
for i = 1, #players, 2 do
  if players[i + 1] == node then
    redis.call('HDEL', players_key, players[i])
    reaped[#reaped + 1] = players[i]
  end
end
return reaped
