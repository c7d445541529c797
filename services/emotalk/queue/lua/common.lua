-- Stands before every script. Each runs as a whole: other clients see what was before it or what is after it.
-- Effects are replicated, not the script: it reads the clock.
redis.replicate_commands()

local GROUP = 'workers'
-- In whose name entries are that were given back.
local NOBODY = 'nobody'

local function now_ms()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- A flushed Redis has no group: whoever comes first makes it, from the beginning of the stream.
local function ensure_group(jobs)
  if redis.pcall('XPENDING', jobs, GROUP).err then
    redis.call('XGROUP', 'CREATE', jobs, GROUP, '0', 'MKSTREAM')
  end
end

-- The job leaves the queue: its place is free.
local function leave_queue(jobs, entry, audio)
  if entry then
    redis.call('XACK', jobs, GROUP, entry)
    redis.call('XDEL', jobs, entry)
  end
  redis.call('DEL', audio)
end

-- Results that were there are not, though the job is: evicted. What follows would follow a gap.
local function results_lost(job, results, state)
  local stored = tonumber(redis.call('HGET', job, 'stored') or 0)
  local expected = stored > 0 or (state ~= 'waiting' and state ~= 'running')
  return expected and redis.call('EXISTS', results) == 0
end

-- As if Redis had lost all of it: whoever waits for it submits it again.
local function lose(jobs, job, audio)
  leave_queue(jobs, redis.call('HGET', job, 'entry'), audio)
  redis.call('DEL', job)
end

-- The last entry of the results, when it is not the final chunk. Behind the stored chunks, so that no chunk follows it.
local function end_results(job, results, kind, message, ttl_ms)
  local stored = tonumber(redis.call('HGET', job, 'stored') or 0)
  redis.pcall('XADD', results, (stored + 1) .. '-0', 'end', kind, 'message', message)
  redis.call('PEXPIRE', results, ttl_ms)
  redis.call('PEXPIRE', job, ttl_ms)
end

local function park(jobs, job, audio, results, parked, id, reason, tries, kept, ttl_ms)
  redis.call('XADD', parked, 'MAXLEN', kept, '*', 'id', id, 'error', reason, 'tries', tries,
    'params', redis.call('HGET', job, 'params') or '')
  redis.call('HSET', job, 'state', 'parked', 'claim', '')
  leave_queue(jobs, redis.call('HGET', job, 'entry'), audio)
  end_results(job, results, 'parked:' .. tries, reason, ttl_ms)
end

-- Given back to the group under nobody's name, so old that it is claimed after delay_ms.
local function release(jobs, job, reclaim_ms, delay_ms)
  redis.call('HSET', job, 'claim', '')
  local idle = math.max(0, reclaim_ms - delay_ms)
  redis.call('XCLAIM', jobs, GROUP, NOBODY, 0, redis.call('HGET', job, 'entry'), 'IDLE', idle, 'JUSTID')
end
