-- Ends a try without a final chunk.
-- KEYS jobs, job, audio, results, parked. ARGV id, claim, how (fail, retry, back), kind, text, blame allowed, blame of
-- a failure, ttl_ms, parked kept, reclaim_ms, delay_ms. Answers failed, again, parked, back or gone.
local jobs, job, audio, results = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local fields = redis.call('HMGET', job, 'state', 'claim', 'entry', 'tries', 'blame')
if fields[1] ~= 'running' or fields[2] ~= ARGV[2] then
  return 'gone'
end
local tries, blame = tonumber(fields[4]), tonumber(fields[5]) + tonumber(ARGV[7])
if ARGV[3] == 'fail' then
  redis.call('HSET', job, 'state', 'failed', 'claim', '')
  leave_queue(jobs, fields[3], audio)
  end_results(job, results, ARGV[4], ARGV[5], ARGV[8])
  return 'failed'
end
if ARGV[3] == 'back' then
  redis.call('HSET', job, 'tries', tries - 1)
  release(jobs, job, tonumber(ARGV[10]), 0)
  return 'back'
end
if blame >= tonumber(ARGV[6]) then
  park(jobs, job, audio, results, KEYS[5], ARGV[1], ARGV[5], tries, ARGV[9], ARGV[8])
  return 'parked'
end
redis.call('HSET', job, 'reason', ARGV[5], 'blame', blame)
release(jobs, job, tonumber(ARGV[10]), tonumber(ARGV[11]))
return 'again'
