-- Charts that resources install now: of each resource the newest row that its checkpoint covers. A patch or a vendored file installs
-- nothing by itself. Included by the questions about charts, after `published` and `published_ends`; {{of}} says whose resources.
SELECT repository_id, resource_id, chart_name, chart, chart_url, chart_version
FROM
(
    SELECT repository_id, resource_id, alive, is_patch, is_vendored, chart_name, chart, chart_url, chart_version
    FROM resource_resolutions
    WHERE {{visible}} AND {{of}}
    ORDER BY repository_id, generation, resource_id, sequence DESC
    LIMIT 1 BY repository_id, generation, resource_id
)
WHERE alive AND NOT is_patch AND NOT is_vendored AND chart_name != ''
