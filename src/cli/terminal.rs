//! Text of strangers on a terminal.

use std::borrow::Cow;
use std::io::Write;

/// The text with everything escaped that a terminal would obey or that would show it in another order: control characters
/// (`\u{1b}` begins commands) and the marks of bidirectional text. Names in a repository are anybody's.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            hidden if is_hidden(hidden) => shown.extend(hidden.escape_default()),
            other => shown.push(other),
        }
    }
    Cow::Owned(shown)
}

/// What a terminal obeys, breaks a line at, or orders text by.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// One line on stderr, as all complaints of the program begin.
pub fn complain(message: &str) {
    // Nobody is left to be told when stderr is gone.
    let _ = writeln!(std::io::stderr(), "kubestats: {}", printable(message));
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn commands_to_a_terminal_become_text() {
        assert_eq!(printable("\u{1b}[31mred\u{1b}[0m"), r"\u{1b}[31mred\u{1b}[0m");
        assert_eq!(printable("a\nb\tc\r\u{7f}\u{9b}"), r"a\nb\tc\r\u{7f}\u{9b}");
        assert_eq!(printable("\u{202e}lmay.a"), r"\u{202e}lmay.a");
        assert_eq!(printable("plain ü 😀 \\ \""), "plain ü 😀 \\ \"");
    }
}
