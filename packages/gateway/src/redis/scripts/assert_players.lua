--[[
  A node says which seats of a room are its own: others in its name are given back.

  KEYS[1]  room hash       epoch
  KEYS[2]  players hash    player id -> node id
  ARGV     epoch ('' for whichever room has the code), node, then each player it holds

  Returns {'ok', player...}, the players that have no seat | {'gone'}
]]
local room_key, players_key = KEYS[1], KEYS[2]
local epoch, node = ARGV[1], ARGV[2]
local FIRST_PLAYER = 3

local current = redis.call('HGET', room_key, 'epoch')
if not current or (epoch ~= '' and epoch ~= current) then return { 'gone' } end

local is_held = {}
local answer = { 'ok' }
for i = FIRST_PLAYER, #ARGV do
  is_held[ARGV[i]] = true
  if redis.call('HGET', players_key, ARGV[i]) ~= node then answer[#answer + 1] = ARGV[i] end
end
local players = redis.call('HGETALL', players_key)
for i = 1, #players, 2 do
  if players[i + 1] == node and not is_held[players[i]] then redis.call('HDEL', players_key, players[i]) end
end
return answer
