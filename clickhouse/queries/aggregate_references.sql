-- References, each from the commit it begins at until the one it ends at.
(
    SELECT *
    FROM
    (
        SELECT
            *,
            toUnixTimestamp64Second(state_time) AS valid_from,
            {{ends}} AS valid_to
        FROM resource_references
        WHERE {{visible}} AND {{constant_filter}} AND {{span}}
        {{last}}
    ) AS resource_references
    WHERE begins AND {{filter}}
) AS resource_references
