-- What resources mean in their whole repository, as intervals of commits: effective namespaces, charts and versions, references.
--
-- A row says what holds from its commit on, until the next row of the same thing (the same resource; the same edge; the same
-- file). So nothing is ever updated, a killed scan leaves nothing that readers see, and each can be asked at the head or at any day:
-- the row with the highest sequence whose state_time is not after it. Rows of one commit share a sequence, which comes after the
-- commit's events.
--
-- Keys: rows of one resource lie together, and consecutive ones are mostly equal but for a version. A repository has about one
-- row a resource and one more a version change, so everything but the key is read in whole.
CREATE TABLE resource_resolutions
(
    repository_id UUID CODEC(ZSTD(1)),
    generation    UInt32,
    sequence      UInt64 CODEC(Delta, ZSTD(1)),
    resource_id   UUID CODEC(ZSTD(1)),
    commit        String CODEC(ZSTD(1)),
    time          DateTime64(0, 'UTC') COMMENT 'committer time as it stands' CODEC(Delta, ZSTD(1)),
    state_time    DateTime64(0, 'UTC') COMMENT 'running maximum of times along the walk' CODEC(Delta, ZSTD(1)),
    alive         Bool COMMENT 'false: the resource is gone from here on',
    namespaces    Array(LowCardinality(String)),
    is_patch      Bool,
    is_vendored   Bool,
    chart_name    LowCardinality(String) COMMENT 'empty: no chart',
    chart         LowCardinality(String) COMMENT 'identity: host/path/name; empty: its source is not known',
    chart_url     String COMMENT 'of the source, as declared' CODEC(ZSTD(1)),
    chart_version String CODEC(ZSTD(1)),
    version_class Enum8('NONE' = 0, 'EXACT' = 1, 'RANGE' = 2, 'WILDCARD' = 3, 'LATEST' = 4, 'DIGEST' = 5, 'TEMPLATED' = 6, 'PATH' = 7, 'UNKNOWN' = 8),
    source_kind   LowCardinality(String),
    source_id     UUID COMMENT 'the resource that gave URL or version; zero: itself' CODEC(ZSTD(1)),
    run_id        UUID CODEC(ZSTD(1)),
    recorded_at   DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(Delta, ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (repository_id, generation, resource_id, sequence)
SETTINGS non_replicated_deduplication_window = 1000;
-- Edges: a resource refers to another, or to a directory, by one of its fields. An edge begins and ends; its lifetime is the pair of rows.
CREATE TABLE resource_references
(
    repository_id UUID CODEC(ZSTD(1)),
    generation    UInt32,
    sequence      UInt64 CODEC(Delta, ZSTD(1)),
    resource_id   UUID CODEC(ZSTD(1)),
    commit        String CODEC(ZSTD(1)),
    time          DateTime64(0, 'UTC') CODEC(Delta, ZSTD(1)),
    state_time    DateTime64(0, 'UTC') CODEC(Delta, ZSTD(1)),
    begins        Bool COMMENT 'false: it ends here',
    field         LowCardinality(String) COMMENT 'spec.dependsOn[]',
    to_kind       LowCardinality(String) COMMENT 'empty: the field does not say; directory: a path',
    to_namespace  LowCardinality(String) COMMENT 'empty: none known',
    is_declared   Bool COMMENT 'false: the namespace is the default',
    to_name       String COMMENT '*: chosen by labels' CODEC(ZSTD(1)),
    selector      String CODEC(ZSTD(1)),
    produces      Bool,
    run_id        UUID CODEC(ZSTD(1)),
    recorded_at   DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(Delta, ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (repository_id, generation, resource_id, field, to_kind, to_name, sequence)
SETTINGS non_replicated_deduplication_window = 1000;
-- A release that went from one version of its chart to another, or from one chart to another: by its own manifest, or by another resource's.
CREATE TABLE chart_version_changes
(
    repository_id        UUID CODEC(ZSTD(1)),
    generation           UInt32,
    sequence             UInt64 CODEC(Delta, ZSTD(1)),
    resource_id          UUID CODEC(ZSTD(1)),
    commit               String CODEC(ZSTD(1)),
    time                 DateTime64(0, 'UTC') CODEC(Delta, ZSTD(1)),
    state_time           DateTime64(0, 'UTC') CODEC(Delta, ZSTD(1)),
    actor                LowCardinality(String),
    actor_is_bot         Bool,
    chart_name_before    LowCardinality(String),
    chart_name           LowCardinality(String),
    chart_before         LowCardinality(String) COMMENT 'identity',
    chart                LowCardinality(String) COMMENT 'identity',
    version_before       String CODEC(ZSTD(1)),
    version              String CODEC(ZSTD(1)),
    version_class_before Enum8('NONE' = 0, 'EXACT' = 1, 'RANGE' = 2, 'WILDCARD' = 3, 'LATEST' = 4, 'DIGEST' = 5, 'TEMPLATED' = 6, 'PATH' = 7, 'UNKNOWN' = 8),
    version_class        Enum8('NONE' = 0, 'EXACT' = 1, 'RANGE' = 2, 'WILDCARD' = 3, 'LATEST' = 4, 'DIGEST' = 5, 'TEMPLATED' = 6, 'PATH' = 7, 'UNKNOWN' = 8),
    step                 Enum8('UPGRADE' = 1, 'DOWNGRADE' = 2, 'SIDEWAYS' = 3) COMMENT 'SIDEWAYS: not to be compared',
    part                 Enum8('NONE' = 0, 'MAJOR' = 1, 'MINOR' = 2, 'PATCH' = 3, 'SUFFIX' = 4) COMMENT 'the first part that differs',
    cause_id             UUID COMMENT 'the resource whose change it is; zero: its own' CODEC(ZSTD(1)),
    run_id               UUID CODEC(ZSTD(1)),
    recorded_at          DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(Delta, ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (repository_id, generation, resource_id, sequence)
SETTINGS non_replicated_deduplication_window = 1000;
-- What files say that are no resources: kustomizations, charts' descriptions, the version of Flux in gotk-components.yaml.
CREATE TABLE file_facts
(
    repository_id UUID CODEC(ZSTD(1)),
    generation    UInt32,
    sequence      UInt64 CODEC(Delta, ZSTD(1)),
    path          String COMMENT 'bytes, not necessarily UTF-8' CODEC(ZSTD(1)),
    commit        String CODEC(ZSTD(1)),
    time          DateTime64(0, 'UTC') CODEC(Delta, ZSTD(1)),
    state_time    DateTime64(0, 'UTC') CODEC(Delta, ZSTD(1)),
    facts         String COMMENT 'JSON text; empty: gone from here on' CODEC(ZSTD(3)),
    flux_version  LowCardinality(String),
    run_id        UUID CODEC(ZSTD(1)),
    recorded_at   DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(Delta, ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (repository_id, generation, path, sequence)
SETTINGS non_replicated_deduplication_window = 1000;
