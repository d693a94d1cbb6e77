-- What counts for the quality of repositories in their content: commits since a time that changed a resource, and the resources of Flux
-- and Argo CD alive at the checkpoint. A group and a kind never change of a resource, so what was created and not deleted is alive.
WITH
    published AS ({{published}}),
    (SELECT (groupArray(repository_id), groupArray(published_sequence)) FROM published) AS published_ends
SELECT
    repository_id,
    uniqExactIf(commit, time >= fromUnixTimestamp64Second({from:Int64})) AS recent_commits,
    toUInt64(greatest(0, sumIf(alive, is_flux))) AS flux_resources,
    toUInt64(greatest(0, sumIf(alive, is_argo))) AS argo_resources
FROM
(
    SELECT
        repository_id, commit, time, multiIf(type = 'CREATED', 1, type = 'DELETED', -1, 0) AS alive,
        endsWith(group, '.toolkit.fluxcd.io') OR group = 'fluxcd.controlplane.io' AS is_flux,
        group = 'argoproj.io' AND kind IN ('Application', 'ApplicationSet', 'AppProject') AS is_argo
    FROM resource_events
    WHERE repository_id IN {repositories:Array(UUID)} AND {{visible}}
)
GROUP BY repository_id
