#!lua flags=allow-oom
-- Claims, renews and gives back the leases of one worker on the buckets of a
-- channel.  A lease is a field of one hash, so that a pass is one command; the
-- epoch fences commits, so a clock that jumps can only move a bucket, never
-- let two owners commit.
--
-- KEYS  1 leases (hash: bucket -> "owner epoch expires"), 2 workers (zset)
-- ARGV  1 owner  2 time to live, ms  3 number of buckets
--       4 "take" | "fresh" (this owner has just started: a new epoch for what
--         its predecessor held) | "drain" (it is leaving: takes nothing, and
--         the others share what there is)
--       5... buckets to give back
-- Reply [share, bucket, epoch, bucket, epoch, ...]

local owner, ttl, count, verb = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]),
                                ARGV[4]
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
local held = {}
local all = redis.call('HGETALL', KEYS[1])

for i = 1, #all, 2 do
    local o, e, x = string.match(all[i + 1], '^(%S+) (%d+) (%d+)$')
    if o then
        held[tonumber(all[i])] = { o, tonumber(e), tonumber(x) }
    end
end

local function set(bucket, who, epoch, expires)
    redis.call('HSET', KEYS[1], bucket,
               string.format('%s %d %d', who, epoch, expires))
    held[bucket] = { who, epoch, expires }
end

local back = {}
for i = 5, #ARGV do
    back[tonumber(ARGV[i])] = true
end

for bucket = 0, count - 1 do
    local h = held[bucket]
    if h and h[1] == owner and back[bucket] then
        set(bucket, '-', h[2], 0)
    end
end

redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - ttl)

if verb == 'drain' then
    redis.call('ZREM', KEYS[2], owner)
else
    redis.call('ZADD', KEYS[2], now, owner)
end

local share = math.ceil(count / math.max(redis.call('ZCARD', KEYS[2]), 1))
local mine = 0

for bucket = 0, count - 1 do
    local h = held[bucket]
    if h and h[1] == owner then
        set(bucket, owner, verb == 'fresh' and h[2] + 1 or h[2], now + ttl)
        mine = mine + 1
    end
end

-- every worker begins its search elsewhere, or they all would want bucket 0
local from = tonumber(string.sub(redis.sha1hex(owner), 1, 4), 16)

for i = 0, count - 1 do
    local bucket = (from + i) % count
    local h = held[bucket]
    if verb ~= 'drain' and mine < share and (not h or (h[1] ~= owner and h[3] < now))
       and not back[bucket] then
        set(bucket, owner, h and h[2] + 1 or 1, now + ttl)
        mine = mine + 1
    end
end

local reply = { share }
for bucket = 0, count - 1 do
    local h = held[bucket]
    if h and h[1] == owner then
        reply[#reply + 1] = bucket
        reply[#reply + 1] = h[2]
    end
end

return reply
