#!lua flags=no-writes
-- Reads a subscription and where it is in the log.
--
-- KEYS  1  subs             see subscribe.lua
--       2  cursor:<bucket>
--       3  pos:<bucket>
-- ARGV  1  id
-- reply {document or nil, cursor or nil, pos or nil, health or nil}

return {
    redis.call('HGET', KEYS[1], ARGV[1]),
    redis.call('HGET', KEYS[2], ARGV[1]),
    redis.call('GET', KEYS[3]),
    redis.call('HGET', KEYS[2], ARGV[1] .. ' health')
}
