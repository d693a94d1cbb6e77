-- Events a bucket and group; a bucket is named by its first second, the buckets are given. The largest groups over the whole
-- range are kept by name, the rest add up to "other", so the rows of a bucket always sum to all its events. Empty buckets are
-- filled: every group has a row a bucket.
WITH
    published AS ({{published}}),
    (SELECT (groupArray(repository_id), groupArray(published_sequence)) FROM published) AS published_ends,
    counted AS
    (
        SELECT roundDown(toUnixTimestamp64Second(time), {buckets:Array(Int64)}) AS bucket, {{dimensions}} AS dimensions, count() AS events
        FROM resource_events
        WHERE {{visible}} AND {{filter}}
        GROUP BY bucket, dimensions
    ),
    ranked AS
    (
        SELECT dimensions, sum(events) AS total, groupArray((bucket, events)) AS series,
            row_number() OVER (ORDER BY total DESC, dimensions) AS rank
        FROM counted
        GROUP BY dimensions
    ),
    named AS
    (
        SELECT
            if(rank > {top:UInt32}, CAST([], 'Array(String)'), dimensions) AS dimensions,
            rank > {top:UInt32} AS is_other,
            min(rank) AS first_rank,
            sumMap(arrayMap(point -> point.1, series), arrayMap(point -> point.2, series)) AS summed
        FROM ranked
        GROUP BY dimensions, is_other
    )
SELECT
    point.1 AS bucket,
    dimensions,
    is_other,
    point.2 AS events
FROM named
ARRAY JOIN arrayMap(bucket -> (bucket, summed.2[indexOf(summed.1, bucket)]), {buckets:Array(Int64)}) AS point
ORDER BY bucket, is_other, first_rank
