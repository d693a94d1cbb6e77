-- Groups by name, those that come first by their totals over the whole first period; the rest are measured together as "other", so
-- that what adds up adds up to all rows.
SELECT
    period,
    bucket,
    if(rank > {top:UInt32}, CAST([], 'Array(String)'), dimensions) AS names,
    rank > {top:UInt32} AS is_other,
    min(rank) AS place,
    {{gathered}}
FROM
(
    SELECT *, dense_rank() OVER (ORDER BY {{order}}) AS rank
    FROM (SELECT *, {{totals}} FROM counted)
    WHERE {{having}}
)
GROUP BY period, bucket, names, is_other
