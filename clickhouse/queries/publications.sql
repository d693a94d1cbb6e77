-- What became visible after a version of the data, in its order: one row a published scan. A generation that replaced another holds
-- the same history again.
SELECT
    repository_id, version, run_id,
    generation > 1 AND sequence_before = 0 AS is_rebuild
FROM
(
    SELECT
        repository_id, version, run_id, generation,
        lagInFrame(sequence, 1, 0) OVER (PARTITION BY repository_id, generation ORDER BY version) AS sequence_before
    FROM checkpoints
    WHERE repository_id IN (SELECT repository_id FROM checkpoints WHERE version > {after:Int64})
)
WHERE version > {after:Int64}
ORDER BY version
