-- The newest lines of the logs of some jobs, each log in its order.
SELECT job_id, number, time, toInt8(level) AS level, text
FROM
(
    SELECT * FROM job_log WHERE job_id IN {jobs:Array(UUID)}
    ORDER BY job_id, number DESC
    LIMIT {limit:UInt32} BY job_id
)
ORDER BY job_id, number
