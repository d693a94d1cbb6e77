-- Repositories with rows of scans that no reader sees, stored before a time: of a generation that was replaced, of a scan that was killed,
-- of a repository that was removed.
WITH
    published AS ({{published}}),
    (SELECT (groupArray(repository_id), groupArray(published_sequence)) FROM published) AS published_ends
SELECT DISTINCT repository_id
FROM
(
    SELECT repository_id, generation, sequence, recorded_at FROM resource_events
    UNION ALL
    SELECT repository_id, generation, sequence, recorded_at FROM resources
    UNION ALL
    SELECT repository_id, generation, sequence, recorded_at FROM scan_failures
    UNION ALL
    SELECT repository_id, generation, sequence, recorded_at FROM resource_resolutions
    UNION ALL
    SELECT repository_id, generation, sequence, recorded_at FROM resource_references
    UNION ALL
    SELECT repository_id, generation, sequence, recorded_at FROM chart_version_changes
    UNION ALL
    SELECT repository_id, generation, sequence, recorded_at FROM file_facts
)
WHERE recorded_at < fromUnixTimestamp64Milli({before_ms:Int64}) AND NOT ({{visible}})
