-- Repositories, the names they are found by, and how far each is scanned.
--
-- repositories is small (thousands of rows) and rewritten as a whole row: ReplacingMergeTree keeps the newest, readers use
-- FINAL. A row is one screen of data, so the key is the id alone and nothing is partitioned.
CREATE TABLE repositories
(
    id              UUID,
    forge           LowCardinality(String),
    owner           String,
    name            String,
    full_name       String MATERIALIZED concat(owner, '/', name),
    url             String,
    default_branch  String,
    discovered_at   DateTime64(3, 'UTC'),
    scan_status     Enum8('PENDING' = 1, 'SUCCEEDED' = 2, 'FAILED' = 3),
    last_scan_at    Nullable(DateTime64(3, 'UTC')),
    scan_error      Nullable(String),
    updated_at      DateTime64(6, 'UTC') COMMENT 'a version: after all others that were given'
)
ENGINE = ReplacingMergeTree(updated_at)
ORDER BY id;

-- A normalised URL or canonical path, and the repository it means. Renames add aliases, none is taken away; the earliest
-- row of an alias wins, so that two first scans at once agree on one id.
CREATE TABLE repository_aliases
(
    alias         String,
    repository_id UUID,
    added_at      DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY (alias, added_at);

-- One row a published scan; the newest row of a repository says what readers see of it. version orders publications over
-- all repositories: a request reads the newest version once and ignores later rows, so it sees one state of everything.
-- Rows are kept (a hundred bytes each): they are the history of scans.
CREATE TABLE checkpoints
(
    repository_id       UUID,
    version             UInt64 CODEC(Delta, ZSTD(1)),
    generation          UInt32,
    sequence            UInt64,
    commit              String,
    commit_time         DateTime64(0, 'UTC'),
    state_time          DateTime64(0, 'UTC'),
    actor               String,
    actor_is_bot        Bool,
    subject             String,
    branch              String,
    extractor_version   UInt32,
    commits             UInt64,
    created             UInt64,
    modified            UInt64,
    deleted             UInt64,
    moved               UInt64,
    resources           UInt64,
    files               UInt64,
    unparsable_versions UInt64,
    run_id              UUID,
    published_at        DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY (repository_id, version)
SETTINGS non_replicated_deduplication_window = 1000;
