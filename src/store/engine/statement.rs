//! The little that must be known about a statement before the engine's own parser sees it.

/// An `INSERT … FORMAT X` whose rows follow in the request's body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct InsertStatement {
    /// The statement without its `FORMAT X`.
    pub sql: String,
    /// `X`, as the rows are written.
    pub format: String,
}

impl InsertStatement {
    /// `None` for anything but an insert that ends with a FORMAT clause.
    pub(super) fn parse(sql: &str) -> Option<Self> {
        if first_word(sql) != "insert" {
            return None;
        }
        let (head, format) = split_format(sql)?;
        Some(Self { sql: head.to_owned(), format: format.to_owned() })
    }
}

/// The format a statement ends with: `SELECT 1 FORMAT JSON` gives `JSON`.
pub(super) fn format_clause(sql: &str) -> Option<&str> {
    split_format(sql).map(|(_, format)| format)
}

/// Whether the statement reads rows, judged by its first word: the engine streams nothing else.
pub(super) fn is_select(sql: &str) -> bool {
    matches!(first_word(sql).as_str(), "select" | "with")
}

/// A ClickHouse string literal with these very bytes.
pub(super) fn quote_string(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// A ClickHouse identifier with this very name.
pub(super) fn quote_identifier(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

fn split_format(sql: &str) -> Option<(&str, &str)> {
    let (rest, format) = sql.trim_end().trim_end_matches(';').trim_end().rsplit_once(char::is_whitespace)?;
    let (head, keyword) =
        rest.trim_end().rsplit_once(|character: char| character.is_whitespace() || character == ')')?;
    let is_name = !format.is_empty() && format.bytes().all(|byte| byte.is_ascii_alphanumeric());
    // `rsplit_once` drops the character it splits at; a closing bracket belongs to the statement.
    let head = &sql[..head.len() + usize::from(rest[head.len()..].starts_with(')'))];
    (is_name && keyword.eq_ignore_ascii_case("format")).then_some((head, format))
}

/// The first word in lower case, behind comments and opening brackets.
fn first_word(sql: &str) -> String {
    let mut rest = sql;
    loop {
        rest = rest.trim_start();
        rest = if let Some(comment) = rest.strip_prefix("--").or_else(|| rest.strip_prefix('#')) {
            comment.split_once('\n').map_or("", |(_, after)| after)
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/").map_or("", |(_, after)| after)
        } else if let Some(inner) = rest.strip_prefix('(') {
            inner
        } else {
            break;
        };
    }
    rest.chars().take_while(char::is_ascii_alphabetic).map(|character| character.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_insert_is_split_from_its_format() {
        let insert = |sql: &str, format: &str| Some(InsertStatement { sql: sql.into(), format: format.into() });
        for (text, expected) in [
            ("INSERT INTO t(a) FORMAT RowBinary", insert("INSERT INTO t(a)", "RowBinary")),
            ("insert into t(a)FORMAT\n TSV ;", insert("insert into t(a)", "TSV")),
            ("-- rows\nINSERT INTO t SETTINGS x=1 FORMAT CSV", insert("-- rows\nINSERT INTO t SETTINGS x=1", "CSV")),
            ("INSERT INTO t VALUES (1)", None),
            ("INSERT INTO t SELECT 1", None),
            ("SELECT 1 FORMAT TSV", None),
            ("", None),
        ] {
            assert_eq!(InsertStatement::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn a_select_is_known_by_its_first_word() {
        for sql in ["select 1", " /* a */ -- b\n ((SELECT 1))", "WITH 1 AS x SELECT x", "# c\nselect 1"] {
            assert!(is_select(sql), "{sql}");
        }
        for sql in ["show tables", "create table t", "selection", "", "-- select", "explain select 1"] {
            assert!(!is_select(sql), "{sql}");
        }
    }

    #[test]
    fn quoting_keeps_every_character() {
        assert_eq!(quote_string(r"it's \ it"), r"'it\'s \\ it'");
        assert_eq!(quote_identifier("a`b"), r"`a\`b`");
    }
}
