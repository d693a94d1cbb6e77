-- Measures a bucket and group, of one or two periods; a bucket is named by its first second. Measures stay what can be merged (counts,
-- sums, states of aggregate functions) until it is known which groups are told by name: every row is read once, however many groups
-- there are.
WITH
    published AS ({{published}}),
    (SELECT (groupArray(repository_id), groupArray(published_sequence)) FROM published) AS published_ends,
    {{names}}
    counted AS ({{counted}}),
    named AS ({{named}})
SELECT period, bucket, names, is_other, place, CAST([{{measures}}], 'Array(Nullable(Float64))') AS measured
FROM named
ORDER BY period, bucket, is_other, place
LIMIT {most:UInt64}
