-- Events, each at its own time.
(
    SELECT *, toUnixTimestamp64Second(time) AS happened
    FROM resource_events
    WHERE {{visible}} AND {{filter}} AND {{span}}
) AS resource_events
