#!lua flags=allow-oom
-- Takes from the log what is too old, and notes the last one that went: XTRIM
-- leaves max-deleted-entry-id as it is, so nobody could tell a cursor behind
-- which something was lost from one that had seen it all.
--
-- KEYS  1  log
-- ARGV  1  a stream id: what is smaller goes
-- reply    number of those that went

local below = '(' .. ARGV[1]

-- from its beginning: backwards, Redis 7 walks through the whole of a stream
-- that has nothing below

if #redis.call('XRANGE', KEYS[1], '-', below, 'COUNT', 1) == 0 then
    return 0
end

local last = redis.call('XREVRANGE', KEYS[1], below, '-', 'COUNT', 1)[1]
local n = redis.call('XTRIM', KEYS[1], 'MINID', '=', ARGV[1])
local info, stream = redis.call('XINFO', 'STREAM', KEYS[1]), {}

for i = 1, #info, 2 do
    stream[info[i]] = info[i + 1]
end

redis.call('XSETID', KEYS[1], stream['last-generated-id'],
           'ENTRIESADDED', stream['entries-added'], 'MAXDELETEDID', last[1])

return n
