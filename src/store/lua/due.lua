#!lua flags=no-writes
-- The events of one subscription that are to be tried again.
--
-- KEYS  1 retry:<sub>  2 tries:<sub>  3 log
-- ARGV  1 now, ms, or "oldest": the one that waits longest, due or not
--       2 how many at most
-- Reply [number waiting, due time of the first that is not returned or "",
--        event id, tries, entry or nil (not in the log any more), ...]

local limit = tonumber(ARGV[2])
local found

if ARGV[1] == 'oldest' then
    found = redis.call('ZRANGE', KEYS[1], 0, limit - 1)
else
    found = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1],
                       'LIMIT', 0, limit)
end

local rest = redis.call('ZRANGE', KEYS[1], #found, #found, 'WITHSCORES')
local reply = { redis.call('ZCARD', KEYS[1]), rest[2] or '' }

for _, id in ipairs(found) do
    local entry = redis.call('XRANGE', KEYS[3], id, id)
    reply[#reply + 1] = id
    reply[#reply + 1] = redis.call('HGET', KEYS[2], id) or ''
    reply[#reply + 1] = entry[1] or false
end

return reply
