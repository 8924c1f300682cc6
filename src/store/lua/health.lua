#!lua
-- Whether a publish would be taken.  It writes nothing: what Redis refuses
-- writes for, it refuses this script for, too.  The user's right to each
-- command is asked for, as this list has them.
--
-- KEYS  1  log
-- ARGV  1  bytes that the log may take, 0: no limit
-- reply {"ok"} | {"full"} | {"denied", command, ...}

local WRITES = [[
    del hdel hincrby hset hsetnx incr lpop lrem lset ltrim pexpire
    rpush sadd set srem unlink xadd xdel xsetid xtrim zadd zrem
    zremrangebyscore
]]
local READS = [[
    exists get hexists hget hgetall hlen hmget hscan hvals lindex llen
    lrange pttl smembers xlen xrange xrevrange zcard zcount zrange
    zrangebylex zrangebyscore zrevrange zrevrangebylex zrevrangebyscore
    zscore
]]

local log, limit = KEYS[1], tonumber(ARGV[1])
local denied = { 'denied' }

local function ask(name, ...)
    if not redis.acl_check_cmd(name, ...) then
        denied[#denied + 1] = name
    end
end

-- Redis 8 also wants as many arguments as the command must have.
for name in string.gmatch(READS .. WRITES, '%S+') do
    local args, known, allowed = { log }, false, false

    while not known and #args < 6 do
        known, allowed = pcall(redis.acl_check_cmd, name, unpack(args))
        args[#args + 1] = '0'
    end

    if not (known and allowed) then
        denied[#denied + 1] = name
    end
end

ask('time')
ask('wait', '0', '0')
ask('memory', 'usage', log)
ask('xinfo', 'stream', log)
ask('xread', 'count', '1', 'streams', log, '0')
ask('evalsha', '0', '1', log)

if #denied > 1 then
    return denied
end

if limit > 0 then
    local seg = string.sub(log, 1, -4) .. 'seg'
    local size = (redis.call('MEMORY', 'USAGE', log) or 0)
                 + (redis.call('HGET', seg, 'bytes') or 0)

    if size >= limit then
        return { 'full' }
    end
end

return { 'ok' }
