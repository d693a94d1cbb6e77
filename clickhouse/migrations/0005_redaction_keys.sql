-- Which redaction key digests the secrets in this database: a fingerprint, never the key.
--
-- Several machines may scan into one server. With different keys the same secret would have different digests, and seem to
-- change from scan to scan. The first row counts; a machine whose own key differs is refused. One row, asked once a command.
CREATE TABLE redaction_keys
(
    fingerprint String,
    added_at    DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = MergeTree
ORDER BY (added_at, fingerprint)
SETTINGS non_replicated_deduplication_window = 1000;
