#!lua
-- One device session: registers, reads, marks or forgets it.
--
-- KEYS  1   session:<digest of tenant and id>
--           hash: t ttl ms, r registered ms, s subscription, u connected until
--           ms (absent: not by itself), "@<worker>" connected until ms by that
--           worker's connections, see hold.lua, and ":<name>" for each further
--           value
--       2   subs:of:<tenant>  see subscribe.lua
--       3   sessions:of:<tenant>
--           sorted set: the end of a session's digest, until when it is kept,
--           ms; sessions registered before there was one come in when they are
--           registered or marked again
--       4   only for a session that is a provider's: subs
--       5   subs:log
--       6   subs:ver
--       7   cursor:<bucket of the provider's subscription>
--       8   log
-- ARGV  0   the first one: how many sessions the tenant may have; the others
--           are numbered from 1
--       1   put | join | get | until | delete
--       put:    2 ttl, 3 subscription or "", then names and values: all that
--               it keeps
--       join:   2 ttl, or "" as it is, 3 ttl of a new one, 4 subscription, or
--               "" as it is, 5 worker or "", 6 how long its connection is
--               believed, then names and values: "" is not kept any more,
--               others stay
--       with a provider, the subscription is its own, and the last argument
--       its name
--       until:  2 how long from now, "0": disconnected
--       delete: 2 and 3 only while it keeps that value under that name, or
--               nothing
-- reply {"ok", now, 1 if it is new, field, value, ...} | {"none"}
--       | {"subscription"}  there is no such one
--       | {"full"}  the tenant has as many sessions as it may have

local SESSION, SUBS, INDEX = unpack(KEYS)
local most = tonumber(table.remove(ARGV, 1))
local verb = ARGV[1]

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local new = 0
local last = #ARGV - (KEYS[4] and 1 or 0)
local member = string.sub(SESSION, -16)

if verb == 'delete' then
    if ARGV[2] and redis.call('HGET', SESSION, ':' .. ARGV[3]) ~= ARGV[2] then
        return { 'none' }
    end

    redis.call('DEL', SESSION)
    redis.call('ZREM', INDEX, member)
    return { 'ok' }
end

-- include log_end

-- A provider's subscription is all tenants' and comes with the first session:
-- what is published from now on is for it.
local function provide(id, provider)
    local ALL, CHANGES, VERSION, CURSOR, LOG = unpack(KEYS, 4)

    if redis.call('HEXISTS', ALL, id) == 1 then
        return
    end

    local from = log_end(LOG)
    local version = string.format('%.0f', redis.call('INCR', VERSION))
    local at = string.format('%.0f', now)

    redis.call('HSET', ALL, id, version .. ' {"id":"' .. id
               .. '","tenant":"","internal":true,"provider":"' .. provider
               .. '","events":["*"],"enabled":true,"createdAt":' .. at
               .. ',"updatedAt":' .. at .. '}')
    redis.call('XADD', CHANGES, 'MAXLEN', '~', 10000, '*',
               'id', id, 'op', 'set', 'ver', version)
    redis.call('HSET', CURSOR, id, from)
end

local function known(subscription)
    if KEYS[4] then
        provide(subscription, ARGV[#ARGV])
        redis.call('HDEL', SESSION, ':node')
        return true
    end

    return subscription == '' or redis.call('ZSCORE', SUBS, subscription)
end

-- workers that said so and were killed

local function forget(session)
    for i = 1, #session, 2 do
        if string.sub(session[i], 1, 1) == '@'
           and tonumber(session[i + 1]) <= now
        then
            redis.call('HDEL', SESSION, session[i])
        end
    end
end

-- what has gone is forgotten in small portions

local function is_full()
    if redis.call('EXISTS', SESSION) == 1 then
        return false
    end

    local old = redis.call('ZRANGEBYSCORE', INDEX, '-inf', now,
                           'LIMIT', 0, 100)

    if #old > 0 then
        redis.call('ZREM', INDEX, unpack(old))
    end

    return redis.call('ZCOUNT', INDEX, '(' .. now, '+inf') >= most
end

if (verb == 'put' or verb == 'join') and is_full() then
    return { 'full' }
end

if verb == 'put' then
    local ttl, subscription = ARGV[2], ARGV[3]

    if not known(subscription) then
        return { 'subscription' }
    end

    -- registered again: what it was is replaced, its connections stay

    local session = redis.call('HGETALL', SESSION)

    if #session == 0 then
        new = 1
    end

    for i = 1, #session, 2 do
        local kind = string.sub(session[i], 1, 1)

        if kind == ':' or kind == 's' then
            redis.call('HDEL', SESSION, session[i])
        end
    end

    forget(session)
    redis.call('HSET', SESSION, 't', ttl, 'r', now)

    if subscription ~= '' then
        redis.call('HSET', SESSION, 's', subscription)
    end

    for i = 4, last, 2 do
        redis.call('HSET', SESSION, ':' .. ARGV[i], ARGV[i + 1])
    end

elseif verb == 'join' then
    local ttl, subscription = ARGV[2], ARGV[4]

    if not known(subscription) then
        return { 'subscription' }
    end

    local session = redis.call('HGETALL', SESSION)

    if #session == 0 then
        new = 1
        ttl = ttl ~= '' and ttl or ARGV[3]
    end

    forget(session)
    redis.call('HSET', SESSION, 'r', now)

    if ttl ~= '' then
        redis.call('HSET', SESSION, 't', ttl)
    end

    if subscription ~= '' then
        redis.call('HSET', SESSION, 's', subscription)
    end

    if ARGV[5] ~= '' then
        redis.call('HSET', SESSION, '@' .. ARGV[5], now + ARGV[6])
    end

    for i = 7, last, 2 do
        if ARGV[i + 1] == '' then
            redis.call('HDEL', SESSION, ':' .. ARGV[i])
        else
            redis.call('HSET', SESSION, ':' .. ARGV[i], ARGV[i + 1])
        end
    end

elseif redis.call('EXISTS', SESSION) == 0 then
    return { 'none' }
end

if verb == 'until' then
    if ARGV[2] == '0' then
        redis.call('HDEL', SESSION, 'u')
    else
        redis.call('HSET', SESSION, 'u', now + ARGV[2])
    end
end

-- it is kept as long as it may count as connected, at least

if verb ~= 'get' then
    local ttl = tonumber(redis.call('HGET', SESSION, 't'))

    if verb == 'until' then
        ttl = math.max(ttl, tonumber(ARGV[2]))
    elseif verb == 'join' and ARGV[5] ~= '' then
        ttl = math.max(ttl, tonumber(ARGV[6]))
    end

    redis.call('PEXPIRE', SESSION, ttl)
    redis.call('ZADD', INDEX, now + ttl, member)

    if redis.call('PTTL', INDEX) < ttl then
        redis.call('PEXPIRE', INDEX, ttl)
    end
end

if verb == 'join' then
    return { 'ok', now, new }
end

local reply = redis.call('HGETALL', SESSION)

table.insert(reply, 1, 'ok')
table.insert(reply, 2, now)
table.insert(reply, 3, new)

return reply
