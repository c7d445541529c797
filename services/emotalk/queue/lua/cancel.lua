-- KEYS jobs, job, audio, results. ARGV message, ttl_ms. Answers 1 when the job was waiting or running, else 0.
local jobs, job, audio, results = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local fields = redis.call('HMGET', job, 'state', 'entry')
if fields[1] ~= 'waiting' and fields[1] ~= 'running' then
  if fields[1] ~= 'cancelled' then
    redis.call('DEL', job, audio, results)
  end
  return 0
end
redis.call('HSET', job, 'state', 'cancelled', 'claim', '')
leave_queue(jobs, fields[2], audio)
redis.call('DEL', results)
end_results(job, results, 'cancelled', ARGV[1], ARGV[2])
return 1
