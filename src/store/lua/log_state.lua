#!lua flags=no-writes
-- What there is of a log, and was, without its events: XINFO alone would send
-- the first and the last of them, however large they are.
--
-- KEYS  1  log, and see segments.lua
-- reply {} where there is no log, else {its length, entries that there ever
--       were, the last id that was generated, the last one that was deleted,
--       the first one that is there}

local LOG = KEYS[1]
-- include segments

if redis.call('EXISTS', LOG) == 0 then
    return {}
end

local info, flat = {}, redis.call('XINFO', 'STREAM', LOG)

for i = 1, #flat, 2 do
    info[flat[i]] = flat[i + 1]
end

-- 0-1: nothing but what was erased, see erase.lua

local deleted = info['max-deleted-entry-id']

local packed, first = tonumber(redis.call('HGET', SEG, 'n') or 0),
                      redis.call('ZRANGE', SEGS, 0, 0)[1]

return { info['length'] + packed, info['entries-added'], info['last-generated-id'],
         deleted == '0-1' and '0-0' or deleted,
         first and seg_unpad(string.sub(first, 41))
         or info['first-entry'] and info['first-entry'][1] or '0-0' }
