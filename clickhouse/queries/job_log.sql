-- The newest lines of a job's log, in their order.
SELECT job_id, number, time, toInt8(level) AS level, text
FROM (SELECT * FROM job_log WHERE job_id = {job:UUID} ORDER BY number DESC LIMIT {limit:UInt32})
ORDER BY number
