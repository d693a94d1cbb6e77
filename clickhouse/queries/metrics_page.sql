-- Snapshots of all repositories that are known, a page of them. {{columns}} is the row or a count.
SELECT {{columns}}
FROM repository_metrics
WHERE version <= {data_version:UInt64} AND repository_id IN (SELECT id FROM repositories) AND {{filter}}
{{tail}}
