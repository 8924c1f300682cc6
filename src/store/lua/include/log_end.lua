-- the last id of the log: not that of the last entry, it may have been trimmed
local function log_end(log)
    if redis.call('EXISTS', log) == 0 then
        return '0-0'
    end

    local info = redis.call('XINFO', 'STREAM', log)

    for i = 1, #info, 2 do
        if info[i] == 'last-generated-id' then
            return info[i + 1]
        end
    end
end
