#!lua
-- One device session: registers, reads, marks or forgets it.
--
-- KEYS  1   session:<digest of tenant and id>
--           hash: t ttl ms, r registered ms, s subscription, u connected until
--           ms (absent: disconnected), and ":<name>" for each further value
--       2   subs:of:<tenant>  see subscribe.lua
-- ARGV  1   put | get | until | delete
--       put:    2 ttl, 3 subscription or "", then names and values
--       until:  2 how long from now, "0": disconnected
-- reply {"ok", now, 1 if it is new, field, value, ...} | {"none"}
--       | {"subscription"}  there is no such one

local SESSION, SUBS = unpack(KEYS)
local verb = ARGV[1]

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local new = 0

if verb == 'delete' then
    redis.call('DEL', SESSION)
    return { 'ok' }
end

if verb == 'put' then
    local ttl, subscription = ARGV[2], ARGV[3]

    if subscription ~= '' and not redis.call('ZSCORE', SUBS, subscription)
    then
        return { 'subscription' }
    end

    -- registered again: what it was is replaced, its connection stays

    local connected = redis.call('HGET', SESSION, 'u')

    new = 1 - redis.call('EXISTS', SESSION)
    redis.call('DEL', SESSION)
    redis.call('HSET', SESSION, 't', ttl, 'r', now)

    if subscription ~= '' then
        redis.call('HSET', SESSION, 's', subscription)
    end

    if connected then
        redis.call('HSET', SESSION, 'u', connected)
    end

    for i = 4, #ARGV, 2 do
        redis.call('HSET', SESSION, ':' .. ARGV[i], ARGV[i + 1])
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

if verb ~= 'get' then
    redis.call('PEXPIRE', SESSION, redis.call('HGET', SESSION, 't'))
end

local reply = redis.call('HGETALL', SESSION)

table.insert(reply, 1, 'ok')
table.insert(reply, 2, now)
table.insert(reply, 3, new)

return reply
