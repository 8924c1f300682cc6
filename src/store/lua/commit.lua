#!lua flags=allow-oom
-- What came of the deliveries of some buckets, each fenced by its lease:
-- position, cursors and exceptions of a bucket move together or not at all.
-- Runs out of memory too: it mostly frees, and what it adds is bounded.
--
-- KEYS  1 leases  2 subs, then in the order of the operations
--       for each B: pos, cursor, due, replays, attempted (of the bucket)
--       for each S: retry, tries, dead, gap, replay, attempts, stats
-- ARGV  1 owner  2 now, ms
--       3 horizon, ms: what the log does not reach back to any more
--       then operations, each a word and its arguments:
--       B bucket epoch position     the bucket that follows; it is skipped if
--                                   the lease is not (any longer) the caller's
--       S id                        the subscription that follows; skipped if
--                                   it is deleted
--       c value version             its cursor differs from the position
--       x version                   its cursor is the position; both of one
--                                   that was placed by the document of that
--                                   version: if it has been enabled since, and
--                                   so placed anew, what it had got by then is
--                                   taken from the gaps that this has left
--       r event due tries           try the event again, unless it was erased;
--                                   tries are "count
--                                   first", attempts and the time of the first
--                                   one in ms, and with `order key=` the line
--                                   in hex
--       d event ms                  the event is done, also if it had been
--                                   given up before, unless it was erased
--       k event ms reason           the event is given up
--       f place                     it has got all up to there: what it had
--                                   selected before is forgotten, unless it
--                                   has gaps
--       h value version             when it was successful, since when it
--                                   fails; nothing if it has been enabled
--                                   since that version
--       u span counts               calls in a span of five minutes, which is
--                                   numbered since 1970: "succeeded failed
--                                   bucket:n ...", by latency
--       n                           everything that waits is due now
--       g from to                   an interval that was skipped, or what
--                                   follows one that was; a redelivery
--                                   that has passed it goes back to it
--       G from to last              an interval that was redelivered: no gap
--                                   any more, in those that end by `last`
--       p place ver | P ver         how far a redelivery is | it is done;
--                                   nothing if another has taken its place
--       a n max heads extras        n attempts, of which the last max are kept;
--                                   an entry's id has their ordinal number;
--                                   answers to what was erased are dropped
-- Reply for each bucket that was skipped its number, and for each in which
-- Redis refused something (a key that somebody made by hand) a text,
-- "bucket why": its position has not moved, what came after the refusal was
-- not done, and the whole of it is to be sent again

local call = redis.call
local owner, now, horizon = ARGV[1], ARGV[2], ARGV[3]
local refused = {}
local nkeys, bucket, key, i = 2, nil, nil, 4
local held, id, there, changed, position = false, nil, false, false, nil

local arity = { B = 3, S = 1, a = 4, c = 2, x = 1, r = 3, d = 2, k = 3, n = 0,
                g = 2, G = 3, p = 2, P = 1, f = 1, h = 2, u = 2 }

-- what ends before the log begins is nobody's to recover
local function expire_gaps(gap)
    local first = call('LINDEX', gap, 0)
    while first and tonumber(string.match(first, ' (%d+)')) < tonumber(horizon)
    do
        call('LPOP', gap)
        first = call('LINDEX', gap, 0)
    end
end

-- include after

