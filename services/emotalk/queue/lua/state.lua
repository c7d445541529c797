-- KEYS jobs, workers. ARGV alive_ms. Answers waiting, running, workers alive.
ensure_group(KEYS[1])
local running = redis.call('XPENDING', KEYS[1], GROUP)[1]
return { redis.call('XLEN', KEYS[1]) - running, running, redis.call('ZCOUNT', KEYS[2], now_ms() - ARGV[1], '+inf') }
