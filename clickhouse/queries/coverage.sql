-- What is indexed: repositories with the totals of their newest published checkpoints, and the first and last event.
WITH
    published AS ({{published}}),
    (SELECT (groupArray(repository_id), groupArray(published_sequence)) FROM published) AS published_ends,
    scanned AS
    (
        SELECT
            repository_id,
            argMax(commits, version) AS commits,
            argMax(resources, version) AS resources,
            argMax(unparsable_versions, version) AS unparsable
        FROM checkpoints
        WHERE version <= {data_version:UInt64}
        GROUP BY repository_id
    ),
    known AS
    (
        SELECT
            count() AS repositories,
            countIf(c.repository_id = r.id) AS scanned_repositories,
            countIf(c.resources > 0) AS repositories_with_resources,
            countIf(r.scan_status = 'FAILED') AS failed_repositories,
            sum(c.commits) AS commits,
            sum(c.resources) AS resources,
            sum(c.unparsable) AS unparsable_versions,
            groupArrayIf(toUnixTimestamp64Milli(assumeNotNull(r.last_scan_at)), r.last_scan_at IS NOT NULL AND c.repository_id = r.id) AS scanned_at
        FROM repositories AS r FINAL
        LEFT JOIN scanned AS c ON c.repository_id = r.id
    ),
    happened AS
    (
        SELECT
            count() AS events,
            toInt64(min(toUnixTimestamp64Second(time))) AS first_event,
            toInt64(max(toUnixTimestamp64Second(time))) AS last_event
        FROM resource_events
        WHERE {{visible}}
    )
SELECT
    repositories, scanned_repositories, repositories_with_resources, failed_repositories, commits, resources, unparsable_versions, scanned_at,
    events, first_event, last_event
FROM known, happened
