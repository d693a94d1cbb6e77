-- Repositories with their newest published checkpoint. {{columns}} is the row or a count. Of the checkpoints, which grow with every scan,
-- the narrow key is read first, and of repositories that are asked for by id ({{of}}) no others'.
WITH
    newest AS
    (
        SELECT * FROM checkpoints
        WHERE (repository_id, version) IN
            (
                SELECT repository_id AS id, max(version)
                FROM checkpoints WHERE version <= {data_version:UInt64} AND {{of}} GROUP BY id
            )
        LIMIT 1 BY repository_id
    ),
    known AS
    (
        SELECT
            r.id AS id, r.forge AS forge, r.owner AS owner, r.name AS name, r.full_name AS full_name, r.url AS url,
            r.default_branch AS default_branch, r.discovered_at AS discovered_at, toInt8(r.status) AS status,
            r.is_approved AS is_approved, r.forge_id AS forge_id, r.node_id AS node_id, r.description AS description,
            r.license AS license, r.language AS language, r.topics AS topics, r.created_at AS created_at,
            r.is_archived AS is_archived, r.is_fork AS is_fork, r.is_template AS is_template,
            r.discovery_tags AS discovery_tags, r.quality AS quality, r.quality_score AS quality_score, r.metrics AS metrics,
            toInt8(r.sync_status) AS sync_status, r.last_sync_at AS last_sync_at, r.sync_error AS sync_error,
            r.failed_syncs AS failed_syncs,
            toInt8(r.scan_status) AS scan_status, r.last_scan_at AS last_scan_at, r.scan_error AS scan_error,
            r.next_sync_at AS next_sync_at,
            c.generation AS generation, c.commit AS head_commit, c.commit_time AS head_time, c.actor AS head_actor,
            c.actor_is_bot AS head_actor_is_bot, c.subject AS head_subject, c.extractor_version AS extractor_version,
            c.commits AS commits, c.created AS created, c.modified AS modified, c.deleted AS deleted,
            c.resources AS resources, c.unparsable_versions AS unparsable_versions,
            tupleElement(r.metrics[1], 2) AS stars
        FROM repositories AS r FINAL
        LEFT JOIN newest AS c ON c.repository_id = r.id
    )
SELECT {{columns}} FROM known WHERE {{filter}} {{tail}}
