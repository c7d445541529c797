-- KEYS jobs. ARGV worker. Answers the ids of the jobs in its name.
local ids = {}
ensure_group(KEYS[1])
for _, held in ipairs(redis.call('XPENDING', KEYS[1], GROUP, '-', '+', 100, ARGV[1])) do
  local job = redis.call('XRANGE', KEYS[1], held[1], held[1])[1]
  if job then
    table.insert(ids, job[2][2])
  end
end
return ids
