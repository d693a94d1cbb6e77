-- Files that could not be read as YAML, one row a version: which file, in which commit, where and why (never its content).
--
-- Asked for by repository, newest first; a few rows a repository, so nothing but the key is needed.
CREATE TABLE scan_failures
(
    repository_id UUID CODEC(ZSTD(1)),
    generation    UInt32,
    sequence      UInt64 CODEC(Delta, ZSTD(1)),
    commit        String CODEC(ZSTD(1)),
    time          DateTime64(0, 'UTC') CODEC(Delta, ZSTD(1)),
    path          String COMMENT 'bytes, not necessarily UTF-8' CODEC(ZSTD(1)),
    blob          String CODEC(ZSTD(1)),
    line          UInt32 COMMENT '1-based, 0: unknown',
    column        UInt32 COMMENT '1-based, 0: unknown',
    message       String CODEC(ZSTD(1)),
    run_id        UUID CODEC(ZSTD(1)),
    recorded_at   DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(Delta, ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (repository_id, generation, sequence)
SETTINGS non_replicated_deduplication_window = 1000;
