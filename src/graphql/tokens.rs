//! The tokens of a document, counted before anybody parses it: <https://spec.graphql.org/October2021/#sec-Language.Source-Text>.

/// How many tokens a document has; of what is no token at all, each character is one.
pub fn count(document: &str) -> usize {
    let mut rest = document.as_bytes();
    let mut tokens = 0;
    while let Some((length, is_token)) = next(rest) {
        tokens += usize::from(is_token);
        rest = &rest[length..];
    }
    tokens
}

/// The bytes of what comes next, and whether it is a token; `None` at the end.
fn next(rest: &[u8]) -> Option<(usize, bool)> {
    let first = *rest.first()?;
    Some(match first {
        b' ' | b'\t' | b'\n' | b'\r' | b',' => (1, false),
        b'#' => (run(rest, |byte| !matches!(byte, b'\n' | b'\r')), false),
        b'"' => (string(rest), true),
        b'.' if rest.starts_with(b"...") => (3, true),
        b'-' | b'0'..=b'9' => {
            (1 + run(&rest[1..], |byte| is_of_name(byte) || matches!(byte, b'.' | b'+' | b'-')), true)
        }
        _ if is_of_name(first) => (run(rest, is_of_name), true),
        // A character of several bytes counts once.
        _ => (1, !(0x80..0xc0).contains(&first)),
    })
}

const fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn run(bytes: &[u8], belongs: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|byte| !belongs(*byte)).unwrap_or(bytes.len())
}

/// The bytes of a string, block or not; of one without an end, all that follow.
fn string(rest: &[u8]) -> usize {
    let quotes: &[u8] = if rest.starts_with(b"\"\"\"") { b"\"\"\"" } else { b"\"" };
    let mut place = quotes.len();
    while place < rest.len() {
        match rest[place] {
            // In a block string a backslash escapes three quotes alone: the next quote is looked at in any case.
            b'\\' if quotes.len() == 1 => place += 2,
            b'\\' if rest[place + 1..].starts_with(quotes) => place += 4,
            b'\n' if quotes.len() == 1 => return place,
            _ if rest[place..].starts_with(quotes) => return place + quotes.len(),
            _ => place += 1,
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn tokens_are_those_of_the_specification() {
        for (document, tokens) in [
            ("", 0),
            (" \n\t,,, # nothing { here }\r\n", 0),
            ("{ a }", 3),
            ("query Q($n: Int = -1.5e+3) @d { a(n: $n) ...on T{ ...F } }", 28),
            (r#"{ a(s: "one \" two", t: """block "with" \""" quotes""", u: "") }"#, 14),
            ("{ a(s: \"no end\n) }", 8),
            ("\"\\", 1),
            ("{é}", 3),
        ] {
            assert_eq!(count(document), tokens, "{document}");
        }
    }
}
