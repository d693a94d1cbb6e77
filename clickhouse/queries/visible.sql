-- Whether a row is covered by its repository's published checkpoint: included by the questions that read many rows, after
-- `published` and `published_ends`. Looking the end up beats a join by half, and leaves the rows in the order of the table.
(repository_id, generation) IN (SELECT repository_id, published_generation FROM published)
AND sequence <= transform(repository_id, published_ends.1, published_ends.2, toUInt64(0))
