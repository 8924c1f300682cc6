#!lua
-- Puts a segment in the place of the entries that it was made of, the first
-- ones of the log: each of them is in one of the two at any time.
--
-- KEYS  1  log  2  leases  3  workers
-- ARGV  1  owner  2  epoch of its lease on the first bucket
--       3  what "erased" was before the entries were read
--       4  the first of them, an id  5  the last one
--       6  what is behind the last one, an id
--       7  the segment's name, see segments.lua  8  the segment
--       9  events  10  bytes, as they were
-- reply {"ok"} | {"lease"} | {"moved"}: they are not the first ones any more, or
--       one of them was erased | {"former"}: there is a worker that would not
--       find them; the names of those that would begin with "2:"

local LOG, LEASES, WORKERS = unpack(KEYS)
local owner, epoch, erased, first, last, behind, name, value, n, raw =
    unpack(ARGV)
local SEGS, SEG = string.sub(LOG, 1, -4) .. 'segs', string.sub(LOG, 1, -4) .. 'seg'

local lease = redis.call('HGET', LEASES, '0') or ''

if string.match(lease, '^(%S+ %d+)') ~= owner .. ' ' .. epoch then
    return { 'lease' }
end

for _, worker in ipairs(redis.call('ZRANGE', WORKERS, 0, -1)) do
    if not string.find(worker, '^~?2:') then
        return { 'former' }
    end
end

local head = redis.call('XRANGE', LOG, '-', '+', 'COUNT', 1)[1]

if not head or head[1] ~= first
    or #redis.call('XRANGE', LOG, last, last) == 0
    or (redis.call('HGET', SEG, 'erased') or '') ~= erased
then
    return { 'moved' }
end

redis.call('HSET', SEG, name, value)
redis.call('ZADD', SEGS, 0, name)
redis.call('HINCRBY', SEG, 'n', n)
redis.call('HINCRBY', SEG, 'raw', raw)
redis.call('HINCRBY', SEG, 'bytes', #value)
redis.call('XTRIM', LOG, 'MINID', '=', behind)

-- a blocking reader asks for this one, too: what is behind its place there, it
-- cannot have found in the log

redis.call('XADD', string.sub(LOG, 1, -4) .. 'seg:end',
           'MAXLEN', 1, last, 'n', n)

return { 'ok' }
