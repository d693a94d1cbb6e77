-- Lifecycle events, with what changed and the whole content after each: the table every question about time reads.
--
-- Key: all events of a resource lie together in walk order. Consecutive contents of one resource differ by a line or two,
-- so ZSTD finds nearly all of each in its predecessor (content is most of the raw bytes and must not be most of the disk;
-- blocks of a megabyte or more give it more predecessors: 10 % less than blocks of 64 KiB over eleven repositories);
-- the lifecycle of a resource and the page of a repository read a few granules. Trends over all repositories read a few
-- narrow columns (type, kind, time: some bytes a row) and are quick in any order. Events asked for by their id alone go
-- through the bloom filter.
--
-- No partitions: one scan spans years, and partitions by month would shatter every insert into a hundred parts; events go
-- away by repository and generation, which the key finds.
--
-- time is DateTime64 with whole seconds: commits dated before 1970 or after 2106 do not fit DateTime.
-- Inserts carry a deduplication token, so one that is repeated because its answer was lost is stored once.
CREATE TABLE resource_events
(
    repository_id   UUID CODEC(ZSTD(1)),
    generation      UInt32,
    sequence        UInt64 CODEC(Delta, ZSTD(1)),
    id              UUID CODEC(NONE),
    resource_id     UUID CODEC(ZSTD(1)),
    type            Enum8('CREATED' = 1, 'MODIFIED' = 2, 'DELETED' = 3),
    moved           Bool,
    path_before     String COMMENT 'moves only' CODEC(ZSTD(1)),
    commit          String CODEC(ZSTD(1)),
    time            DateTime64(0, 'UTC') COMMENT 'committer time as it stands' CODEC(Delta, ZSTD(1)),
    state_time      DateTime64(0, 'UTC') COMMENT 'running maximum of times along the walk' CODEC(Delta, ZSTD(1)),
    actor           LowCardinality(String),
    actor_is_bot    Bool,
    subject         String CODEC(ZSTD(3)),
    path            String COMMENT 'bytes, not necessarily UTF-8' CODEC(ZSTD(1)),
    ordinal         UInt32 CODEC(ZSTD(1)),
    blob_before     String CODEC(ZSTD(1)),
    blob_after      String CODEC(ZSTD(1)),
    group           LowCardinality(String),
    api_version     LowCardinality(String),
    kind            LowCardinality(String),
    namespace       LowCardinality(String) COMMENT 'empty: none declared',
    name            String CODEC(ZSTD(1)),
    changes         Array(Tuple(String, Nullable(String), Nullable(String))) COMMENT 'pointer, before and after as JSON text' CODEC(ZSTD(3))
                    SETTINGS (min_compress_block_size = 1048576, max_compress_block_size = 4194304),
    changes_omitted UInt32 CODEC(ZSTD(1)),
    content         String COMMENT 'JSON text, secrets redacted; before the event for DELETED' CODEC(ZSTD(3))
                    SETTINGS (min_compress_block_size = 1048576, max_compress_block_size = 4194304),
    run_id          UUID CODEC(ZSTD(1)),
    recorded_at     DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(Delta, ZSTD(1)),
    INDEX by_id id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_resource resource_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = MergeTree
ORDER BY (repository_id, generation, resource_id, sequence)
SETTINGS non_replicated_deduplication_window = 1000;
