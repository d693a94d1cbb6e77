-- Facts of known kinds as typed columns, so that questions about charts, images and versions never open the content.
--
-- On an event: what the manifest declares after it (before it, for DELETED), and what was resolved of it at its commit. Most
-- columns are empty for most kinds: a run of equal values costs next to nothing, since rows of one resource lie together.
-- On a resource: all facts as one JSON text. It is what a scan that continues begins from, and is read a resource at a time.
ALTER TABLE resource_events
    ADD COLUMN IF NOT EXISTS change_class Enum8('NONE' = 0, 'VERSION' = 1, 'IMAGE' = 2, 'SOURCE' = 3, 'SUSPEND' = 4, 'RESUME' = 5, 'VALUES' = 6, 'METADATA' = 7, 'OTHER' = 8) AFTER changes_omitted,
    ADD COLUMN IF NOT EXISTS effective_namespaces Array(LowCardinality(String)) AFTER change_class,
    ADD COLUMN IF NOT EXISTS is_patch Bool AFTER effective_namespaces,
    ADD COLUMN IF NOT EXISTS is_vendored Bool AFTER is_patch,
    ADD COLUMN IF NOT EXISTS chart_name LowCardinality(String) COMMENT 'resolved' AFTER is_vendored,
    ADD COLUMN IF NOT EXISTS chart LowCardinality(String) COMMENT 'resolved: its identity' AFTER chart_name,
    ADD COLUMN IF NOT EXISTS chart_version String COMMENT 'resolved' CODEC(ZSTD(1)) AFTER chart,
    ADD COLUMN IF NOT EXISTS chart_version_class Enum8('NONE' = 0, 'EXACT' = 1, 'RANGE' = 2, 'WILDCARD' = 3, 'LATEST' = 4, 'DIGEST' = 5, 'TEMPLATED' = 6, 'PATH' = 7, 'UNKNOWN' = 8) COMMENT 'resolved' AFTER chart_version,
    ADD COLUMN IF NOT EXISTS version String COMMENT 'declared: of chart, artifact or Git reference' CODEC(ZSTD(1)) AFTER chart_version_class,
    ADD COLUMN IF NOT EXISTS version_class Enum8('NONE' = 0, 'EXACT' = 1, 'RANGE' = 2, 'WILDCARD' = 3, 'LATEST' = 4, 'DIGEST' = 5, 'TEMPLATED' = 6, 'PATH' = 7, 'UNKNOWN' = 8) COMMENT 'declared' AFTER version,
    ADD COLUMN IF NOT EXISTS url String COMMENT 'of a source' CODEC(ZSTD(1)) AFTER version_class,
    ADD COLUMN IF NOT EXISTS source_type LowCardinality(String) COMMENT 'of a source or provider' AFTER url,
    ADD COLUMN IF NOT EXISTS build_path String COMMENT 'the directory it builds' CODEC(ZSTD(1)) AFTER source_type,
    ADD COLUMN IF NOT EXISTS target_namespace LowCardinality(String) AFTER build_path,
    ADD COLUMN IF NOT EXISTS interval_seconds Nullable(UInt32) CODEC(ZSTD(1)) AFTER target_namespace,
    ADD COLUMN IF NOT EXISTS suspend Nullable(Bool) CODEC(ZSTD(1)) AFTER interval_seconds,
    ADD COLUMN IF NOT EXISTS prune Nullable(Bool) CODEC(ZSTD(1)) AFTER suspend,
    ADD COLUMN IF NOT EXISTS wait Nullable(Bool) CODEC(ZSTD(1)) AFTER prune,
    ADD COLUMN IF NOT EXISTS images Array(Tuple(String, String, String)) COMMENT 'repository, tag, digest' CODEC(ZSTD(3)) AFTER wait;
ALTER TABLE resources
    ADD COLUMN IF NOT EXISTS facts String COMMENT 'JSON text' CODEC(ZSTD(3)) AFTER deleted_at,
    ADD COLUMN IF NOT EXISTS values_keys Array(LowCardinality(String)) COMMENT 'keys of inline Helm values' CODEC(ZSTD(1)) AFTER facts;
