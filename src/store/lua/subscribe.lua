#!lua
-- Writes the document of a subscription: creates or replaces it.
--
-- KEYS  1   subs            hash: id -> "<version> <json>"
--       2   subs:log        stream of changes: id, op, ver, and sync 1 where a
--                           claim was or is held
--       3   subs:ver        counter
--       4   subs:of:<tenant>  zset: id, score is the version at its creation
--       5   cursor:<bucket> hash: id -> "<stream id>[ flags]"; of one that was
--                           enabled again "<stream id> enabled <version>";
--                           "<id> former" -> what it has selected before, up
--                           to which event, while it may not have got all of
--                           them: "<stream id> <version> <json>\n"...;
--                           "<id> health" -> "<last success> <failing since>
--                           <what was told of that>", epoch ms, 0: none
--       6   log
--       7   gap:<id>        list of "<from> <to>", and behind it the version
--                           that has left it if this has enabled it again
--       8   pos:<bucket>    "<stream id>"
--       9   sync            hash: claim -> id
--       10  sync:of         hash: id -> the claim that it holds
--       11  uids:<tenant>   hash: its owner's own id -> id
--       12  uid:of          hash: id -> its owner's own id
--       13  confirm         zset: "id N", N from 1, score is when its endpoint
--                           is asked for the N-th time again, ms, see
--                           confirm.lua
-- ARGV  1   id
--       2   json
--       3   the version that must be there, 0: it must not exist yet
--       4   how many subscriptions the tenant may have
--       5   1: it follows the log: it is enabled, and a webhook
--       6   1: the replaced one did
--       7   claim, or ""
--       8   JSON: what the replaced one selects, if this one selects other
--           events, or ""
--       9   1: its URL is another one: "<stream id> clean" is its cursor, no
--           pause, and what waits is due
--       10  its owner's own id, or ""
--       11  its endpoint is asked now, and again in so many ms; "": it has not
--           agreed yet, and that is all; "0": it has agreed
-- reply {"ok", version, 1 if it held a claim, or holds one, else 0}
--       {"not_found"} | {"changed"} | {"limit"}
--       {"taken", id of the holder}
--       {"uid", id of the one that has it}

local SUBS, CHANGES, VERSION, TENANT, CURSOR, LOG, GAP, POS, SYNC, HELD,
    UIDS, UID, CONFIRM = unpack(KEYS)
local id, json, expected, max, follows, before, claim, former,
    moved, uid, ask = unpack(ARGV)
local FORMERS = 32

local create = expected == '0'
local stored = redis.call('HGET', SUBS, id)

-- include log_end

-- include after

