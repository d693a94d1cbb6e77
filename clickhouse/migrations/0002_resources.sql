-- Resources as the last event of each scan left them: who is alive where, since when.
--
-- A scan appends one row for each resource it touched. Rows beyond a repository's checkpoint are invisible, so a killed
-- scan changes nothing; therefore no ReplacingMergeTree, whose merges would let an unpublished row push out a published
-- one. Readers take the row with the highest sequence that their checkpoint covers.
--
-- Key: a repository's page, a resource of an event and the resumption of a scan all know the repository; within it rows of
-- one resource lie together. A resource that is asked for by its id alone goes through the bloom filter. The content stays
-- with the events: it would be the greater part of this table and is asked for one resource at a time.
CREATE TABLE resources
(
    repository_id UUID CODEC(ZSTD(1)),
    generation    UInt32,
    id            UUID,
    sequence      UInt64 CODEC(Delta, ZSTD(1)),
    group         LowCardinality(String),
    api_version   LowCardinality(String),
    kind          LowCardinality(String),
    namespace     LowCardinality(String) COMMENT 'empty: none declared',
    name          String CODEC(ZSTD(1)),
    path          String COMMENT 'bytes, not necessarily UTF-8' CODEC(ZSTD(1)),
    ordinal       UInt32 COMMENT 'among equals in the file',
    status        Enum8('ACTIVE' = 1, 'DELETED' = 2),
    blob          String CODEC(ZSTD(1)),
    created_at    DateTime64(0, 'UTC') CODEC(Delta, ZSTD(1)),
    updated_at    DateTime64(0, 'UTC') CODEC(Delta, ZSTD(1)),
    deleted_at    Nullable(DateTime64(0, 'UTC')),
    run_id        UUID CODEC(ZSTD(1)),
    recorded_at   DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(Delta, ZSTD(1)),
    INDEX by_id id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = MergeTree
ORDER BY (repository_id, generation, id, sequence)
SETTINGS non_replicated_deduplication_window = 1000;
