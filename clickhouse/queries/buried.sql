-- Which of some aliases belong to a repository that was removed.
SELECT alias FROM tombstones FINAL WHERE alias IN {aliases:Array(String)} AND is_buried
