-- The charts that releases installed, each from the commit that made it so until the next one that changed it, whosever manifest that was.
(
    SELECT *
    FROM
    (
        SELECT
            *,
            toUnixTimestamp64Second(state_time) AS valid_from,
            {{ends}} AS valid_to
        FROM resource_resolutions
        WHERE {{visible}} AND {{constant_filter}} AND {{span}}
        {{last}}
    ) AS resource_resolutions
    WHERE alive AND chart_name != '' AND {{filter}}
) AS resource_resolutions
