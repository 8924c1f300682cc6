#!lua flags=no-writes
-- Counts of the calls of several subscriptions, of some spans of time.
--
-- KEYS  stats:<id>  of each, see engine/tallies
-- ARGV  fields, a span each
-- reply {number of the field, value, ...}  of those that are there

local out = {}

for _, key in ipairs(KEYS) do
    local values = redis.call('HMGET', key, unpack(ARGV))
    for i = 1, #ARGV do
        if values[i] then
            out[#out + 1] = i
            out[#out + 1] = values[i]
        end
    end
end

return out
