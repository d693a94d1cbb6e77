//! The source tree, as the checks read it.

use std::fs;
use std::path::{Path, PathBuf};

/// A Rust file.
pub struct SourceFile {
    /// From the root of the project, as `src/store/mod.rs`.
    pub path: String,
    pub text: String,
}

/// A line of code: comments and the text of literals are blanked, test modules left out.
pub struct Line<'a> {
    pub number: usize,
    /// What the compiler sees.
    pub code: String,
    /// As it stands in the file.
    pub whole: &'a str,
}

/// The project's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file under `src`.
pub fn source_files() -> Vec<SourceFile> {
    let files = files_under("src");
    assert!(files.len() > 50, "{} files under src", files.len());
    files
}

/// Every Rust file under a folder of the project.
pub fn files_under(folder: &str) -> Vec<SourceFile> {
    let mut paths = Vec::new();
    collect(&root().join(folder), &mut paths);
    paths.sort();
    let file = |path: &PathBuf| SourceFile {
        path: path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned(),
        text: fs::read_to_string(path).unwrap(),
    };
    paths.iter().map(file).collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

impl SourceFile {
    /// Its room: the first folder or file name below `src`.
    pub fn room(&self) -> &str {
        let inside = self.path.strip_prefix("src/").unwrap();
        inside.split(['/', '.']).next().unwrap()
    }

    /// Whether all of it is compiled for tests alone.
    pub fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs")
    }

    /// The code that is not for tests alone. A module for tests stands last in its file, as everywhere in this project.
    pub fn code(&self) -> Vec<Line<'_>> {
        if self.is_test() {
            return Vec::new();
        }
        let blanked = blank(&self.text);
        let lines = self.text.lines().zip(blanked.lines()).enumerate();
        let lines = lines.map(|(index, (whole, code))| Line { number: index + 1, code: code.to_owned(), whole });
        lines.take_while(|line| line.whole != "#[cfg(test)]").collect()
    }

    /// A place in it, for a message.
    pub fn at(&self, line: &Line<'_>) -> String {
        format!("{}:{}: {}", self.path, line.number, line.whole.trim())
    }
}

/// The text with comments and the insides of literals replaced by spaces; line breaks stay.
pub fn blank(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (length, keep) = token(rest);
        if keep {
            out.push(first);
        } else {
            out.extend(rest[..length].chars().map(|c| if c == '\n' { c } else { ' ' }));
        }
        rest = &rest[length..];
    }
    out
}

/// The length of what begins here, and whether it is code.
fn token(text: &str) -> (usize, bool) {
    let until = |pattern: &str, from: usize| text[from..].find(pattern).map_or(text.len(), |at| from + at);
    let first = text.chars().next().map_or(0, char::len_utf8);
    if text.starts_with("//") {
        return (until("\n", 0), false);
    }
    if text.starts_with("/*") {
        return ((until("*/", 2) + 2).min(text.len()), false);
    }
    if let Some(after) = text.strip_prefix('r') {
        let hashes = after.len() - after.trim_start_matches('#').len();
        if after[hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            return ((until(&end, hashes + 2) + end.len()).min(text.len()), false);
        }
    }
    if text.starts_with('"') {
        return (quoted(text, '"'), false);
    }
    // A character, but no lifetime.
    if text.starts_with("'\\") || (text.starts_with('\'') && text.chars().nth(2) == Some('\'')) {
        return (quoted(text, '\''), false);
    }
    (first, true)
}

/// The length of a literal in quotes.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (index, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return index + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

#[test]
fn comments_and_literals_are_no_code() {
    let check = |text: &str, expected: &str| assert_eq!(blank(text).trim_end(), expected, "{text}");
    check("a(); // unwrap()", "a();");
    check("f(\"unwrap() \\\" unwrap()\") + b", "f(                      ) + b");
    check("f('\"') + g('\\'') + 'a", "f(   ) + g(    ) + 'a");
    check("r#\"x \" y\"# + for_r", "           + for_r");
    check("/* unsafe\n */ b", "         \n    b");
}
