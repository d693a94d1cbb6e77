-- The newest version of the data: publications and changes of repositories both move it, in microseconds.
SELECT max(version) AS version
FROM
(
    SELECT max(version) AS version FROM checkpoints
    UNION ALL
    SELECT toUInt64(toUnixTimestamp64Micro(max(updated_at))) AS version FROM repositories
)
