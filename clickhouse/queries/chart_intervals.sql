-- At which exact versions releases installed a chart, each from one commit on until the next that changed it. All rows of a release are
-- looked at, since one with another chart ends what was before it; a version that another commit of the same second replaced is left out.
WITH
    published AS ({{published}}),
    (SELECT (groupArray(repository_id), groupArray(published_sequence)) FROM published) AS published_ends
SELECT repository_id, chart_version AS version, valid_from, valid_to
FROM
(
    SELECT
        *,
        toInt64(toUnixTimestamp64Second(state_time)) AS valid_from,
        leadInFrame(toInt64(toUnixTimestamp64Second(state_time)), 1, 9223372036854775807) OVER (
            PARTITION BY repository_id, generation, resource_id ORDER BY sequence
            ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS valid_to
    FROM resource_resolutions
    WHERE {{visible}}
        AND (repository_id, resource_id) IN
            (SELECT repository_id, resource_id FROM resource_resolutions WHERE {{visible}} AND {{filter}})
) AS resource_resolutions
WHERE alive AND version_class = 'EXACT' AND valid_from < valid_to AND {{filter}}
ORDER BY valid_from, repository_id, version
