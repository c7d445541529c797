-- A worker begins the entry it was given.
-- KEYS jobs, job, audio, results, parked. ARGV id, entry, claim, tries, ttl_ms, parked kept, reason if the worker was lost.
-- Answers begun, params, audio, stored, tries, ms since submission, 1 if it is the first, 1 if taken from a lost worker;
-- or parked; or gone.
local jobs, job, audio, results = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local fields = redis.call('HMGET', job, 'state', 'entry', 'claim', 'tries', 'params', 'stored', 'submitted', 'reason')
local state, entry, claim, tries = fields[1], fields[2], fields[3], tonumber(fields[4] or 0)
local reason = fields[8] or ''

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

local lost, first = 0, 0
if claim ~= ARGV[3] then
  if claim ~= '' then
    lost = 1
    reason = ARGV[7]
  end
  if tries >= tonumber(ARGV[4]) then
    park(jobs, job, audio, results, KEYS[5], ARGV[1], reason, tries, ARGV[6], ARGV[5])
    return { 'parked', lost }
  end
  if state == 'waiting' then
    first = 1
  end
  tries = tries + 1
  redis.call('HSET', job, 'state', 'running', 'claim', ARGV[3], 'tries', tries, 'begun', now_ms(), 'reason', reason)
end
return { 'begun', fields[5], sound, fields[6], tries, now_ms() - fields[7], first, lost }
