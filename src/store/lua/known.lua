#!lua flags=no-writes
-- The id of the event that was published with a uid.
--
-- KEYS  1  log  2  id:<digest>
-- ARGV  1  the name in records, see known.lua
-- reply id | nil

local LOG = KEYS[1]
-- include known
local id = known_get(string.sub(KEYS[2], -32), ARGV[1]).id

if id then
    return id
end

local former = redis.call('GET', KEYS[2])

return former and string.match(former, '^%S+')
