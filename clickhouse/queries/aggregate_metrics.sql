-- Snapshots of repositories, each from when it was taken until the next one.
(
    SELECT *
    FROM
    (
        SELECT
            *,
            intDiv(toUnixTimestamp64Milli(recorded_at), 1000) AS valid_from,
            {{ends}} AS valid_to
        FROM repository_metrics
        WHERE version <= {data_version:UInt64} AND {{constant_filter}} AND {{span}}
        {{last}}
    ) AS repository_metrics
    WHERE {{filter}}
) AS repository_metrics
