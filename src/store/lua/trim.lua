#!lua flags=allow-oom
-- Takes from the log what is too old, and notes the last one that went: XTRIM
-- leaves max-deleted-entry-id as it is, so nobody could tell a cursor behind
-- which something was lost from one that had seen it all.
--
-- Segments go as a whole, when the last event of one is too old.
--
-- KEYS  1  log
-- ARGV  1  a stream id: what is smaller goes
-- reply    number of those that went

local LOG = KEYS[1]
-- include segments
local SLICE = 100
local below = '(' .. ARGV[1]
local floor, n, gone = seg_pad(ARGV[1]), 0, nil

for _, member in ipairs(redis.call('ZRANGE', SEGS, 0, SLICE - 1)) do
    if string.sub(member, 1, 40) >= floor then
        break
    end

    local s = seg_get(member)
    gone, n = seg_unpad(member), n + s.n

    redis.call('HDEL', SEG, member)
    redis.call('ZREM', SEGS, member)
    redis.call('HINCRBY', SEG, 'n', -s.n)
    redis.call('HINCRBY', SEG, 'raw', -seg_raw(s))
    redis.call('HINCRBY', SEG, 'bytes', -#(s.value or ''))
end

-- from its beginning: backwards, Redis 7 walks through the whole of a stream
-- that has nothing below

if redis.call('ZCARD', SEGS) == 0
    and #redis.call('XRANGE', LOG, '-', below, 'COUNT', 1) == 1
then
    gone = redis.call('XREVRANGE', LOG, below, '-', 'COUNT', 1)[1][1]
    n = n + redis.call('XTRIM', LOG, 'MINID', '=', ARGV[1])
end

if not gone then
    return 0
end

local info, stream = redis.call('XINFO', 'STREAM', LOG), {}

for i = 1, #info, 2 do
    stream[info[i]] = info[i + 1]
end

redis.call('XSETID', LOG, stream['last-generated-id'],
           'ENTRIESADDED', stream['entries-added'], 'MAXDELETEDID', gone)

return n
