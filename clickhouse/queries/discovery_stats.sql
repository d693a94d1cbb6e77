-- Queries of discovery: what each found, how much of it turned out to hold resources, and how its runs went. Accepted is counted from what
-- is stored: a repository is accepted once its checkpoint has resources, and counts once whatever it was called. argMax leaves nulls out, so an error is wrapped.
WITH
    accepted AS
    (
        SELECT repository_id FROM checkpoints GROUP BY repository_id HAVING argMax(resources, version) > 0
    ),
    hits AS
    (
        SELECT
            forge, query, taken + countIf(rejected != '') AS known, uniqExactIf(repository_id, rejected = '') AS taken,
            uniqExactIf(repository_id, rejected = '' AND is_new) AS first_here,
            uniqExactIf(repository_id, rejected = '' AND repository_id IN (SELECT repository_id FROM accepted)) AS accepted,
            arrayMap((reason, number) -> (reason, number), mapKeys(sumMap(map(rejected, toUInt64(1)))),
                mapValues(sumMap(map(rejected, toUInt64(1))))) AS reasons
        FROM discoveries FINAL GROUP BY forge, query
    ),
    runs AS
    (
        SELECT
            forge, query, count() AS runs, max(ran_at) AS last_run_at, argMax(found, ran_at) AS found, argMax(new, ran_at) AS new,
            argMax(is_incomplete, ran_at) AS is_incomplete, argMax(tuple(error), ran_at).1 AS error, sum(requests) AS requests
        FROM discovery_runs GROUP BY forge, query
    )
SELECT
    runs.forge AS forge, runs.query AS query, runs.runs AS runs, runs.last_run_at AS last_run_at, runs.found AS found,
    runs.new AS new, runs.is_incomplete AS is_incomplete, runs.error AS error, runs.requests AS requests,
    hits.known AS known, hits.taken AS taken, hits.first_here AS first_here, hits.accepted AS accepted,
    arrayFilter(reason -> reason.1 != '', hits.reasons) AS rejected
FROM runs LEFT JOIN hits ON hits.forge = runs.forge AND hits.query = runs.query
ORDER BY forge, query
