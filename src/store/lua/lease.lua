#!lua flags=allow-oom
-- Claims, renews and gives back the leases of one worker on the buckets of a
-- partition.  A worker renews by its time in one sorted set: a bucket is its
-- owner's while that is among the workers, so a pass writes one field.  The
-- epoch fences commits, so a clock that jumps can only move a bucket, never let
-- two owners commit.
--
-- KEYS  1 leases (hash: bucket -> "owner epoch expires"; the time is for
--         workers of a former version, who look at nothing else)
--       2 workers (zset: owner, or "~owner" where it is leaving -> time, ms)
-- ARGV  1 owner  2 time to live, ms  3 number of buckets
--       4 "take" | "fresh" (this owner has just started: a new epoch for what
--         its predecessor held) | "drain" (it is leaving: takes nothing, and
--         the others share what there is)
--       5 number of this partition, from 0  6 how many there are
--       7... buckets to give back
-- Reply [share, 1 while some buckets are changing hands, bucket, epoch, bucket,
--        epoch, ...]

local LONG = 600000   -- ms, renewed when half of it is over
local DAY = 86400000

local owner, ttl, count, verb = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]),
                                ARGV[4]
local part, parts = tonumber(ARGV[5]), tonumber(ARGV[6])
local leaving = verb == 'drain'
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)

redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - ttl)
redis.call('ZREM', KEYS[2], leaving and owner or '~' .. owner)
redis.call('ZADD', KEYS[2], now, leaving and '~' .. owner or owner)

local alive, staying, names, long = {}, {}, {}, LONG
local former = false

for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf',
                                   '+inf')) do
    former = former or not string.find(name, '^~?2:3:')

    if string.sub(name, 1, 1) == '~' then
        alive[string.sub(name, 2)] = true
    else
        alive[name], staying[name] = true, true
        names[#names + 1] = name

        if not string.find(name, '^2:') then
            long = ttl      -- it looks at nothing else than the times
        end
    end
end

-- a worker of a former version looks for keys that ours would not write, see
-- known.lua: they are written for a day, so that one may also go back to it;
-- and who comes when nobody is there may follow one

local alone = verb == 'fresh' and #names <= 1

if former or alone then
    local known = string.sub(KEYS[2], 1, -8) .. 'known'
    local text = redis.call('GET', known) or '0 0 0 0 0 0'
    local open = redis.call('GET', known .. ':now')
    local slices, both = string.match(text, '^(%d+ %d+ %d+ %d+ )%d+ (%d+)$')
    local day = string.format('%.0f', now + DAY)

    redis.call('SET', known, slices .. day .. ' ' .. (former and day or both))

    if open then
        redis.call('SET', known .. ':now', string.sub(open, 1, 16) .. '\1'
                   .. (former and '\1' or string.sub(open, 18)), 'KEEPTTL')
    end
end

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
               string.format('%s %d %.0f', who, epoch, expires))
    held[bucket] = { who, epoch, expires }
end

local function free(h)
    if not h then
        return true
    end

    -- a leaving worker of a former version renews just the times
    return not alive[h[1]] and (h[3] < now or h[3] > now + ttl)
end

-- A worker has as few partitions as can be: with more workers than partitions
-- each has a share of one, with fewer each has whole ones.
local function fair_share()
    local workers, rank = #names, nil

    table.sort(names)

    for i, name in ipairs(names) do
        if name == owner then
            rank = i - 1
        end
    end

    if leaving or workers <= parts then
        return rank == part % math.max(workers, 1) and count or 0
    end

    return rank % parts == part
           and math.ceil(count / math.ceil((workers - part) / parts)) or 0
end

local back = {}
for i = 7, #ARGV do
    back[tonumber(ARGV[i])] = true
end

local share = fair_share()
local mine = 0

for bucket = 0, count - 1 do
    local h = held[bucket]

    if h and h[1] == owner then
        if back[bucket] then
            set(bucket, '-', h[2], 0)

        else
            if verb == 'fresh' or h[3] < now + long / 2
               or h[3] > now + long
            then
                set(bucket, owner, verb == 'fresh' and h[2] + 1 or h[2],
                    now + long)
            end

            mine = mine + 1
        end
    end
end

-- every worker begins its search elsewhere, or they all would want bucket 0
local from = tonumber(string.sub(redis.sha1hex(owner), 1, 4), 16)

for i = 0, count - 1 do
    local bucket = (from + i) % count
    local h = held[bucket]

    if not leaving and mine < share and not back[bucket] and free(h)
       and not (h and h[1] == owner)
    then
        set(bucket, owner, h and h[2] + 1 or 1, now + long)
        mine = mine + 1
    end
end

local reply = { share, 0 }
for bucket = 0, count - 1 do
    local h = held[bucket]

    if free(h) or (h[1] ~= owner and not staying[h[1]]) then
        reply[2] = 1
    end

    if h and h[1] == owner then
        reply[#reply + 1] = bucket
        reply[#reply + 1] = h[2]
    end
end

return reply
