-- The repository a normalised URL or a canonical path means; the earliest alias wins.
SELECT repository_id FROM repository_aliases WHERE alias = {alias:String} ORDER BY added_at, repository_id LIMIT 1
