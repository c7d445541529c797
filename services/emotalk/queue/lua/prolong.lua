-- KEYS all of one job. ARGV ttl_ms.
for _, key in ipairs(KEYS) do
  redis.call('PEXPIRE', key, ARGV[1])
end
return 1
