#!lua
-- The node that a session's pushes go to, from now on.
--
-- KEYS  1   session:<digest of tenant and id>, see session.lua
-- ARGV  1   address of the node
-- reply 1 | 0  there is no such session

if redis.call('EXISTS', KEYS[1]) == 0 then
    return 0
end

redis.call('HSET', KEYS[1], ':node', ARGV[1])

return 1
