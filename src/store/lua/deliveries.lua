#!lua flags=no-writes
-- What has become of events for one subscription.
--
-- KEYS  1 log  2 retry:<sub>  3 tries:<sub>  4 dead:<sub>  5 gap:<sub>
--       6 attempts:<sub>  7 subs  8 cursor:<bucket>  9 pos:<bucket>
--       10 attempted:<bucket>
-- ARGV  1 id of the subscription
--       2 "one": the event of that id; "log", "retry", "dead": those that are
--         there, the newest first; "kept": those of the last two without
--         their entries, in any order
--       3 one: the event's id; kept: the id from which on; else "", or the id
--         that they are before
--       4 how many at most
--       5 1: with what the attempt log has: of one event the entries that have
--         it, else all entries, without their extras
--       6 one: the event's id as the attempt log has it, "ms seq" in hex
-- Reply [document or nil, cursor or nil, position or nil, [gap, ...],
--        attempts that there ever were, [number of the last attempt in the
--        entry, heads, extras, ...],
--        [event id, entry or nil, due or "", tries or "", reason or "", ...],
--        what it has selected before, see subscribe.lua, or nil,
--        1: the rows became too large before there were as many as asked for]

local LOG, RETRY, TRIES, DEAD, GAP, ATTEMPTS, SUBS, CURSOR, POS, ATTEMPTED =
    unpack(KEYS)
local sub, how, place, limit, logged = unpack(ARGV)
-- include segments

limit = tonumber(limit)

local LARGE, STEP = 2097152, 32
local size, cut = 0, 0

local function split(id)
    local ms, seq = string.match(id, '^(%d+)-(%d+)$')
    return tonumber(ms), tonumber(seq)
end

local function before(a, b)
    local ams, aseq = split(a)
    local bms, bseq = split(b)
    return ams < bms or (ams == bms and aseq < bseq)
end

local function given_up(id)
    local ms = string.match(id, '^%d+')
    for _, e in ipairs(redis.call('ZRANGEBYSCORE', DEAD, ms, ms)) do
        local event, reason = string.match(e, '^(%S+) (.*)$')
        if event == id then
            return reason
        end
    end
    return ''
end

local rows = {}

-- in a list what has left the log is dead no more, unless of just that
local function add(id, entry)
    local reason = given_up(id)
    entry = log_sent(entry or log_entry(id)) or false
    if how ~= 'one' and not entry and reason ~= 'expired'
       and reason ~= 'erased'
    then
        reason = ''
    end
    size = size + (entry and log_size(entry) or 0)
    local n = #rows
    rows[n + 1], rows[n + 2] = id, entry
    rows[n + 3] = redis.call('ZSCORE', RETRY, id) or ''
    rows[n + 4] = redis.call('HGET', TRIES, id) or ''
    rows[n + 5] = reason
end

if how == 'one' then
    add(place)

elseif how == 'log' then
    local max = place == '' and '+' or '(' .. place
    local left, step = limit, 1
    while left > 0 and cut == 0 do
        local count = math.min(left, step)
        local page = log_revrange(max, '-', count)
        for _, entry in ipairs(page) do
            if size >= LARGE then
                cut = 1
                break
            end
            add(entry[1], entry)
            max = '(' .. entry[1]
        end
        left = #page < count and 0 or left - count
        cut = left > 0 and size >= LARGE and 1 or cut
        step = size < LARGE / STEP and math.min(step * 4, STEP) or 1
    end

elseif how == 'retry' then
    -- a set that is bounded, in the order of dues
    local ids = {}
    for _, id in ipairs(redis.call('ZRANGE', RETRY, 0, -1)) do
        if place == '' or before(id, place) then
            ids[#ids + 1] = id
        end
    end
    table.sort(ids, function (a, b) return before(b, a) end)
    for i = 1, math.min(#ids, limit) do
        if size >= LARGE then
            cut = 1
            break
        end
        add(ids[i])
    end

elseif how == 'kept' then
    local function keep(id, due, reason)
        local n = #rows
        if before(id, place) then
            return
        elseif n >= 5 * limit then
            cut = 1
        else
            rows[n + 1], rows[n + 2], rows[n + 3] = id, false, due
            rows[n + 4], rows[n + 5] = '', reason
        end
    end

    local dues = redis.call('ZRANGE', RETRY, 0, -1, 'WITHSCORES')
    for i = 1, #dues, 2 do
        keep(dues[i], dues[i + 1], '')
    end
    for _, e in ipairs(redis.call('ZRANGEBYSCORE', DEAD,
                                  string.match(place, '^%d+'), '+inf',
                                  'LIMIT', 0, limit + 1))
    do
        local id, reason = string.match(e, '^(%S+) (.*)$')
        keep(id, '', reason)
    end

else
    -- scores are the ids' milliseconds; within one, in the order of text
    local max = place == '' and '+inf' or string.match(place, '^%d+')
    local at, left = 0, limit
    while left > 0 and cut == 0 do
        local found = redis.call('ZREVRANGEBYSCORE', DEAD, max, '-inf',
                                 'LIMIT', at, 500)
        for _, e in ipairs(found) do
            local id = string.match(e, '^%S+')
            local same = string.match(id, '^%d+') == max
            if left > 0 and (not same or id < place) then
                if size >= LARGE then
                    cut = 1
                    break
                end
                add(id)
                left = left - 1
            end
        end
        at = at + 500
        if #found < 500 then
            break
        end
    end
end

local attempts = {}
local from = '-'

while logged == '1' do
    local page = redis.call('XRANGE', ATTEMPTS, from, '+', 'COUNT', 100)
    for _, entry in ipairs(page) do
        local f = entry[2]
        if how ~= 'one'
           or string.find('\n' .. f[2], '\n ' .. ARGV[6] .. ' ', 1, true)
        then
            local n = #attempts
            attempts[n + 1] = entry[1]
            attempts[n + 2] = f[2]
            attempts[n + 3] = how == 'one' and f[4] or ''
        end
        from = '(' .. entry[1]
    end
    if #page < 100 then
        break
    end
end

return {
    redis.call('HGET', SUBS, sub),
    redis.call('HGET', CURSOR, sub),
    redis.call('GET', POS),
    redis.call('LRANGE', GAP, 0, -1),
    redis.call('HGET', ATTEMPTED, sub) or '0',
    attempts,
    rows,
    redis.call('HGET', CURSOR, sub .. ' former'),
    cut
}
