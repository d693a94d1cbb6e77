-- Jobs that somebody wanted to end lately.
SELECT DISTINCT toString(job_id) FROM cancellations
WHERE asked_at > now64(3) - toIntervalSecond({seconds:UInt32})
