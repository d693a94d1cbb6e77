//! The YAML 1.2 core schema: which type an untagged plain scalar has.

use super::ScalarType;

/// The prefix of the core schema's tags; `!!int` is short for this and `int`.
pub(super) const PREFIX: &str = "tag:yaml.org,2002:";

/// The type of a plain scalar without a tag. `yes`, `on` and dates are strings.
pub(super) fn plain_type(text: &str) -> ScalarType {
    let bytes = text.as_bytes();
    match bytes.first() {
        None => ScalarType::Null,
        Some(b'0'..=b'9' | b'+' | b'-' | b'.') => number_type(bytes),
        Some(b'n' | b'N' | b'~') if matches!(text, "null" | "Null" | "NULL" | "~") => ScalarType::Null,
        Some(b't' | b'T') if matches!(text, "true" | "True" | "TRUE") => ScalarType::Bool,
        Some(b'f' | b'F') if matches!(text, "false" | "False" | "FALSE") => ScalarType::Bool,
        Some(_) => ScalarType::Str,
    }
}

/// The core type that an explicit tag names, in either spelling (`tag:yaml.org,2002:int`, or verbatim `!<int>`).
pub(super) fn tagged_type(tag: &str) -> Option<ScalarType> {
    Some(match tag.strip_prefix(PREFIX).unwrap_or(tag) {
        "str" => ScalarType::Str,
        "int" => ScalarType::Int,
        "float" => ScalarType::Float,
        "bool" => ScalarType::Bool,
        "null" => ScalarType::Null,
        _ => return None,
    })
}

/// The tag of a collection as it is kept: None for what says no more than that it is one, and for what no YAML text can say.
pub(super) fn collection_tag(tag: &str) -> Option<&str> {
    let says_nothing = matches!(tag, "" | "!") || matches!(tag.strip_prefix(PREFIX), Some("map" | "seq"));
    (!says_nothing).then_some(tag)
}

fn number_type(text: &[u8]) -> ScalarType {
    if let Some(digits) = text.strip_prefix(b"0o") {
        return all(digits, |byte| matches!(byte, b'0'..=b'7'), ScalarType::Int);
    }
    if let Some(digits) = text.strip_prefix(b"0x") {
        return all(digits, |byte| byte.is_ascii_hexdigit(), ScalarType::Int);
    }
    let unsigned = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    if matches!(unsigned, b".inf" | b".Inf" | b".INF") || matches!(text, b".nan" | b".NaN" | b".NAN") {
        return ScalarType::Float;
    }
    decimal_type(unsigned)
}

/// `digits`, or `digits . digits e sign digits` with each part but one side of the point optional.
fn decimal_type(text: &[u8]) -> ScalarType {
    let (whole, rest) = split_digits(text);
    if rest.is_empty() {
        return if whole.is_empty() { ScalarType::Str } else { ScalarType::Int };
    }
    let rest = match rest.strip_prefix(b".") {
        Some(rest) => {
            let (fraction, rest) = split_digits(rest);
            if whole.is_empty() && fraction.is_empty() {
                return ScalarType::Str;
            }
            rest
        }
        None if whole.is_empty() => return ScalarType::Str,
        None => rest,
    };
    let Some(exponent) = rest.strip_prefix(b"e").or_else(|| rest.strip_prefix(b"E")) else {
        return if rest.is_empty() { ScalarType::Float } else { ScalarType::Str };
    };
    let digits = exponent.strip_prefix(b"-").or_else(|| exponent.strip_prefix(b"+")).unwrap_or(exponent);
    all(digits, u8::is_ascii_digit, ScalarType::Float)
}

fn split_digits(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().take_while(|byte| byte.is_ascii_digit()).count())
}

fn all(digits: &[u8], accepts: impl Fn(&u8) -> bool, otherwise_string: ScalarType) -> ScalarType {
    if !digits.is_empty() && digits.iter().all(accepts) { otherwise_string } else { ScalarType::Str }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expected: &ScalarType, texts: &[&str]) {
        for text in texts {
            assert_eq!(plain_type(text), *expected, "{text:?}");
        }
    }

    #[test]
    fn core_schema_types() {
        check(&ScalarType::Null, &["", "~", "null", "Null", "NULL"]);
        check(&ScalarType::Bool, &["true", "True", "TRUE", "false", "False", "FALSE"]);
        check(&ScalarType::Int, &["0", "0644", "-1", "+1", "0o17", "0x1F", "123456789012345678901234567890"]);
        check(
            &ScalarType::Float,
            &["1.", "1.10", ".5", "-.5", "1e3", "1.5E-3", ".inf", "-.INF", "+.Inf", ".nan", "0.e1"],
        );
        let strings = [
            "yes",
            "on",
            "nULL",
            "tRUE",
            "1.2.3",
            "v1",
            "0x",
            "0o8",
            "-0x1",
            ".",
            "-",
            "+",
            "1e",
            "e1",
            "-.nan",
            "1_000",
            "2001-01-01",
            ".",
        ];
        check(&ScalarType::Str, &strings);
    }
}
