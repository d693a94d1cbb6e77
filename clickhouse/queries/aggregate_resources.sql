-- What resources declared, each from one event on until its next one. The end of each is the beginning of the next, along the walk.
(
    SELECT *
    FROM
    (
        SELECT
            *,
            toUnixTimestamp64Second(state_time) AS valid_from,
            leadInFrame(toUnixTimestamp64Second(state_time), 1, 9223372036854775807) OVER (
                PARTITION BY repository_id, generation, resource_id ORDER BY sequence
                ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
            ) AS valid_to
        FROM resource_events
        WHERE {{visible}} AND {{constant_filter}} AND {{span}}
    ) AS resource_events
    WHERE type != 'DELETED' AND {{filter}}
) AS resource_events
