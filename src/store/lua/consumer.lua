#!lua
-- Keeps the cursor of a consumer: where it has come to, forwards or back.
--
-- KEYS  1  consumers:<tenant>  hash: name -> "<stream id>"
-- ARGV  1  name
--       2  a stream id
--       3  how many consumers the tenant may have
-- reply {"ok"} | {"limit"}

if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0
   and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3])
then
    return { 'limit' }
end

redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])

return { 'ok' }
