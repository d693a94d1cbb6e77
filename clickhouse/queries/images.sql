-- Container images by their repositories, with who uses them now: those of the newest event of each resource that is alive. {{columns}} is
-- the row or a count, {{registry}} the rule of registries. A patch or a vendored file runs nothing by itself.
WITH
    published AS ({{published}}),
    (SELECT (groupArray(repository_id), groupArray(published_sequence)) FROM published) AS published_ends,
    newest AS
    (
        SELECT repository_id, resource_id, kind, type, is_patch, is_vendored, images
        FROM resource_events
        WHERE {{visible}}
        ORDER BY repository_id, generation, resource_id, sequence DESC
        LIMIT 1 BY repository_id, generation, resource_id
    ),
    by_tag AS
    (
        SELECT
            image.1 AS image_repository, image.2 AS tag, count() AS tag_uses, countIf(image.3 != '') AS tag_pinned,
            groupUniqArray(resource_id) AS tag_resources, groupUniqArray(repository_id) AS tag_repositories,
            groupUniqArray(toString(kind)) AS tag_kinds
        FROM newest
        ARRAY JOIN images AS image
        WHERE type != 'DELETED' AND NOT is_patch AND NOT is_vendored
        GROUP BY image_repository, tag
    ),
    images AS
    (
        SELECT
            image_repository AS repository, {{registry}} AS registry,
            groupUniqArrayArray(tag_repositories) AS repository_ids, uniqExactArray(tag_repositories) AS repositories,
            uniqExactArray(tag_resources) AS resources, arraySort(groupUniqArrayArray(tag_kinds)) AS kinds,
            sum(tag_uses) AS uses, sum(tag_pinned) AS pinned,
            arraySort(
                entry -> (-toInt64(entry.2), -toInt64(entry.3), entry.1),
                groupArray((tag, toUInt64(length(tag_resources)), toUInt64(length(tag_repositories))))) AS tag_counts,
            arrayMap(entry -> entry.1, tag_counts) AS tags
        FROM by_tag
        GROUP BY image_repository
    )
SELECT {{columns}} FROM images WHERE {{filter}} {{tail}}
