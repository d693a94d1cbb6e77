-- What readers see of each repository at one version of the data. Included by the questions about scanned rows.
SELECT
    repository_id,
    argMax(generation, version) AS published_generation,
    argMax(sequence, version) AS published_sequence
FROM checkpoints
WHERE version <= {data_version:UInt64}
GROUP BY repository_id
