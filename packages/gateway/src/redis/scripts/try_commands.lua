--[[
  Tries what gateways do, on a key that is gone after a second, and says what this user may not.

  No keys are declared, so that each server of a Cluster can be asked; there most of it fails, behind the question
  whether it may.

  ARGV[1]  key
  ARGV[2]  channel   nobody hears it
  ARGV[3]  publish   PUBLISH or SPUBLISH

  Returns {'ok', command, error, …}: what was answered by an error, for whatever reason
]]
local key, channel, publish = ARGV[1], ARGV[2], ARGV[3]
local answer = { 'ok' }

local function try(command, ...)
  local reply = redis.pcall(command, ...)
  if type(reply) ~= 'table' or not reply.err then return true end
  answer[#answer + 1] = string.lower(command)
  answer[#answer + 1] = reply.err
  return false
end

-- What is behind it would write a hash, were it not for this string.
if not try('SET', key, '', 'PX', 1000, 'GET') then return answer end
try('HSET', key, 'field', '')
try('HSETNX', key, 'field', '')
try('HINCRBY', key, 'field', 1)
try('HDEL', key, 'field')
try('HGET', key, 'field')
try('HMGET', key, 'field')
try('HGETALL', key)
try('HVALS', key)
try('HLEN', key)
try('GET', key)
try('EXISTS', key)
try('PEXPIRE', key, 1000)
try('DEL', key)
try('TIME')
try('PING')
try(publish, channel, '')
return answer
