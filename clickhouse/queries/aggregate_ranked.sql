-- Groups with their rank among all: by their totals over the whole first period.
SELECT *, dense_rank() OVER (ORDER BY {{order}}) AS rank
FROM (SELECT *, {{totals}} FROM counted)
WHERE {{having}}
