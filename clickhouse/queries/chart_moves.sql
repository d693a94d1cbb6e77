-- How often releases went from one place of a chart to another with the chart's name kept, and in how many repositories. A move keeps
-- the version, or goes up within the major version: a chart of the same name that someone else makes has versions of its own.
WITH published AS ({{published}})
SELECT
    chart_before,
    chart AS chart_after,
    any(chart_name) AS name,
    uniqExact(chart_version_changes.repository_id) AS repositories,
    min(time) AS first_time
FROM chart_version_changes
INNER JOIN published ON published.repository_id = chart_version_changes.repository_id
WHERE generation = published_generation AND sequence <= published_sequence
    AND chart_before != '' AND chart != '' AND chart_before != chart AND chart_name_before = chart_name
    AND (version_before = version OR (step = 'UPGRADE' AND part IN ('MINOR', 'PATCH', 'SUFFIX')))
GROUP BY chart_before, chart
ORDER BY repositories DESC, chart_before, chart_after
