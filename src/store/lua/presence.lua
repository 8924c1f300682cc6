#!lua
-- Which of these sessions are connected, and whose they are.
--
-- KEYS  1...  session:<digest>, see session.lua
-- reply {{1 | 0, subscription or ""}, ...}

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local reply = {}

for i, key in ipairs(KEYS) do
    local session = redis.call('HMGET', key, 'u', 's')
    local connected = session[1] and tonumber(session[1]) > now

    reply[i] = { connected and 1 or 0, session[2] or '' }
end

return reply
