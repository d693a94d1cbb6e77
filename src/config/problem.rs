//! What is wrong with a configuration, in one line each: the key, where it was set, what was expected.

use std::path::PathBuf;

use super::values::Origin;

/// One mistake. Values of secrets never stand in it.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    #[error("configuration: unknown key {} in {origin}; {}", quoted(key), hint(.nearest, "kubestats config default"))]
    UnknownKey { key: String, origin: Origin, nearest: Option<String> },
    #[error("configuration: unknown variable {name}; {}", hint(.nearest, "kubestats config show"))]
    UnknownVariable { name: String, nearest: Option<String> },
    #[error("configuration: {key} in {origin}: {reason}")]
    Value { key: String, origin: Origin, reason: String },
    /// Something in a file that is no TOML.
    #[error("configuration: {origin}: {reason}")]
    Syntax { origin: Origin, reason: String },
    /// A file that cannot be read at all; `by` is who named it.
    #[error("configuration: the file {path:?} ({by}) {reason}")]
    File { path: PathBuf, by: &'static str, reason: String },
    #[error(
        "configuration: no data directory, because the home directory is unknown; set --data or KUBESTATS_DATA_DIR"
    )]
    NoDataDirectory,
}

impl Problem {
    /// The key, variable or file that it is about.
    pub(super) fn subject(&self) -> &str {
        match self {
            Self::UnknownKey { key, .. } | Self::Value { key, .. } => key,
            Self::UnknownVariable { name, .. } => name,
            Self::Syntax { reason, .. } | Self::File { reason, .. } => reason,
            Self::NoDataDirectory => "data_dir",
        }
    }
}

/// In quotes, unless it brings its own.
fn quoted(key: &str) -> String {
    if key.starts_with('"') { key.to_owned() } else { format!("\"{key}\"") }
}

fn hint(nearest: &Option<String>, list: &str) -> String {
    match nearest {
        Some(nearest) => format!("did you mean \"{nearest}\"?"),
        None => format!("`{list}` lists all there are"),
    }
}

/// The candidate that was probably meant: the same but for letters' case, a section left out, or a few slips of the
/// finger.
pub(super) fn nearest<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given = given.to_lowercase();
    let last = |key: &str| key.rsplit(['.', '"']).find(|part| !part.is_empty()).map(str::to_owned);
    let slips = (given.chars().count() / 4).max(2);
    let distance = |candidate: &str| {
        let candidate = candidate.to_lowercase();
        match strsim::damerau_levenshtein(&given, &candidate) {
            distance if distance <= slips => Some(distance),
            _ => (last(&given) == last(&candidate)).then_some(slips + 1),
        }
    };
    let scored = candidates.into_iter().filter_map(|candidate| Some((distance(candidate)?, candidate)));
    scored.min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn what_was_meant_is_found() {
        let keys = ["log", "server.listen", "query.timeout_seconds", "git.fetch_timeout_seconds", "git.fetch_limit_mb"];
        let check = |given: &str, expected: Option<&str>| assert_eq!(nearest(given, keys), expected, "{given}");
        check("server.listn", Some("server.listen"));
        check("Server.Listen", Some("server.listen"));
        check("listen", Some("server.listen"));
        check("\"server.listen\"", Some("server.listen"));
        check("query.timeout", None);
        check("query.timeout_second", Some("query.timeout_seconds"));
        check("colour", None);
    }
}
