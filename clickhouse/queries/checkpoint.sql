-- The newest published checkpoint of a repository.
SELECT
    generation, sequence, commit, commit_time, state_time, actor, actor_is_bot, subject, branch, extractor_version,
    commits, created, modified, deleted, moved, resources, files, unparsable_versions, run_id
FROM checkpoints
WHERE repository_id = {repository_id:UUID}
ORDER BY version DESC
LIMIT 1
