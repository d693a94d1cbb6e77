-- What forges say of repositories: the newest description with the repository, what is counted as a series of snapshots, and how the
-- repositories were found.
--
-- A description is rewritten as a whole row (0001); languages stand with the snapshots, since they are counted.
ALTER TABLE repositories
    ADD COLUMN IF NOT EXISTS forge_id       String COMMENT 'empty: its forge was not asked yet, or gives none',
    ADD COLUMN IF NOT EXISTS node_id        String,
    ADD COLUMN IF NOT EXISTS status         Enum8('PENDING' = 1, 'ACTIVE' = 2, 'PENDING_APPROVAL' = 3, 'BLOCKED' = 4, 'GONE' = 5) DEFAULT if(scan_status = 'SUCCEEDED', 'ACTIVE', 'PENDING'),
    ADD COLUMN IF NOT EXISTS is_approved    Bool,
    ADD COLUMN IF NOT EXISTS description    Nullable(String),
    ADD COLUMN IF NOT EXISTS license        LowCardinality(Nullable(String)) COMMENT 'SPDX id',
    ADD COLUMN IF NOT EXISTS language       LowCardinality(Nullable(String)),
    ADD COLUMN IF NOT EXISTS topics         Array(LowCardinality(String)),
    ADD COLUMN IF NOT EXISTS created_at     Nullable(DateTime64(0, 'UTC')),
    ADD COLUMN IF NOT EXISTS is_archived    Bool,
    ADD COLUMN IF NOT EXISTS is_fork        Bool,
    ADD COLUMN IF NOT EXISTS is_template    Bool,
    ADD COLUMN IF NOT EXISTS discovery_tags Array(LowCardinality(String)),
    ADD COLUMN IF NOT EXISTS quality        Array(Tuple(LowCardinality(String), Int32, Int32, String)) COMMENT 'name, points, most, explanation',
    ADD COLUMN IF NOT EXISTS quality_score  UInt32 COMMENT '0 to 100, the sum of quality',
    ADD COLUMN IF NOT EXISTS sync_status    Enum8('PENDING' = 1, 'SUCCEEDED' = 2, 'FAILED' = 3) DEFAULT 'PENDING',
    ADD COLUMN IF NOT EXISTS last_sync_at   Nullable(DateTime64(3, 'UTC')),
    ADD COLUMN IF NOT EXISTS sync_error     Nullable(String),
    ADD COLUMN IF NOT EXISTS next_sync_at   Nullable(DateTime64(3, 'UTC'));

-- One row a snapshot. Asked for by repository: the newest one, or a range of time. A year of a repository is a few hundred rows, so
-- granules and blocks are small: a page of repositories would otherwise read the whole table.
CREATE TABLE repository_metrics
(
    repository_id  UUID CODEC(ZSTD(1)),
    recorded_at    DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    version        UInt64 COMMENT 'of the data: readers of an older one do not see the row' CODEC(Delta, ZSTD(1)),
    stars          UInt64 CODEC(Delta, ZSTD(1)),
    forks          UInt64 CODEC(Delta, ZSTD(1)),
    watchers       UInt64 COMMENT 'subscribers' CODEC(Delta, ZSTD(1)),
    open_issues    UInt64 CODEC(Delta, ZSTD(1)),
    size_kb        UInt64 CODEC(Delta, ZSTD(1)),
    resource_count UInt64 COMMENT 'Kubernetes resources alive' CODEC(Delta, ZSTD(1)),
    languages      Array(Tuple(LowCardinality(String), UInt64)) COMMENT 'name, bytes; most first' CODEC(ZSTD(1)),
    pushed_at      Nullable(DateTime64(0, 'UTC')) CODEC(ZSTD(1)),
    updated_at     Nullable(DateTime64(0, 'UTC')) CODEC(ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (repository_id, recorded_at)
SETTINGS non_replicated_deduplication_window = 1000, index_granularity = 512, min_compress_block_size = 8192, max_compress_block_size = 16384;

-- What of a repository itself changed, and when that was noticed.
CREATE TABLE repository_changes
(
    repository_id UUID,
    recorded_at   DateTime64(3, 'UTC'),
    version       UInt64,
    field         Enum8('FULL_NAME' = 1, 'DEFAULT_BRANCH' = 2, 'ARCHIVED' = 3, 'FORK' = 4, 'STATUS' = 5),
    before        String,
    after         String
)
ENGINE = MergeTree
ORDER BY (repository_id, recorded_at);

-- Removed repositories: their forge's id or alias, so that they are not discovered again. Adding one by hand writes a row that ends it;
-- the newest row counts.
CREATE TABLE tombstones
(
    alias      String COMMENT 'a normalised URL, a path, or forge#id',
    is_buried  Bool,
    updated_at DateTime64(6, 'UTC') COMMENT 'a version of the data'
)
ENGINE = ReplacingMergeTree(updated_at)
ORDER BY alias;

-- One row a run of a query; the newest says when it is due again.
CREATE TABLE discovery_runs
(
    forge         LowCardinality(String),
    query         String,
    ran_at        DateTime64(3, 'UTC'),
    job_id        UUID,
    found         UInt64 COMMENT 'repositories that matched',
    new           UInt64 COMMENT 'of these not known before',
    requests      UInt32 COMMENT 'searches it took',
    is_incomplete Bool COMMENT 'the forge said that there might be more',
    error         Nullable(String)
)
ENGINE = MergeTree
ORDER BY (forge, query, ran_at);

-- Which query found which repository, once: accepted is what turned out to hold resources.
CREATE TABLE discoveries
(
    forge         LowCardinality(String),
    query         String,
    repository_id UUID COMMENT 'zero: it was rejected',
    full_name     String,
    is_new        Bool COMMENT 'no other query had found it',
    rejected      LowCardinality(String) COMMENT 'why it was not taken; empty: it was',
    found_at      DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(found_at)
ORDER BY (forge, query, full_name);
