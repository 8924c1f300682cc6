#!lua
-- Of these sessions a worker has connections, or has none any more.
--
-- KEYS  1...  session:<digest>, see session.lua
-- ARGV  1     the worker's name
--       2...  one a session: for how long it is believed, ms; or 0, or minus
--             the grace, ms: it has none any more
-- reply {1 | 0: there is no such session, ...}

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local holder = '@' .. ARGV[1]
local reply = {}

for i, key in ipairs(KEYS) do
    local ms = tonumber(ARGV[i + 1])
    local session = redis.call('HMGET', key, 't', 'u')

    if not session[1] then
        reply[i] = 0

    else
        if ms > 0 then
            redis.call('HSET', key, holder, now + ms)

        else
            redis.call('HDEL', key, holder)

            if ms < 0 and tonumber(session[2] or 0) < now - ms then
                redis.call('HSET', key, 'u', now - ms)
            end
        end

        redis.call('PEXPIRE', key, math.max(session[1], math.abs(ms)))
        reply[i] = 1
    end
end

return reply
