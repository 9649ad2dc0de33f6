--[[
  Opens a room under a code that no live room has.

  KEYS[1]  room hash       none may exist, or one of this epoch: then this is a second run
  KEYS[2]  players hash    what an older room left over is removed
  ARGV     epoch, name, max_players, host_node, ttl_ms

  Returns {'ok', opened_ms} | {'taken'}
]]
local room_key, players_key = KEYS[1], KEYS[2]
local epoch, name, max_players, host_node, ttl_ms = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

local room = redis.call('HMGET', room_key, 'epoch', 'opened_ms')
if room[1] == epoch then return { 'ok', room[2] } end
if room[1] then return { 'taken' } end

local time = redis.call('TIME')
local opened_ms = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
redis.call('DEL', players_key)
redis.call('HSET', room_key, 'epoch', epoch, 'opened_ms', opened_ms, 'name', name, 'max_players', max_players,
  'locked', '0', 'host_node', host_node, 'next_player', '1')
redis.call('PEXPIRE', room_key, ttl_ms)
return { 'ok', opened_ms }
