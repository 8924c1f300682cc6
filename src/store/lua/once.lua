#!lua
-- The values of `once=`: taken before the backend is asked, settled by what it
-- answered.  All keys of a call are taken and settled together.
--
-- KEYS  1...  {once}:<digest>: "w<nonce> <until, ms>" while the backend works
--             on it, "2" when it answered 2xx, "1" when it refused, and of
--             earlier versions
-- ARGV  1     take, renew, forget, done or refused
--       2     "w<nonce>" of the call
--       3     for how long it is remembered, ms
--       4     for how long a worker is believed to work on it, ms
-- reply {"taken"} | {"busy"} | {"done"} | {"refused"} of take, {"ok"}

local op, mine, ms = ARGV[1], ARGV[2], ARGV[3]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local held = string.format('%s %.0f', mine, now + ARGV[4])
local values = {}

for i, key in ipairs(KEYS) do
    values[i] = redis.call('GET', key) or ''
end

if op == 'take' then
    local said = 'taken'

    for _, value in ipairs(values) do
        local ends = value:match('^w%S+ (%d+)$')

        if value == '2' then
            return { 'done' }
        elseif ends and tonumber(ends) > now then
            said = said == 'taken' and 'busy' or said
        elseif value ~= '' and not ends then
            said = 'refused'
        end
    end

    if said ~= 'taken' then
        return { said }
    end
end

for i, key in ipairs(KEYS) do
    local own = values[i]:sub(1, #mine) == mine

    if op == 'done' then
        redis.call('SET', key, '2', 'PX', ms)
    elseif op == 'refused' then
        if own or values[i] == '' then
            redis.call('SET', key, '1', 'PX', ms)
        end
    elseif op == 'take' or (op == 'renew' and own) then
        redis.call('SET', key, held, 'PX', ms)
    elseif op == 'forget' and own then
        redis.call('DEL', key)
    end
end

return { op == 'take' and 'taken' or 'ok' }
