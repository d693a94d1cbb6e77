-- Repositories whose removal was cut short: their own row is gone, and the aliases, which go last, are buried and still there.
SELECT DISTINCT repository_id
FROM repository_aliases
WHERE alias IN (SELECT alias FROM tombstones FINAL WHERE is_buried) AND repository_id NOT IN (SELECT id FROM repositories)
