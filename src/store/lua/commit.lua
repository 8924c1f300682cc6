#!lua flags=allow-oom
-- What came of the deliveries of one bucket, fenced by the lease: position,
-- cursors and exceptions move together or not at all.  Runs out of memory too:
-- it mostly frees, and what it adds is bounded.
--
-- KEYS  1 leases  2 pos:<bucket>  3 cursor:<bucket>  4 due:<bucket>  5 subs
--       6 replays:<bucket>  7 attempted:<bucket>
--       then for each subscription: retry, tries, dead, gap, replay, attempts
-- ARGV  1 owner  2 bucket  3 epoch  4 position  5 now, ms
--       6 horizon, ms: what the log does not reach back to any more
--       then operations, each a word and its arguments:
--       S id                        the subscription that follows, in the
--                                   order of KEYS; skipped if it is deleted
--       c value                     its cursor differs from the position
--       x                           its cursor is the position
--       r event due tries           try the event again
--       C value version             the same of a disabled one, unless its
--                                   document has changed since
--       d event ms                  the event is done, also if it had been
--                                   given up before
--       k event ms reason           the event is given up
--       n                           everything that waits is due now
--       g from to                   an interval that was skipped
--       p place | P                 how far a redelivery is | it is done
--       a n max heads extras        n attempts, of which the last max are kept;
--                                   an entry's id has their ordinal number
-- Reply 1, or 0: the lease is not (any longer) the caller's

local lease = redis.call('HGET', KEYS[1], ARGV[2])
local owner, epoch
if lease then
    owner, epoch = string.match(lease, '^(%S+) (%d+) ')
end
if owner ~= ARGV[1] or epoch ~= ARGV[3] then
    return 0
end

redis.call('SET', KEYS[2], ARGV[4])

local now, horizon = ARGV[5], ARGV[6]
local arity = { S = 1, c = 1, C = 2, x = 0, r = 3, d = 2, k = 3, n = 0, g = 2,
                p = 1, P = 0, a = 4 }
local i, key, id, there, changed = 7, 1, nil, false, false

-- what ends before the log begins is nobody's to recover
local function expire_gaps(gap)
    local first = redis.call('LINDEX', gap, 0)
    while first and tonumber(string.match(first, ' (%d+)')) < tonumber(horizon)
    do
        redis.call('LPOP', gap)
        first = redis.call('LINDEX', gap, 0)
    end
end

local function after(x, y)
    local xm, xs = string.match(x, '^(%d+)-(%d+)$')
    local ym, ys = string.match(y, '^(%d+)-(%d+)$')
    if xm == ym then
        return tonumber(xs) > tonumber(ys)
    end
    return tonumber(xm) > tonumber(ym)
end

-- what a redelivery has covered is no gap any more; both are (from, to]
local function cut(gaps, from, to)
    if not from or not to or redis.call('EXISTS', gaps) == 0 then
        return
    end

    local rest = {}
    for _, gap in ipairs(redis.call('LRANGE', gaps, 0, -1)) do
        local f, t = string.match(gap, '^(%S+) (%S+)$')
        if f then
            if after(from, f) then
                rest[#rest + 1] = f .. ' ' .. (after(from, t) and t or from)
            end
            if after(t, to) then
                rest[#rest + 1] = (after(f, to) and f or to) .. ' ' .. t
            end
        end
    end

    redis.call('DEL', gaps)
    for _, gap in ipairs(rest) do
        redis.call('RPUSH', gaps, gap)
    end
end

local function close()
    if there and changed then
        local first = redis.call('ZRANGE', KEYS[key], 0, 0, 'WITHSCORES')
        if first[2] then
            redis.call('ZADD', KEYS[4], first[2], id)
        else
            redis.call('ZREM', KEYS[4], id)
        end
    end
end

while ARGV[i] do
    local op, a, b, c = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
    if op == 'S' then
        close()
        id, key = a, key == 1 and 8 or key + 6
        there, changed = redis.call('HEXISTS', KEYS[5], id) == 1, false
    elseif there then
        local retry, tries, dead = KEYS[key], KEYS[key + 1], KEYS[key + 2]
        if op == 'c' then
            redis.call('HSET', KEYS[3], id, a)
        elseif op == 'C' then
            local doc = redis.call('HGET', KEYS[5], id)
            if doc and string.match(doc, '^%S+') == b then
                redis.call('HSET', KEYS[3], id, a)
            end
        elseif op == 'x' then
            redis.call('HDEL', KEYS[3], id)
        elseif op == 'r' then
            redis.call('ZADD', retry, b, a)
            redis.call('HSET', tries, a, c)
            changed = true
        elseif op == 'd' or op == 'k' then
            redis.call('ZREM', retry, a)
            redis.call('HDEL', tries, a)
            for _, e in ipairs(redis.call('ZRANGEBYSCORE', dead, b, b)) do
                if string.match(e, '^%S+') == a then
                    redis.call('ZREM', dead, e)
                end
            end
            if op == 'k' then
                redis.call('ZREMRANGEBYSCORE', dead, '-inf', '(' .. horizon)
                redis.call('ZADD', dead, b, a .. ' ' .. c)
            end
            changed = true
        elseif op == 'n' then
            for _, e in ipairs(redis.call('ZRANGE', retry, 0, -1)) do
                redis.call('ZADD', retry, now, e)
            end
            changed = true
        elseif op == 'g' then
            redis.call('RPUSH', KEYS[key + 3], a .. ' ' .. b)
            redis.call('LTRIM', KEYS[key + 3], -1000, -1)
            expire_gaps(KEYS[key + 3])
        elseif op == 'p' then
            if redis.call('EXISTS', KEYS[key + 4]) == 1 then
                redis.call('HSET', KEYS[key + 4], 'pos', a)
            end
        elseif op == 'P' then
            cut(KEYS[key + 3],
                unpack(redis.call('HMGET', KEYS[key + 4], 'from', 'to')))
            redis.call('DEL', KEYS[key + 4])
            redis.call('SREM', KEYS[6], id)
        elseif op == 'a' then
            local log, extras = KEYS[key + 5], ARGV[i + 4]
            local total = redis.call('HINCRBY', KEYS[7], id, a)
            local place = total .. '-0'
            local entry = { 'a', c, 'x', extras }
            if extras == '' then
                entry[3], entry[4] = nil, nil
            end
            if redis.pcall('XADD', log, place, unpack(entry)).err then
                -- the counter was lost: a log that is ahead of it begins anew
                redis.call('DEL', log)
                redis.call('XADD', log, place, unpack(entry))
            end
            if total % 64 < tonumber(a) then
                redis.call('XTRIM', log, 'MINID', '~',
                           math.max(total - b + 1, 0))
            end
            if total % 1024 < tonumber(a) then
                redis.call('ZREMRANGEBYSCORE', dead, '-inf', '(' .. horizon)
                expire_gaps(KEYS[key + 3])
            end
        end
    end
    i = i + 1 + arity[op]
end

close()

return 1