-- What it selected up to now holds for what was published up to now.  Those
-- that its cursor has passed are forgotten, unless a gap may need them.
local function remember()
    local cursor = redis.call('HGET', CURSOR, id)
    cursor = cursor and string.match(cursor, '^%S+') or redis.call('GET', POS)
    local to, gaps = log_end(LOG), redis.call('LLEN', GAP) > 0

    if not cursor or not (gaps or after(to, cursor)) then
        return
    end

    local lines, last = {}, cursor
    local list = redis.call('HGET', CURSOR, id .. ' former') or ''

    for line in string.gmatch(list, '[^\n]+') do
        local place = string.match(line, '^%S+')
        if gaps or after(place, cursor) then
            lines[#lines + 1], last = line, place
        end
    end

    if #lines == 0 or after(to, last) then
        lines[#lines + 1] = to .. ' ' .. string.match(stored, '^%S+') .. ' '
                            .. former
    end

    local first = math.max(#lines - FORMERS + 1, 1)
    redis.call('HSET', CURSOR, id .. ' former',
               table.concat(lines, '\n', first) .. '\n')
end

-- it begins anew: what failed up to now is forgotten
local function well()
    local field = id .. ' health'
    local health = redis.call('HGET', CURSOR, field)

    if health then
        redis.call('HSET', CURSOR, field,
                   (string.match(health, '^%d+') or '0') .. ' 0 0')
    end
end

-- whether the claim, an overlapping one, is held by another of the tenant
local function taken(other, holder)
    return holder and holder ~= id and other ~= claim
           and redis.call('ZSCORE', TENANT, holder)
           and redis.call('HEXISTS', SUBS, holder) == 1
end

-- Without an entity type a claim is for all of them, "<tenant>:<event>:": of
-- the tenant's others, which begins with that, or which such a one is the
-- beginning of?  An entity type is JSON, so that it ends in no colon.
local function overlapping()
    for at in string.gmatch(claim, '():') do
        local other = string.sub(claim, 1, at)
        local holder = redis.call('HGET', SYNC, other)

        if taken(other, holder) then
            return holder
        end
    end

    if string.sub(claim, -1) ~= ':' then
        return
    end

    local ids = redis.call('ZRANGE', TENANT, 0, -1)

    for first = 1, #ids, 1000 do
        local part = { unpack(ids, first, first + 999) }
        local held = redis.call('HMGET', HELD, unpack(part))

        for i, holder in ipairs(part) do
            local other = held[i]

            if other and string.sub(other, 1, #claim) == claim
               and taken(other, holder)
            then
                return holder
            end
        end
    end
end

-- the one that has the owner's own id, unless it was deleted
local function named()
    local other = uid ~= '' and redis.call('HGET', UIDS, uid)

    if other and other ~= id and redis.call('ZSCORE', TENANT, other)
       and redis.call('HEXISTS', SUBS, other) == 1
    then
        return other
    end
end

if create then
    if stored then
        return { 'changed' }
    end

    local other = named()

    if other then
        return { 'uid', other }
    end

    if redis.call('ZCARD', TENANT) >= tonumber(max) then
        return { 'limit' }
    end

else
    if not stored or not redis.call('ZSCORE', TENANT, id) then
        return { 'not_found' }
    end

    if string.match(stored, '^%S+') ~= expected then
        return { 'changed' }
    end

    local other = named()

    if other then
        return { 'uid', other }
    end
end

if claim ~= '' then
    local holder = redis.call('HGET', SYNC, claim)

    if holder and holder ~= id
       and redis.call('HEXISTS', SUBS, holder) == 1
    then
        return { 'taken', holder }
    end

    holder = overlapping()

    if holder then
        return { 'taken', holder }
    end
end

-- nothing is written above this line

local held = redis.call('HGET', HELD, id)

if held and held ~= claim then
    if redis.call('HGET', SYNC, held) == id then
        redis.call('HDEL', SYNC, held)
    end

    redis.call('HDEL', HELD, id)
end

if claim ~= '' then
    redis.call('HSET', SYNC, claim, id)
    redis.call('HSET', HELD, id, claim)
end

local had = redis.call('HGET', UID, id)

if had and had ~= uid then
    if redis.call('HGET', UIDS, had) == id then
        redis.call('HDEL', UIDS, had)
    end

    redis.call('HDEL', UID, id)
end

if uid ~= '' and uid ~= had then
    redis.call('HSET', UIDS, uid, id)
    redis.call('HSET', UID, id, uid)
end

if former ~= '' then
    remember()
end

if moved == '1' or (follows == '1' and before ~= '1') then
    well()
end

if ask ~= '' then
    redis.call('ZREM', CONFIRM, id .. ' 1', id .. ' 2', id .. ' 3')
end

if ask ~= '' and ask ~= '0' then
    local t = redis.call('TIME')

    redis.call('ZADD', CONFIRM, tonumber(t[1]) * 1000
               + math.floor(tonumber(t[2]) / 1000) + tonumber(ask), id .. ' 1')
end

local version = string.format('%.0f', redis.call('INCR', VERSION))

redis.call('HSET', SUBS, id, version .. ' ' .. json)

if held or claim ~= '' then
    redis.call('XADD', CHANGES, 'MAXLEN', '~', 10000, '*',
               'id', id, 'op', 'set', 'ver', version, 'sync', 1)
else
    redis.call('XADD', CHANGES, 'MAXLEN', '~', 10000, '*',
               'id', id, 'op', 'set', 'ver', version)
end

if create then
    redis.call('ZADD', TENANT, version, id)
    redis.call('HSET', CURSOR, id, log_end(LOG))

elseif follows == '1' and before ~= '1' then
    local cursor = redis.call('HGET', CURSOR, id)
    local from = cursor and string.match(cursor, '^%S+')
                 or redis.call('GET', POS)
    local to = log_end(LOG)

    if from and from ~= to then
        redis.call('RPUSH', GAP, from .. ' ' .. to .. ' ' .. version)
        redis.call('LTRIM', GAP, -1000, -1)
    end

    redis.call('HSET', CURSOR, id, to .. ' enabled ' .. version)

elseif follows == '1' and moved == '1' then
    local cursor = redis.call('HGET', CURSOR, id) or redis.call('GET', POS)

    if cursor and not string.find(cursor, ' enabled ', 1, true) then
        redis.call('HSET', CURSOR, id, string.match(cursor, '^%S+') .. ' clean')
    end

elseif follows ~= '1' and before == '1' then
    redis.call('HSETNX', CURSOR, id, redis.call('GET', POS) or log_end(LOG))
end

return { 'ok', version, (held or claim ~= '') and 1 or 0 }
