-- The newest snapshot stands in the row of its repository: a page of repositories shows and orders by it, and looks at no other snapshot.
-- What no answer of the forge told is null, not 0. Visits that failed are counted, so that each waits longer than the one before.
ALTER TABLE repositories
    ADD COLUMN IF NOT EXISTS failed_syncs UInt32 COMMENT 'in a row, up to now',
    ADD COLUMN IF NOT EXISTS metrics Array(Tuple(
        DateTime64(3, 'UTC'), UInt64, UInt64, Nullable(UInt64), UInt64, UInt64, Nullable(UInt64),
        Array(Tuple(LowCardinality(String), UInt64)), Bool, Nullable(DateTime64(0, 'UTC')), Nullable(DateTime64(0, 'UTC'))
    )) COMMENT 'the newest snapshot, none or one: recorded_at, stars, forks, watchers, open_issues, size_kb, resource_count, languages, has_languages, pushed_at, updated_at, as in repository_metrics';

ALTER TABLE repository_metrics
    MODIFY COLUMN watchers Nullable(UInt64) COMMENT 'subscribers; null: not told' CODEC(ZSTD(1)),
    MODIFY COLUMN resource_count Nullable(UInt64) COMMENT 'Kubernetes resources alive; null: not scanned yet' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS has_languages Bool DEFAULT notEmpty(languages) COMMENT 'false: not told' AFTER languages;

ALTER TABLE discovery_runs
    ADD COLUMN IF NOT EXISTS is_limited Bool COMMENT 'it stopped after the most starred: the first run of a query';

-- Repositories of before: their newest snapshot; and those without a tag were added by hand, since discovery tags what it finds.
INSERT INTO repositories
SELECT
    r.* REPLACE (
        if(m.repository_id = r.id, [m.newest], []) AS metrics,
        if(empty(r.discovery_tags), ['added by hand'], r.discovery_tags) AS discovery_tags,
        r.updated_at + toIntervalMicrosecond(1) AS updated_at
    )
FROM repositories AS r FINAL
LEFT JOIN
(
    SELECT
        repository_id,
        argMax(
            (recorded_at, stars, forks, watchers, open_issues, size_kb, resource_count, languages, has_languages, pushed_at, updated_at),
            recorded_at
        ) AS newest
    FROM repository_metrics
    GROUP BY repository_id
) AS m ON m.repository_id = r.id;
