--[[
  Gives a seat back.

  KEYS[1]  room hash       epoch
  KEYS[2]  players hash    player id -> node id
  ARGV     epoch, player

  Returns {'left'} | {'gone'}
]]
local room_key, players_key = KEYS[1], KEYS[2]
local epoch, player = ARGV[1], ARGV[2]

if redis.call('HGET', room_key, 'epoch') ~= epoch then return { 'gone' } end
if redis.call('HDEL', players_key, player) == 0 then return { 'gone' } end
return { 'left' }
