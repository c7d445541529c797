-- KEYS jobs, job, workers. ARGV claim, worker. Answers 1, or 0 when the job is no longer the worker's.
redis.call('ZADD', KEYS[3], now_ms(), ARGV[2])
local fields = redis.call('HMGET', KEYS[2], 'state', 'claim', 'entry')
if fields[1] ~= 'running' or fields[2] ~= ARGV[1] then
  return 0
end
redis.call('XCLAIM', KEYS[1], GROUP, ARGV[2], 0, fields[3], 'JUSTID')
return 1
