-- A worker begins the entry it was given.
-- KEYS jobs, job, audio, results, parked, deaths. ARGV id, entry, claim, blame allowed, ttl_ms, parked kept, reason if the
-- worker was lost, window_ms, deaths forgiven at most.
-- Answers begun, params, audio, stored, tries, blame, ms since submission, 1 if it is the first, 1 if taken from a lost
-- worker; or parked, 1 if taken from a lost worker; or gone.
local jobs, job, audio, results = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local fields = redis.call('HMGET', job, 'state', 'entry', 'claim', 'tries', 'params', 'stored', 'submitted', 'reason',
  'losses', 'forgiven', 'blame')
local state, entry, claim, tries = fields[1], fields[2], fields[3], tonumber(fields[4] or 0)
local reason, blame = fields[8] or '', tonumber(fields[11] or 0)

if entry ~= ARGV[2] or (state ~= 'waiting' and state ~= 'running') then
  redis.call('XACK', jobs, GROUP, ARGV[2])
  redis.call('XDEL', jobs, ARGV[2])
  return { 'gone' }
end

local sound = redis.call('GET', audio)
if not sound then
  leave_queue(jobs, entry, audio)
  redis.call('DEL', job, results)
  return { 'gone' }
end

-- A worker that died speaks against its job, unless as many died lately that did not have it: then it proves nothing.
-- The name of a worker ends with its number within its process.
local function blame_for_death()
  local deaths, now = KEYS[6], now_ms()
  redis.call('ZREMRANGEBYSCORE', deaths, '-inf', now - ARGV[8])
  local process = string.gsub(string.match(claim, '^(.*)/'), '-%d+$', '')
  redis.call('ZADD', deaths, now, process)
  redis.call('PEXPIRE', deaths, ARGV[8])
  local losses, forgiven = tonumber(fields[9] or 0) + 1, tonumber(fields[10] or 0)
  local others = redis.call('ZCARD', deaths) - losses
  redis.call('HSET', job, 'losses', losses)
  if others >= losses and forgiven < tonumber(ARGV[9]) then
    redis.call('HSET', job, 'forgiven', forgiven + 1)
  else
    blame = blame + 1
  end
end

local lost, first = 0, 0
if claim ~= ARGV[3] then
  if claim ~= '' then
    lost = 1
    reason = ARGV[7]
    blame_for_death()
  end
  if blame >= tonumber(ARGV[4]) then
    park(jobs, job, audio, results, KEYS[5], ARGV[1], reason, tries, ARGV[6], ARGV[5])
    return { 'parked', lost }
  end
  if state == 'waiting' then
    first = 1
  end
  tries = tries + 1
  redis.call('HSET', job, 'state', 'running', 'claim', ARGV[3], 'tries', tries, 'blame', blame, 'begun', now_ms(),
    'reason', reason)
end
return { 'begun', fields[5], sound, fields[6], tries, blame, now_ms() - fields[7], first, lost }
