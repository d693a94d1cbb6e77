-- References, each from the commit it begins at until the one it ends at.
(
    SELECT *
    FROM
    (
        SELECT
            *,
            toUnixTimestamp64Second(state_time) AS valid_from,
            leadInFrame(toUnixTimestamp64Second(state_time), 1, 9223372036854775807) OVER (
                PARTITION BY repository_id, generation, resource_id, field, to_kind, to_namespace, is_declared, to_name, selector, produces
                ORDER BY sequence
                ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
            ) AS valid_to
        FROM resource_references
        WHERE {{visible}} AND {{constant_filter}} AND {{span}}
    ) AS resource_references
    WHERE begins AND {{filter}}
) AS resource_references
