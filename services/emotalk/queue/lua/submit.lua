-- KEYS jobs, job, audio, results, pace, workers. ARGV id, params, audio, size, ttl_ms, alive_ms, forced.
-- Answers new|again, jobs ahead; or full, jobs ahead, mean service time in ms or '', workers alive.
local jobs, job, audio, results = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
ensure_group(jobs)

local state = redis.call('HGET', job, 'state')
if state and state ~= 'cancelled' then
  local ahead = 0
  if state == 'waiting' or state == 'running' then
    ahead = #redis.call('XRANGE', jobs, '-', redis.call('HGET', job, 'entry')) - 1
  end
  return { 'again', ahead }
end

local total = redis.call('XLEN', jobs)
local running = redis.call('XPENDING', jobs, GROUP)[1]
if ARGV[7] == '' and total - running >= tonumber(ARGV[4]) then
  local alive = redis.call('ZCOUNT', KEYS[6], now_ms() - ARGV[6], '+inf')
  return { 'full', total, redis.call('HGET', KEYS[5], 'mean_ms') or '', alive }
end

local entry = redis.call('XADD', jobs, '*', 'id', ARGV[1])
redis.call('DEL', job, results)
redis.call('HSET', job, 'state', 'waiting', 'entry', entry, 'params', ARGV[2], 'submitted', now_ms(),
  'claim', '', 'stored', 0, 'tries', 0, 'blame', 0)
redis.call('PEXPIRE', job, ARGV[5])
redis.call('SET', audio, ARGV[3], 'PX', ARGV[5])
return { 'new', total }
