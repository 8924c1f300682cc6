#!lua
-- Changes the settings of a channel, all that is asked for or nothing, and
-- the subscription of its target with them.
--
-- KEYS  1   settings        hash: v:<name>, f:<event>:<scope>, on, created,
--                           ver, one more with each change
--       2   subs            see subscribe.lua
--       3   subs:log
--       4   subs:ver
--       5   cursor:<bucket of the target>
--       6   due:<bucket of the target>
--       7   log
--       8...  the keys that are the target's own: retry, tries, dead, ...
-- ARGV  1   scope of the flags, "": the root
--       2   now, ms
--       3   id of the target's subscription
--       4   name of the target's setting, "": there is none
--       5   number of declared settings, then their names
--       +1  number of mandatory settings, then their names
--       then changes, each a word and its arguments:
--       v name json  a value       V name   not set any more
--       f event n    a flag, 1, 0  F event  as the root has it, or declared
--       or "copy", and fields of the settings of the first partition, each
--       with its value: they replace an older version
-- reply {"ok"} | {"missing", name, ...}  a flag would be on without them

local SETTINGS, SUBS, CHANGES, VERSION, CURSOR, DUE, LOG = unpack(KEYS, 1, 7)
local scope, now, id, target = unpack(ARGV, 1, 4)
local at = 5

local function names()
    local n = tonumber(ARGV[at])
    local list = { unpack(ARGV, at + 1, at + n) }

    at = at + n + 1
    return list
end

local declared, mandatory = names(), names()
local values, unset, flags = {}, {}, {}
local changed, enables, removes, copied = false, false, false, false

if ARGV[at] == 'copy' then
    local version, created = unpack(redis.call('HMGET', SETTINGS, 'ver',
                                               'created'))

    for i = at + 1, #ARGV, 2 do
        if ARGV[i] == 'ver'
           and tonumber(ARGV[i + 1]) <= tonumber(version or 0)
        then
            return { 'ok' }
        end
    end

    redis.call('DEL', SETTINGS)

    for i = at + 1, #ARGV, 2 do
        redis.call('HSET', SETTINGS, ARGV[i], ARGV[i + 1])
    end

    if created then
        redis.call('HSET', SETTINGS, 'created', created)
    end

    at, changed, copied = #ARGV + 1, true, true
end

while ARGV[at] do
    local word, name = ARGV[at], ARGV[at + 1]

    if word == 'v' then
        values[name], changed = ARGV[at + 2], true
    elseif word == 'V' then
        unset[name], changed = true, true
    elseif word == 'f' then
        flags['f:' .. name .. ':' .. scope] = ARGV[at + 2]
        enables = enables or ARGV[at + 2] == '1'
    else
        flags['f:' .. name .. ':' .. scope] = ''
    end

    at = at + ((word == 'v' or word == 'f') and 3 or 2)
end

local on = tonumber(redis.call('HGET', SETTINGS, 'on') or 0)

for field, flag in pairs(flags) do
    on = on + (flag == '1' and 1 or 0)
         - (redis.call('HGET', SETTINGS, field) == '1' and 1 or 0)
end

local missing = { 'missing' }

for _, name in ipairs(mandatory) do
    local there = redis.call('HEXISTS', SETTINGS, 'v:' .. name) == 1

    if not values[name] and (unset[name] or not there) then
        missing[#missing + 1] = name
        removes = removes or there
    end
end

if #missing > 1 and (enables or (removes and on > 0)) then
    return missing
end

-- above this line nothing is written but a copy

for field, flag in pairs(flags) do
    if flag == '' then
        redis.call('HDEL', SETTINGS, field)
    else
        redis.call('HSET', SETTINGS, field, flag)
    end
end

if not copied then
    redis.call('HINCRBY', SETTINGS, 'ver', 1)
    redis.call('HSET', SETTINGS, 'on', string.format('%d', on))
end

for name, json in pairs(values) do
    redis.call('HSET', SETTINGS, 'v:' .. name, json)
end

for name in pairs(unset) do
    redis.call('HDEL', SETTINGS, 'v:' .. name)
end

if target == '' or not changed then
    return { 'ok' }
end

-- include log_end

local function log_change(op)
    local version = string.format('%.0f', redis.call('INCR', VERSION))

    redis.call('XADD', CHANGES, 'MAXLEN', '~', 10000, '*',
               'id', id, 'op', op, 'ver', version)
    return version
end

local url = redis.call('HGET', SETTINGS, 'v:' .. target)
local there = redis.call('HEXISTS', SUBS, id) == 1

if url then
    local members = {}

    -- names need no escaping, values are JSON texts

    for _, name in ipairs(declared) do
        local json = redis.call('HGET', SETTINGS, 'v:' .. name)

        if json then
            members[#members + 1] = '"' .. name .. '":' .. json
        end
    end

    if not there then
        redis.call('HSET', SETTINGS, 'created', now)
        redis.call('HSET', CURSOR, id, log_end(LOG))
    end

    local json = '{"id":"' .. id .. '","tenant":"","internal":true,"url":'
                 .. url .. ',"events":["*"],"enabled":true,"createdAt":'
                 .. (redis.call('HGET', SETTINGS, 'created') or now)
                 .. ',"updatedAt":' .. now .. ',"settings":{'
                 .. table.concat(members, ',') .. '}}'

    redis.call('HSET', SUBS, id, log_change('set') .. ' ' .. json)

elseif there then
    redis.call('HDEL', SUBS, id)
    redis.call('HDEL', CURSOR, id, id .. ' former', id .. ' health')
    redis.call('ZREM', DUE, id)
    redis.call('UNLINK', unpack(KEYS, 8))
    log_change('del')
end

return { 'ok' }
