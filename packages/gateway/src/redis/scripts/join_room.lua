--[[
  Takes a seat in a room.

  KEYS[1]  room hash       epoch, max_players, locked, host_node, next_player
  KEYS[2]  players hash    player id -> node id
  KEYS[3]  join string     the id that this join was given, for a second run
  ARGV     node, ttl_ms, join_ttl_ms

  Returns {'ok', player, epoch, host_node} | {'room_not_found'} | {'room_started'} | {'room_full'}
]]
local room_key, players_key, join_key = KEYS[1], KEYS[2], KEYS[3]
local node, ttl_ms, join_ttl_ms = ARGV[1], ARGV[2], ARGV[3]

local room = redis.call('HMGET', room_key, 'epoch', 'max_players', 'locked', 'host_node', 'next_player')
local epoch, max_players, locked, host_node, player = room[1], tonumber(room[2]), room[3], room[4], room[5]
if not epoch then return { 'room_not_found' } end

local given = redis.call('GET', join_key)
if given and redis.call('HGET', players_key, given) == node then return { 'ok', given, epoch, host_node } end

if locked == '1' then return { 'room_started' } end
if redis.call('HLEN', players_key) >= max_players then return { 'room_full' } end

redis.call('HINCRBY', room_key, 'next_player', 1)
redis.call('HSET', players_key, player, node)
redis.call('PEXPIRE', players_key, ttl_ms)
redis.call('SET', join_key, player, 'PX', join_ttl_ms)
return { 'ok', player, epoch, host_node }
