-- What repositories with one chart install beside it: of each other chart the repositories with it, and those with both. {{column}} is what
-- charts are told apart by; each repository is looked at once.
WITH
    published AS ({{published}}),
    (SELECT (groupArray(repository_id), groupArray(published_sequence)) FROM published) AS published_ends,
    repositories AS
    (
        SELECT
            groupUniqArrayIf(toString({{column}}), {{column}} != '' AND NOT ({{asked}}) AND {{others}}) AS others,
            countIf({{asked}}) > 0 AS is_asked
        FROM ({{installed}})
        GROUP BY repository_id
    ),
    counted AS
    (
        SELECT others, is_asked, count() OVER () AS all_count, countIf(is_asked) OVER () AS asked_count
        FROM repositories
    )
SELECT
    other AS chart, count() AS repositories, countIf(is_asked) AS together, any(asked_count) AS asked_repositories,
    any(all_count) AS all_repositories
FROM counted
ARRAY JOIN others AS other
GROUP BY other
HAVING together >= {least:Int64}
ORDER BY {{order}}
LIMIT {most:UInt32}
