-- Charts that repositories install now, those of most releases first.
WITH
    published AS ({{published}}),
    (SELECT (groupArray(repository_id), groupArray(published_sequence)) FROM published) AS published_ends
SELECT
    repository_id, toString(chart_name) AS name, toString(chart) AS identity, count() AS releases,
    groupUniqArrayIf(chart_version, chart_version != '') AS versions
FROM ({{installed}})
GROUP BY repository_id, chart_name, chart
ORDER BY repository_id, releases DESC, name, identity
