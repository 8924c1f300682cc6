#!lua
-- The subscriptions whose endpoints are to be asked again whether they agree.
-- One worker gets each of them: when it is due next is written before.
--
-- KEYS  1 confirm (zset: "id N" -> when the endpoint is asked for the N-th time
--         again, ms)
--       2 subs
-- ARGV  1 how many at most
-- reply {id, document, ...}

local CONFIRM, SUBS = unpack(KEYS)
local WAITS = { 60000, 240000 }     -- ms, before the second and the third time

local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
local found = {}

for _, member in ipairs(redis.call('ZRANGEBYSCORE', CONFIRM, '-inf', now,
                                   'LIMIT', 0, ARGV[1]))
do
    local id, n = string.match(member, '^(%S+) (%d+)$')
    local document = id and redis.call('HGET', SUBS, id)
    local wait = WAITS[tonumber(n)]

    redis.call('ZREM', CONFIRM, member)

    if document then
        found[#found + 1] = id
        found[#found + 1] = document

        if wait then
            redis.call('ZADD', CONFIRM, now + wait,
                       id .. ' ' .. string.format('%d', n + 1))
        end
    end
end

return found
