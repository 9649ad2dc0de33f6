--[[
  Ends a room: its code is free.

  KEYS[1]  room hash       epoch
  KEYS[2]  players hash
  ARGV     epoch

  Returns {'ok'} | {'gone'}
]]
local room_key, players_key = KEYS[1], KEYS[2]
local epoch = ARGV[1]

if redis.call('HGET', room_key, 'epoch') ~= epoch then return { 'gone' } end
redis.call('DEL', room_key, players_key)
return { 'ok' }
