-- KEYS jobs, job, audio, results, pace. ARGV claim, index, final (1 or 0), first frame, frames, weights, ttl_ms, weight of
-- the latest service time. Answers stored|again, service time in ms when final; or behind; or gone.
local jobs, job, audio, results, pace = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local fields = redis.call('HMGET', job, 'state', 'claim', 'stored', 'entry', 'begun')
local state, stored, index = fields[1], tonumber(fields[3] or 0), tonumber(ARGV[2])
if fields[2] ~= ARGV[1] or (state ~= 'running' and state ~= 'done') then
  return { 'gone' }
end
if results_lost(job, results, state) then
  lose(jobs, job, audio)
  return { 'gone' }
end
if index > stored then
  return { 'behind' }
end

-- The id of a chunk is its index + 1: Redis refuses an id that is not above those before it.
local added = redis.pcall('XADD', results, (index + 1) .. '-0', 'final', ARGV[3], 'first', ARGV[4], 'frames', ARGV[5],
  'weights', ARGV[6])
if type(added) == 'table' and added.err then
  if index < stored then
    return { 'again' }
  end
  return added
end
redis.call('PEXPIRE', results, ARGV[7])
redis.call('HSET', job, 'stored', index + 1, 'tries', 1, 'blame', 0, 'losses', 0, 'forgiven', 0)
if ARGV[3] == '0' then
  return { 'stored' }
end

local took = now_ms() - fields[5]
local mean = tonumber(redis.call('HGET', pace, 'mean_ms') or took)
redis.call('HSET', pace, 'mean_ms', mean + ARGV[8] * (took - mean))
redis.call('HSET', job, 'state', 'done')
leave_queue(jobs, fields[4], audio)
return { 'stored', took }
