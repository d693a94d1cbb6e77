-- The newest version of the data, in microseconds: publications, and changes and removals of repositories, move it.
SELECT max(version) AS version
FROM
(
    SELECT max(version) AS version FROM checkpoints
    UNION ALL
    SELECT toUInt64(toUnixTimestamp64Micro(max(updated_at))) AS version FROM repositories
    UNION ALL
    SELECT toUInt64(toUnixTimestamp64Micro(max(updated_at))) AS version FROM tombstones
)
