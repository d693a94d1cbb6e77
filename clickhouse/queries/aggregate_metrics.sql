-- Snapshots of repositories, each from when it was taken until the next one.
(
    SELECT *
    FROM
    (
        SELECT
            *,
            intDiv(toUnixTimestamp64Milli(recorded_at), 1000) AS valid_from,
            leadInFrame(intDiv(toUnixTimestamp64Milli(recorded_at), 1000), 1, 9223372036854775807) OVER (
                PARTITION BY repository_id ORDER BY recorded_at
                ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
            ) AS valid_to
        FROM repository_metrics
        WHERE version <= {data_version:UInt64} AND {{constant_filter}} AND {{span}}
    ) AS repository_metrics
    WHERE {{filter}}
) AS repository_metrics
