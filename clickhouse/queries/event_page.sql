-- A page of events. Its keys come from the projection by_time, read in the order of the page until it is full; then the
-- rows are found by the table's own key. Reading and sorting whole rows would cost the whole table for each page.
-- The condition on time holds for all times that a commit can say, those before every calendar, too: the engine takes a
-- projection for a condition, not for an order.
WITH
    published AS ({{published}}),
    (SELECT (groupArray(repository_id), groupArray(published_sequence)) FROM published) AS published_ends,
    page AS
    (
        SELECT repository_id, generation, resource_id, sequence
        FROM resource_events
        WHERE {{visible}} AND {{filter}} AND time >= fromUnixTimestamp64Second(toInt64(-9223372036854775808))
        {{tail}}
    )
SELECT {{columns}}
FROM resource_events
WHERE (repository_id, generation, resource_id, sequence) IN (SELECT repository_id, generation, resource_id, sequence FROM page)
{{tail}}
