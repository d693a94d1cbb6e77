//! Differences of texts, as people read them.

use std::time::Duration;

use similar::TextDiff;

/// Where nothing stands: a text before something appeared, or after it disappeared.
const NOWHERE: &str = "/dev/null";
/// What takes longer is compared more coarsely: what is hostile is not worth the time of all others.
const PATIENCE: Duration = Duration::from_millis(100);

/// A text and the path of its file.
pub struct Version<'a> {
    pub path: &'a str,
    pub text: &'a str,
}

/// The unified difference of two versions, with so many lines around each change; empty where the texts are equal.
pub fn unified(before: Option<&Version<'_>>, after: Option<&Version<'_>>, context: usize) -> String {
    let name = |side: &str, version: Option<&Version<'_>>| match version {
        Some(version) => format!("{side}/{}", version.path),
        None => NOWHERE.to_owned(),
    };
    let text = |version: Option<&Version<'_>>| version.map_or("", |version| version.text).to_owned();
    let (old, new) = (text(before), text(after));
    let difference = TextDiff::configure().timeout(PATIENCE).diff_lines(&old, &new);
    difference.unified_diff().context_radius(context).header(&name("a", before), &name("b", after)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_has_the_lines_around_it() {
        let version = |text| Version { path: "a.yaml", text };
        let (before, after) = (version("a\nb\nc\nd\ne\n"), version("a\nb\nX\nd\ne\n"));
        let expected = "--- a/a.yaml\n+++ b/a.yaml\n@@ -2,3 +2,3 @@\n b\n-c\n+X\n d\n";
        assert_eq!(unified(Some(&before), Some(&after), 1), expected);
        assert_eq!(unified(Some(&before), Some(&before), 3), "");
        let appeared = "--- /dev/null\n+++ b/a.yaml\n@@ -0,0 +1 @@\n+a\n";
        assert_eq!(unified(None, Some(&version("a\n")), 3), appeared);
    }
}
