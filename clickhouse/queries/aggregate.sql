-- Measures a bucket and group, of one or two periods; a bucket is named by its first second. The groups that come first by their
-- totals over the whole first period are kept by name; the rest are measured together as "other", so that what adds up adds up
-- to all rows. Measures stay what can be merged (counts, sums, states of aggregate functions) until the groups are known: every
-- row is read once, however many groups there are.
WITH
    published AS ({{published}}),
    (SELECT (groupArray(repository_id), groupArray(published_sequence)) FROM published) AS published_ends,
    {{names}}
    counted AS ({{counted}}),
    ranked AS ({{ranked}}),
    named AS
    (
        SELECT
            period,
            bucket,
            if(rank > {top:UInt32}, CAST([], 'Array(String)'), dimensions) AS names,
            rank > {top:UInt32} AS is_other,
            min(rank) AS place,
            {{gathered}}
        FROM ranked
        GROUP BY period, bucket, names, is_other
    )
SELECT period, bucket, names, is_other, place, CAST([{{measures}}], 'Array(Nullable(Float64))') AS measured
FROM named
ORDER BY period, bucket, is_other, place
LIMIT {most:UInt64}
