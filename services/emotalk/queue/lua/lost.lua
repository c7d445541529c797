-- Whether Redis lost a job that somebody waits for: the job, or what was stored of it. What is left goes then too.
-- KEYS jobs, job, audio, results. Answers 1 or 0.
local state = redis.call('HGET', KEYS[2], 'state')
if state and not results_lost(KEYS[2], KEYS[4], state) then
  return 0
end
lose(KEYS[1], KEYS[2], KEYS[3])
return 1
