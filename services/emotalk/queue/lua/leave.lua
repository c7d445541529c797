-- A worker stops. What Redis gave it that it never began goes to others.
-- KEYS jobs, workers. ARGV worker, reclaim_ms.
redis.call('ZREM', KEYS[2], ARGV[1])
ensure_group(KEYS[1])
local held
repeat
  held = redis.call('XPENDING', KEYS[1], GROUP, '-', '+', 100, ARGV[1])
  for _, entry in ipairs(held) do
    redis.call('XCLAIM', KEYS[1], GROUP, NOBODY, 0, entry[1], 'IDLE', ARGV[2], 'JUSTID')
  end
until #held == 0
redis.call('XGROUP', 'DELCONSUMER', KEYS[1], GROUP, ARGV[1])
return 1
