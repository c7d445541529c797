-- Announces a worker, and finds a job that was given back, or whose worker was silent for too long.
-- KEYS jobs, workers. ARGV worker, reclaim_ms, alive_ms, steady_ms. Answers entry, id; or nothing.
local jobs, workers = KEYS[1], KEYS[2]
local reclaim_ms = tonumber(ARGV[2])
ensure_group(jobs)
local now = now_ms()
redis.call('ZADD', workers, now, ARGV[1])

local function id_of(entry)
  local job = redis.call('XRANGE', jobs, entry, entry)[1]
  if job then
    return { entry, job[2][2] }
  end
  redis.call('XACK', jobs, GROUP, entry)
end

local back = redis.call('XPENDING', jobs, GROUP, 'IDLE', reclaim_ms, '-', '+', 1, NOBODY)[1]
if back then
  redis.call('XCLAIM', jobs, GROUP, ARGV[1], 0, back[1], 'JUSTID')
  local found = id_of(back[1])
  if found then
    return found
  end
end

-- While Redis was away, or this worker away from it, no worker could say that it lives: each gets its time to do so.
local uptime_ms = tonumber(string.match(redis.call('INFO', 'server'), 'uptime_in_seconds:(%d+)')) * 1000
if math.min(uptime_ms, tonumber(ARGV[4])) < reclaim_ms then
  return {}
end

-- Consumers of workers long gone, unless something is still in their name.
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', workers, '-inf', now - 10 * ARGV[3])) do
  if #redis.call('XPENDING', jobs, GROUP, '-', '+', 1, gone) == 0 then
    redis.call('XGROUP', 'DELCONSUMER', jobs, GROUP, gone)
    redis.call('ZREM', workers, gone)
  end
end

local cursor = '0-0'
repeat
  local silent = redis.call('XAUTOCLAIM', jobs, GROUP, ARGV[1], reclaim_ms, cursor, 'COUNT', 1, 'JUSTID')
  cursor = silent[1]
  for _, entry in ipairs(silent[2]) do
    local found = id_of(entry)
    if found then
      return found
    end
  end
until cursor == '0-0'
return {}
