-- Every alias that a repository was given, the first one first.
SELECT alias FROM repository_aliases WHERE repository_id = {repository:UUID} GROUP BY alias ORDER BY min(added_at), alias
