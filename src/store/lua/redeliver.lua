#!lua
-- Asks for one event to be delivered again: it goes into the retry set, due
-- now, as one that was never tried; with `order key=` after those before it.
--
-- KEYS  1 subs  2 retry:<sub>  3 tries:<sub>  4 due:<bucket>  5 log
--       6 subs:log, so that the owner looks  7 subs:ver
-- ARGV  1 id of the subscription  2 id of the event  3 now, ms
-- reply {"ok"} | {"not_found"} | {"expired"}  the log has it no more

local SUBS, RETRY, TRIES, DUE, LOG, CHANGES, VERSION = unpack(KEYS)
local sub, id, now = unpack(ARGV)
-- include segments

if redis.call('HEXISTS', SUBS, sub) == 0 then
    return { 'not_found' }
end

if not log_entry(id) then
    return { 'expired' }
end

redis.call('ZADD', RETRY, now, id)

-- one that waits in a line keeps its place there
local tries = redis.call('HGET', TRIES, id) or ''
redis.call('HSET', TRIES, id,
           '0 ' .. now .. (string.match(tries, '^%d+ %d+( %x+)$') or ''))

redis.call('ZADD', DUE, redis.call('ZRANGE', RETRY, 0, 0, 'WITHSCORES')[2],
           sub)

local version = string.format('%.0f', redis.call('INCR', VERSION))

redis.call('XADD', CHANGES, 'MAXLEN', '~', 10000, '*',
           'id', sub, 'op', 'due', 'ver', version)

return { 'ok' }
