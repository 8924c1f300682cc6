#!lua flags=no-writes
-- Reads a page of subscriptions, whose ids were read from subs:of:<tenant>.
--
-- KEYS  1      subs            see subscribe.lua
--       2...   cursor:<bucket> of each id
-- ARGV  1...   id, score, ...  as many as there are cursor keys
-- reply {score, document, cursor or nil, health or nil, ...}  without those
--       deleted meanwhile; the first ones of them, as many as are together
--       about so large

local LARGE = 1048576
local reply, size = {}, 0

for i = 2, #KEYS do
    local id, score = ARGV[2 * i - 3], ARGV[2 * i - 2]
    local document = redis.call('HGET', KEYS[1], id)

    if document then
        size = size + #document
        reply[#reply + 1] = score
        reply[#reply + 1] = document
        reply[#reply + 1] = redis.call('HGET', KEYS[i], id)
        reply[#reply + 1] = redis.call('HGET', KEYS[i], id .. ' health')
    end

    if size > LARGE then
        break
    end
end

return reply
