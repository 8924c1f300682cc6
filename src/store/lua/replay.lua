#!lua
-- Asks for a redelivery: an interval of the log, to be read again for one
-- subscription.  One is under way at a time, a new one takes its place.
--
-- KEYS  1  subs            see subscribe.lua
--       2  replay:<id>     hash: from (exclusive), to (inclusive), pos (as far
--                          as it is), all ("1": what was delivered, too), ver
--       3  replays:<bucket>  set: id, those with a redelivery
--       4  log
--       5  subs:log        so that the owner looks
--       6  subs:ver
-- ARGV  1  id
--       2  from, a stream id
--       3  to, a stream id, or "": the end of the log as it is now
--       4  1: all
-- reply {"ok", to} | {"not_found"}

local SUBS, REPLAY, REPLAYS, LOG, CHANGES, VERSION = unpack(KEYS)
local id, from, to, all = unpack(ARGV)
-- include log_end

if redis.call('HEXISTS', SUBS, id) == 0 then
    return { 'not_found' }
end

if to == '' then
    to = log_end(LOG)
end

local version = string.format('%.0f', redis.call('INCR', VERSION))

redis.call('DEL', REPLAY)
redis.call('HSET', REPLAY, 'from', from, 'to', to, 'pos', from, 'all', all,
           'ver', version)
redis.call('SADD', REPLAYS, id)

redis.call('XADD', CHANGES, 'MAXLEN', '~', 10000, '*',
           'id', id, 'op', 'replay', 'ver', version)

return { 'ok', to }
