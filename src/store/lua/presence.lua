#!lua
-- Which of these sessions are connected, whose they are, what they keep.
--
-- KEYS  1...  session:<digest>, see session.lua
-- reply {{1 | 0, subscription or "", name, value, ...}, ...}

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local reply = {}

for i, key in ipairs(KEYS) do
    local session = redis.call('HGETALL', key)
    local entry = { 0, '' }

    for k = 1, #session, 2 do
        local field, value = session[k], session[k + 1]
        local kind = string.sub(field, 1, 1)

        if kind == ':' then
            entry[#entry + 1] = string.sub(field, 2)
            entry[#entry + 1] = value

        elseif kind == 'u' or kind == '@' then
            if tonumber(value) > now then
                entry[1] = 1
            end

        elseif kind == 's' then
            entry[2] = value
        end
    end

    reply[i] = entry
end

return reply
