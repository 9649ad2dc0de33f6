--[[
  Lets nobody join any more.

  KEYS[1]  room hash    epoch, locked
  ARGV     epoch

  Returns {'ok'} | {'gone'}
]]
local room_key = KEYS[1]
local epoch = ARGV[1]

if redis.call('HGET', room_key, 'epoch') ~= epoch then return { 'gone' } end
redis.call('HSET', room_key, 'locked', '1')
return { 'ok' }
