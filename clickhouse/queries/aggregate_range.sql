-- The first and last second of the rows that a filter matches: when they happened, or began. None matched: 0 rows.
WITH
    published AS ({{published}}),
    (SELECT (groupArray(repository_id), groupArray(published_sequence)) FROM published) AS published_ends
SELECT count() AS rows, min({{time}}) AS first, max({{time}}) AS last
FROM {{rows}}
