-- What resources declared, each from one event on until its next one. The end of each is the beginning of the next, along the walk.
(
    SELECT *
    FROM
    (
        SELECT
            *,
            toUnixTimestamp64Second(state_time) AS valid_from,
            {{ends}} AS valid_to
        FROM resource_events
        WHERE {{visible}} AND {{constant_filter}} AND {{span}}
        {{last}}
    ) AS resource_events
    WHERE type != 'DELETED' AND {{filter}}
) AS resource_events
