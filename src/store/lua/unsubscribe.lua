#!lua flags=allow-oom
-- Deletes a subscription and all that is kept for it.
--
-- KEYS  1   subs            see subscribe.lua
--       2   subs:log
--       3   subs:ver
--       4   subs:of:<tenant>
--       5   cursor:<bucket>
--       6   due:<bucket>    zset: id, score is when its next retry is due
--       7   sync
--       8   sync:of
--       9   attempted:<bucket>  hash: id, how many attempts there were
--       10  uids:<tenant>
--       11  uid:of
--       12  confirm
--       13... the keys that are its own: retry, tries, dead, gap, ...
-- ARGV  1   id
--       2   the version that must be there, 0: any
-- reply {"ok", version of the deletion, or 0 when there was nothing, 1 if it
--       held a claim}
--       {"changed"}
--
-- A subscription of another tenant is not touched: as if it were not there.

local SUBS, CHANGES, VERSION, TENANT, CURSOR, DUE, SYNC, HELD,
    ATTEMPTED, UIDS, UID, CONFIRM = unpack(KEYS)
local id, expected = unpack(ARGV)

local stored = redis.call('HGET', SUBS, id)

if not stored or not redis.call('ZSCORE', TENANT, id) then
    return { 'ok', '0' }
end

if expected ~= '0' and string.match(stored, '^%S+') ~= expected then
    return { 'changed' }
end

local held = redis.call('HGET', HELD, id)

if held and redis.call('HGET', SYNC, held) == id then
    redis.call('HDEL', SYNC, held)
end

local uid = redis.call('HGET', UID, id)

if uid and redis.call('HGET', UIDS, uid) == id then
    redis.call('HDEL', UIDS, uid)
end

redis.call('HDEL', UID, id)
redis.call('HDEL', HELD, id)
redis.call('HDEL', SUBS, id)
redis.call('HDEL', CURSOR, id, id .. ' former', id .. ' health')
redis.call('ZREM', TENANT, id)
redis.call('ZREM', DUE, id)
redis.call('ZREM', CONFIRM, id .. ' 1', id .. ' 2', id .. ' 3')
redis.call('HDEL', ATTEMPTED, id)
redis.call('UNLINK', unpack(KEYS, 13))

local version = string.format('%.0f', redis.call('INCR', VERSION))

if held then
    redis.call('XADD', CHANGES, 'MAXLEN', '~', 10000, '*',
               'id', id, 'op', 'del', 'ver', version, 'sync', 1)
else
    redis.call('XADD', CHANGES, 'MAXLEN', '~', 10000, '*',
               'id', id, 'op', 'del', 'ver', version)
end

return { 'ok', version, held and 1 or 0 }
