--[[
  The host's node says what is true of its room: after Redis was away, or came back with less than it had.
  Of two rooms that met under one code the older one stays.

  KEYS[1]  room hash       all fields
  KEYS[2]  players hash    player id -> node id
  ARGV     epoch, opened_ms, may_restore (0 or 1), name, max_players, locked, host_node, next_player, ttl_ms,
           then player, node for each member

  Seats of the host's own node that are not among the members are given back.

  Returns {'kept'} | {'restored'} | {'superseded'} | {'gone'}, the last when may_restore is 0 and there is none
  | {'displaced', epoch, host_node}, restored in place of that younger room
]]
local room_key, players_key = KEYS[1], KEYS[2]
local epoch, opened_ms, may_restore, name, max_players = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local locked, host_node, next_player, ttl_ms = ARGV[6], ARGV[7], ARGV[8], ARGV[9]
local FIRST_MEMBER = 10

local room = redis.call('HMGET', room_key, 'epoch', 'opened_ms', 'next_player', 'host_node')
local answer = { 'kept' }
if room[1] ~= epoch then
  if room[1] then
    local theirs, ours = tonumber(room[2]), tonumber(opened_ms)
    if theirs < ours or (theirs == ours and tonumber(room[1]) < tonumber(epoch)) then return { 'superseded' } end
  elseif may_restore ~= '1' then
    return { 'gone' }
  end
  answer = room[1] and { 'displaced', room[1], room[4] } or { 'restored' }
  redis.call('DEL', room_key, players_key)
elseif tonumber(room[3]) > tonumber(next_player) then
  next_player = room[3]
end
redis.call('HSET', room_key, 'epoch', epoch, 'opened_ms', opened_ms, 'name', name, 'max_players', max_players,
  'locked', locked, 'host_node', host_node, 'next_player', next_player)
redis.call('PEXPIRE', room_key, ttl_ms)

local is_member = {}
for i = FIRST_MEMBER, #ARGV, 2 do
  is_member[ARGV[i]] = true
  redis.call('HSETNX', players_key, ARGV[i], ARGV[i + 1])
end
local players = redis.call('HGETALL', players_key)
for i = 1, #players, 2 do
  if players[i + 1] == host_node and not is_member[players[i]] then redis.call('HDEL', players_key, players[i]) end
end
redis.call('PEXPIRE', players_key, ttl_ms)
return answer
