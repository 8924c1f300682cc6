#!lua flags=allow-oom
-- Takes from the log what is too old, and notes the last one that went: XTRIM
-- leaves max-deleted-entry-id as it is, so nobody could tell a cursor behind
-- which something was lost from one that had seen it all.
--
-- Segments go as a whole, when the last event of one is too old.  A slice goes
-- at a time, so that Redis answers others in between.
--
-- KEYS  1  log
-- ARGV  1  a stream id: what is smaller goes
-- reply    1 where a whole slice went, so that there may be more, else 0

local LOG = KEYS[1]
-- include segments
local SLICE = 100       -- segments
local BYTES = 200000    -- of events, roughly
local below = '(' .. ARGV[1]
local floor, n, gone, more = seg_pad(ARGV[1]), 0, nil, 0

for _, member in ipairs(redis.call('ZRANGE', SEGS, 0, SLICE - 1)) do
    if string.sub(member, 1, 40) >= floor then
        break
    end

    local s = seg_get(member)
    gone, n = seg_unpad(member), n + 1

    redis.call('HDEL', SEG, member)
    redis.call('ZREM', SEGS, member)
    redis.call('HINCRBY', SEG, 'n', -s.n)
    redis.call('HINCRBY', SEG, 'raw', -seg_raw(s))
    redis.call('HINCRBY', SEG, 'bytes', -#(s.value or ''))
end

if n == SLICE then
    more = 1
end

-- the last one of the slice is to be known, so it is read

if redis.call('ZCARD', SEGS) == 0
    and #redis.call('XRANGE', LOG, '-', below, 'COUNT', 1) == 1
then
    local each = redis.call('MEMORY', 'USAGE', LOG) / redis.call('XLEN', LOG)
    local count = math.max(1, math.min(250, math.floor(BYTES / each)))
    local slice = redis.call('XRANGE', LOG, '-', below, 'COUNT', count)

    gone = slice[#slice][1]

    local ms, seq = string.match(gone, '^(%d+)-(%d+)$')

    redis.call('XTRIM', LOG, 'MINID', '=',
               string.format('%s-%.0f', ms, seq + 1))

    if #slice == count then
        more = 1
    end
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

return more
