//! The tokens of a document, counted before anybody parses it: <https://spec.graphql.org/October2021/#sec-Language.Source-Text>.

/// What a text is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// How many there are; of what is no token at all, each character is one.
    pub count: u64,
    /// Levels to which brackets of any kind are nested.
    pub nesting: u64,
}

/// Looks at each token once. JSON has the same strings and brackets: its nesting can be told, too.
pub fn measure(text: &str) -> Tokens {
    let mut rest = text.as_bytes();
    let (mut tokens, mut open) = (Tokens::default(), 0_u64);
    while let Some((length, is_token)) = next(rest) {
        tokens.count += u64::from(is_token);
        match rest[0] {
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        tokens.nesting = tokens.nesting.max(open);
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
    use super::{Tokens, measure};

    #[test]
    fn tokens_are_those_of_the_specification() {
        for (document, count, nesting) in [
            ("", 0, 0),
            (" \n\t,,, # nothing { here }\r\n", 0, 0),
            ("{ a }", 3, 1),
            ("query Q($n: Int = -1.5e+3) @d { a(n: $n) ...on T{ ...F } }", 28, 2),
            (r#"{ a(s: "one \" two {", t: """block "with" \""" [quotes""", u: "") }"#, 14, 2),
            ("{ a(s: \"no end\n) }", 8, 2),
            ("{ a(l: [[{}], [[[]]]]) }", 19, 6),
            ("}}] {", 4, 1),
            ("\"\\", 1, 0),
            ("{é}", 3, 1),
        ] {
            assert_eq!(measure(document), Tokens { count, nesting }, "{document}");
        }
    }
}
