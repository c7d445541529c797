-- Announces a worker, and finds a job whose worker was silent for too long.
-- KEYS jobs, workers. ARGV worker, reclaim_ms, alive_ms, reclaim (1) or not (0). Answers entry, id; or nothing.
local jobs, workers = KEYS[1], KEYS[2]
ensure_group(jobs)
local now = now_ms()
redis.call('ZADD', workers, now, ARGV[1])
if ARGV[4] == '0' then
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
  local found = redis.call('XAUTOCLAIM', jobs, GROUP, ARGV[1], ARGV[2], cursor, 'COUNT', 1, 'JUSTID')
  cursor = found[1]
  for _, entry in ipairs(found[2]) do
    local job = redis.call('XRANGE', jobs, entry, entry)[1]
    if job then
      return { entry, job[2][2] }
    end
    redis.call('XACK', jobs, GROUP, entry)
  end
until cursor == '0-0'
return {}
