#!lua
-- One device session: registers, reads, marks or forgets it.
--
-- KEYS  1   session:<digest of tenant and id>
--           hash: t ttl ms, r registered ms, s subscription, u connected until
--           ms (absent: not by itself), "@<worker>" connected until ms by that
--           worker's connections, see hold.lua, and ":<name>" for each further
--           value
--       2   subs:of:<tenant>  see subscribe.lua
--       3   only for a session that is a provider's: subs
--       4   subs:log
--       5   subs:ver
--       6   cursor:<bucket of the provider's subscription>
--       7   log
-- ARGV  1   put | join | get | until | delete
--       put:    2 ttl, 3 subscription or "", then names and values: all that
--               it keeps
--       join:   2 ttl, or "" as it is, 3 ttl of a new one, 4 subscription, or
--               "" as it is, 5 worker or "", 6 how long its connection is
--               believed, then names and values: "" is not kept any more,
--               others stay
--       with a provider, the subscription is its own, and the last argument
--       its name
--       until:  2 how long from now, "0": disconnected
--       delete
-- reply {"ok", now, 1 if it is new, field, value, ...} | {"none"}
--       | {"subscription"}  there is no such one

local SESSION, SUBS = unpack(KEYS)
local verb = ARGV[1]

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local new = 0
local last = #ARGV - (KEYS[3] and 1 or 0)

if verb == 'delete' then
    redis.call('DEL', SESSION)
    return { 'ok' }
end

-- A provider's subscription is all tenants' and comes with the first session:
-- what is published from now on is for it.
local function provide(id, provider)
    local ALL, CHANGES, VERSION, CURSOR, LOG = unpack(KEYS, 3)
    local from = '0-0'

    if redis.call('HEXISTS', ALL, id) == 1 then
        return
    end

    if redis.call('EXISTS', LOG) == 1 then
        local info = redis.call('XINFO', 'STREAM', LOG)

        -- not the id of the last entry, which may have been trimmed

        for i = 1, #info, 2 do
            if info[i] == 'last-generated-id' then
                from = info[i + 1]
            end
        end
    end

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
    if KEYS[3] then
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
end

if verb == 'join' then
    return { 'ok', now, new }
end

local reply = redis.call('HGETALL', SESSION)

table.insert(reply, 1, 'ok')
table.insert(reply, 2, now)
table.insert(reply, 3, new)

return reply
