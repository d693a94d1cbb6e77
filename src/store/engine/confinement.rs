//! Closes what grants cannot: the library believes it runs on a user's own command line, where `file()`,
//! `INTO OUTFILE`, `FROM INFILE`, `SETTINGS disk = disk(…)` and some engines reach any file without asking for a
//! right.
//!
//! A statement is judged in the form ClickHouse's own parser prints it: without comments, with names and escapes
//! resolved. So nothing can be hidden from this check that the engine would then see.

use super::chdb::Connection;
use super::exception::{Exception, code};
use regex::Regex;
use std::sync::LazyLock;

// The words below are only looked for when the text can contain them: `\x66ile` spells a name, too.
const SUSPICIOUS: [&str; 6] = ["file", "disk", "engine", "backup", "restore", "\\x"];

/// Engines of tables and databases that stay inside the data directory.
const ENGINES: &[&str] = &[
    "MergeTree",
    "ReplacingMergeTree",
    "SummingMergeTree",
    "AggregatingMergeTree",
    "CollapsingMergeTree",
    "VersionedCollapsingMergeTree",
    "Memory",
    "Null",
    "Set",
    "Join",
    "Merge",
    "Buffer",
    "Atomic",
];

/// Literals and quoted names. The printer quotes names where they are defined, and where they are used only when
/// they would be no plain words: no function stands in quotes.
static QUOTED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?s)'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`").expect("the pattern is constant and tested")
});

/// `file` without brackets as well: `arrayMap(file, …)` and `APPLY file` call it.
static CLOSED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b(?:file\b|INTO OUTFILE\b|FROM INFILE\b|disk\()").expect("the pattern is constant and tested")
});

/// What a BACKUP or RESTORE names with brackets: the place, or a base backup's place.
static BACKUP_PLACE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(\w+)\(").expect("the pattern is constant and tested"));

/// The engine a definition names.
static ENGINE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\bENGINE = (\w*)").expect("the pattern is constant and tested"));

/// Refuses a statement that reaches outside the data directory; costs nothing for one that cannot.
///
/// # Errors
/// ACCESS_DENIED (497). A statement that does not parse passes: the engine will refuse it with the better message.
pub(super) fn check(connection: &Connection, sql: &str) -> Result<(), Exception> {
    let lower = sql.to_ascii_lowercase();
    if !SUSPICIOUS.iter().any(|word| lower.contains(word)) || connection.count_statements(sql) == 0 {
        return Ok(());
    }
    let print = "SELECT formatQuerySingleLine({statement:String}) SETTINGS max_query_size=0";
    // The parameter's value is ClickHouse's escaped text form.
    let parameter = ("statement".to_owned(), escape_tab_separated(sql));
    let printed = connection.query(print, "TSVRaw", &[parameter]).map_err(|error| refused(&error))?;
    match closed_word(&String::from_utf8_lossy(printed.as_ref())) {
        None => Ok(()),
        Some(word) => Err(refused(&format!("`{word}` reaches outside the data directory"))),
    }
}

fn closed_word(printed: &str) -> Option<String> {
    let bare = QUOTED.replace_all(printed, "''");
    if let Some(found) = CLOSED.find(&bare) {
        return Some(found.as_str().trim_end_matches('(').to_owned());
    }
    if bare.starts_with("BACKUP ") || bare.starts_with("RESTORE ") {
        // `File` stays below the allowed path, which the configuration gives.
        let mut places = BACKUP_PLACE.captures_iter(&bare).map(|captures| captures[1].to_owned());
        return places.find(|place| place != "File");
    }
    let mut engines = ENGINE.captures_iter(&bare).map(|captures| captures[1].to_owned());
    engines.find(|engine| !ENGINES.contains(&engine.as_str()))
}

fn refused(reason: &str) -> Exception {
    Exception::new(
        code::ACCESS_DENIED,
        format!("Not enough privileges. The embedded engine is closed to the outside: {reason}"),
    )
}

fn escape_tab_separated(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::closed_word;

    #[test]
    fn closed_words_are_found_outside_of_quotes() {
        for printed in [
            "SELECT file('/etc/hostname')",
            "SELECT * APPLY file FROM (SELECT '/etc/hostname' AS x)",
            "SELECT arrayMap(file, ['it\\'s', '/etc/hostname'])",
            "SELECT 1 INTO OUTFILE '/x' FORMAT TSV",
            "INSERT INTO t FROM INFILE '/x' FORMAT TSV",
            "CREATE TABLE t (`a` UInt8) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = web)",
            "BACKUP TABLE t TO S3('http://127.0.0.1:1/bucket/key')",
            "BACKUP TABLE t TO File('x') SETTINGS base_backup = S3('http://127.0.0.1:1/bucket/key')",
            "CREATE TABLE t (`a` UInt8) ENGINE = EmbeddedRocksDB(0, '/x') PRIMARY KEY a",
        ] {
            assert!(closed_word(printed).is_some(), "{printed}");
        }
    }

    #[test]
    fn other_names_and_quoted_words_pass() {
        for printed in [
            "SELECT files, file_path, profile, disk FROM t WHERE kind = 'file(' AND x != 'it\\'s INTO OUTFILE'",
            "CREATE TABLE t (`file` String, `a'b` String) ENGINE = MergeTree ORDER BY a",
            "BACKUP TABLE t TO File('x')",
        ] {
            assert_eq!(closed_word(printed), None, "{printed}");
        }
    }
}