-- what a redelivery has brought is no gap any more; both are (from, to], and
-- it knows of none behind `last`: one that goes beyond has grown since
local function cut(gaps, from, to, last)
    local rest, changed = {}, false

    for _, gap in ipairs(call('LRANGE', gaps, 0, -1)) do
        local f, t, by = string.match(gap, '^(%S+) (%S+)(.*)$')
        local known = t and after(t, last) and last or t
        if f and after(to, f) and after(known, from) and after(known, f) then
            changed = true
            if after(from, f) then
                rest[#rest + 1] = f .. ' ' .. from .. by
            end
            if after(known, to) then
                known = to
            end
            if after(t, known) then
                rest[#rest + 1] = known .. ' ' .. t .. by
            end
        else
            rest[#rest + 1] = gap
        end
    end

    if changed then
        call('DEL', gaps)
        for _, gap in ipairs(rest) do
            call('RPUSH', gaps, gap)
        end
    end
end

-- Whether it has been enabled since, "<place> enabled <version>": then what it
-- had got up to here is none of the gaps that this has left.
local function enabled(cursors, gaps, value, version)
    local cursor = call('HGET', cursors, id) or ''
    local to, since = string.match(cursor, '^(%S+) enabled (%d+)$')
    if not to or tonumber(since) <= tonumber(version) then
        return false
    end

    local place = string.match(value, '^%S+')
    local all = call('LRANGE', gaps, 0, -1)
    for n = #all, 1, -1 do
        local f, t, by = string.match(all[n], '^(%S+) (%S+) (%d+)$')
        if by and tonumber(by) > tonumber(version) and after(place, f) then
            if after(t, place) then
                call('LSET', gaps, n - 1, place .. ' ' .. t .. ' ' .. by)
            else
                call('LREM', gaps, 1, all[n])
            end
        end
    end

    if after(place, to) then
        call('HSET', cursors, id, place .. ' enabled ' .. since)
    end

    return true
end

local function erased(dead, event, ms)
    for _, e in ipairs(call('ZRANGEBYSCORE', dead, ms, ms)) do
        if e == event .. ' erased' then
            return true
        end
    end
    return false
end

-- include attempts

-- without what was answered to events that were erased meanwhile
local function without_erased(dead, heads, extras)
    if extras == '' or call('EXISTS', dead) == 0 then
        return heads, extras
    end

    return attempts_without(heads, extras, function(numbers)
        local ms, seq = string.match(numbers, '^ (%x+) (%x+)')
        ms = string.format('%.0f', tonumber(ms, 16))
        seq = string.format('%.0f', tonumber(seq, 16))
        return erased(dead, ms .. '-' .. seq, ms)
    end)
end

-- The fields of stats are rings: "<number of the span> <counts>", of five
-- minutes m0 to m11, of hours h0 to h167.
local function count(stats, field, number, counts)
    local n, old = string.match(call('HGET', stats, field) or '',
                                '^(%d+) (.*)$')
    if n == number then
        local sums, order = {}, {}
        for _, text in ipairs({ old, counts }) do
            local i = 0
            for word in string.gmatch(text, '%S+') do
                i = i + 1
                local name, value = string.match(word, '^(%d+):(%d+)$')
                name, value = name or 'n' .. i, value or word
                if not sums[name] then
                    order[#order + 1] = name
                end
                sums[name] = (sums[name] or 0) + value
            end
        end

        local words = {}
        for _, name in ipairs(order) do
            local value = string.format('%.0f', sums[name])
            words[#words + 1] = string.sub(name, 1, 1) == 'n' and value
                                or name .. ':' .. value
        end
        counts = table.concat(words, ' ')
    end
    call('HSET', stats, field, number .. ' ' .. counts)
end

-- a redelivery of what was missed
local function go_back(replay, place)
    local from, pos, all = unpack(call('HMGET', replay, 'from', 'pos', 'all'))
    if pos and all ~= '1' and after(pos, place) then
        call('HSET', replay, 'pos', after(place, from) and place or from)
    end
end

local function close()
    if there and changed then
        local first = call('ZRANGE', KEYS[key], 0, 0, 'WITHSCORES')
        if first[2] then
            call('ZADD', KEYS[bucket + 2], first[2], id)
        else
            call('ZREM', KEYS[bucket + 2], id)
        end
    end
    there, changed = false, false
end


local function apply(op, a, b, c)
    if op == 'a' then
        if there then
            local log, extras = KEYS[key + 5], nil
            c, extras = without_erased(KEYS[key + 2], c, ARGV[i + 4])
            local total = call('HINCRBY', KEYS[bucket + 4], id, a)
            local place = total .. '-0'
            local entry = { 'a', c, 'x', extras }
            if extras == '' then
                entry[3], entry[4] = nil, nil
            end
            if redis.pcall('XADD', log, place, unpack(entry)).err then
                -- the counter was lost: a log that is ahead of it begins anew
                call('DEL', log)
                call('XADD', log, place, unpack(entry))
            end
            if total % 64 < tonumber(a) then
                call('XTRIM', log, 'MINID', '~', math.max(total - b + 1, 0))
            end
            if total % 1024 < tonumber(a) then
                call('ZREMRANGEBYSCORE', KEYS[key + 2], '-inf',
                     '(' .. horizon)
                expire_gaps(KEYS[key + 3])
            end
        end

    elseif op == 'c' then
        if there
           and not enabled(KEYS[bucket + 1], KEYS[key + 3], a, b)
        then
            call('HSET', KEYS[bucket + 1], id, a)
        end

    elseif op == 'x' then
        if there
           and not enabled(KEYS[bucket + 1], KEYS[key + 3], position, a)
        then
            call('HDEL', KEYS[bucket + 1], id)
        end

    elseif op == 'r' then
        if there and not erased(KEYS[key + 2], a, string.match(a, '^%d+'))
        then
            call('ZADD', KEYS[key], b, a)
            call('HSET', KEYS[key + 1], a, c)
            changed = true
        end

    elseif op == 'd' or op == 'k' then
        if there then
            local dead = KEYS[key + 2]
            local gone = erased(dead, a, b)
            call('ZREM', KEYS[key], a)
            call('HDEL', KEYS[key + 1], a)
            for _, e in ipairs(gone and {} or call('ZRANGEBYSCORE', dead, b, b))
            do
                if string.match(e, '^%S+') == a then
                    call('ZREM', dead, e)
                end
            end
            if op == 'k' and not gone then
                call('ZREMRANGEBYSCORE', dead, '-inf', '(' .. horizon)
                call('ZADD', dead, b, a .. ' ' .. c)
            end
            changed = true
        end

    elseif op == 'f' then
        local field = id .. ' former'
        local list = there and call('HGET', KEYS[bucket + 1], field)
        if list and call('LLEN', KEYS[key + 3]) == 0 then
            local rest = ''
            for line in string.gmatch(list, '[^\n]+') do
                if after(string.match(line, '^%S+'), a) then
                    rest = rest .. line .. '\n'
                end
            end
            if rest == '' then
                call('HDEL', KEYS[bucket + 1], field)
            else
                call('HSET', KEYS[bucket + 1], field, rest)
            end
        end

    elseif op == 'h' then
        local cursor = there and (call('HGET', KEYS[bucket + 1], id) or '')
        local since = cursor and string.match(cursor, ' enabled (%d+)$')
        if there and not (since and tonumber(since) > tonumber(b)) then
            call('HSET', KEYS[bucket + 1], id .. ' health', a)
        end

    elseif op == 'u' then
        if there then
            local span, stats = tonumber(a), KEYS[key + 6]
            count(stats, 'm' .. span % 12, a, b)
            count(stats, 'h' .. math.floor(span / 12) % 168,
                  string.format('%.0f', math.floor(span / 12)), b)
            call('PEXPIRE', stats, 604800000)
        end

    elseif op == 'n' then
        if there then
            for _, e in ipairs(call('ZRANGE', KEYS[key], 0, -1)) do
                call('ZADD', KEYS[key], now, e)
            end
            changed = true
        end

    elseif op == 'g' then
        if there then
            local last = call('LINDEX', KEYS[key + 3], -1) or ''
            local f, t = string.match(last, '^(%S+) (%S+)$')
            if t == a then
                call('LSET', KEYS[key + 3], -1, f .. ' ' .. b)
            else
                call('RPUSH', KEYS[key + 3], a .. ' ' .. b)
            end
            call('LTRIM', KEYS[key + 3], -1000, -1)
            expire_gaps(KEYS[key + 3])
            go_back(KEYS[key + 4], a)
        end

    elseif op == 'G' then
        if there then
            cut(KEYS[key + 3], a, b, c)
        end

    elseif op == 'p' then
        if there and call('HGET', KEYS[key + 4], 'ver') == b then
            call('HSET', KEYS[key + 4], 'pos', a)
        end

    elseif op == 'P' then
        if there and call('HGET', KEYS[key + 4], 'ver') == a then
            call('DEL', KEYS[key + 4])
            call('SREM', KEYS[bucket + 3], id)
        end
    end
end

-- a bucket, up to the next one; its position is the last thing that moves
local function section()
    local number = ARGV[i + 1]
    position = ARGV[i + 3]
    local lease = call('HGET', KEYS[1], number)
    local name, epoch
    if lease then
        name, epoch = string.match(lease, '^(%S+) (%d+) ')
    end

    held = name == owner and epoch == ARGV[i + 2]
    if not held then
        refused[#refused + 1] = tonumber(number)
    end

    i = i + 4
    while ARGV[i] and ARGV[i] ~= 'B' do
        local op = ARGV[i]
        if op == 'S' then
            close()
            id, key, nkeys = ARGV[i + 1], nkeys + 1, nkeys + 7
            there = held and call('HEXISTS', KEYS[2], id) == 1
        else
            apply(op, ARGV[i + 1], ARGV[i + 2], ARGV[i + 3])
        end
        i = i + 1 + arity[op]
    end

    close()
    if held then
        call('SET', KEYS[bucket], position)
    end
end

while ARGV[i] do
    local first, number = i, ARGV[i + 1]
    bucket, nkeys = nkeys + 1, nkeys + 5

    local base = nkeys
    local ok, why = pcall(section)
    if not ok then
        why = type(why) == 'table' and why.err or tostring(why)

        -- anything else is wrong with Redis, not with a key
        local code = string.match(why, '^%u+')
        if code ~= 'WRONGTYPE' and code ~= 'ERR' then
            return redis.error_reply(why)
        end

        refused[#refused + 1] = number .. ' ' .. why
        there, changed = false, false

        i, nkeys = first + 4, base
        while ARGV[i] and ARGV[i] ~= 'B' do
            nkeys = nkeys + (ARGV[i] == 'S' and 7 or 0)
            i = i + 1 + arity[ARGV[i]]
        end
    end
end

return refused
