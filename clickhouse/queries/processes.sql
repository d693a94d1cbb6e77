-- Processes that showed lately that they live.
SELECT toString(id) FROM processes
GROUP BY id
HAVING max(seen_at) > now64(3) - toIntervalSecond({seconds:UInt32})
