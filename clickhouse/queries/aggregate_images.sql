-- The images that resources declared, each from one event on until the resource's next one.
(
    SELECT *
    FROM
    (
        SELECT *, image.1 AS image_repository, image.2 AS image_tag, image.3 AS image_digest
        FROM
        (
            SELECT
                repository_id, resource_id, group, kind, namespace, is_patch, is_vendored, images, type,
                toUnixTimestamp64Second(state_time) AS valid_from,
                {{ends}} AS valid_to
            FROM resource_events
            WHERE {{visible}} AND {{constant_filter}} AND {{span}}
            {{last}}
        ) AS resource_events
        ARRAY JOIN images AS image
        WHERE type != 'DELETED'
    ) AS resource_events
    WHERE {{filter}}
) AS resource_events
