//! Fields by their paths, as the types facts have. Whatever has another type counts as absent.

use crate::manifest::yaml::{Node, Scalar, ScalarType};

/// Bytes a text may have as a fact. What is longer is no name, version or URL that anybody uses, and is left out.
pub const MAX_TEXT_BYTES: usize = 1_024;

/// The node at a path of keys: `spec.chart.spec`.
pub fn at<'a>(node: &'a Node, path: &str) -> Option<&'a Node> {
    path.split('.').try_fold(node, Node::get)
}

/// The text at a path.
pub fn text(node: &Node, path: &str) -> Option<String> {
    text_of(at(node, path)?).map(str::to_owned)
}

/// The text at a path in lower case.
pub fn lower_text(node: &Node, path: &str) -> Option<String> {
    text(node, path).map(|text| text.to_lowercase())
}

/// A scalar's text, numbers as they stand in the source. None for null, for an empty text and for one that is too long.
pub fn text_of(node: &Node) -> Option<&str> {
    plain_text(node).filter(|text| !text.is_empty() && text.len() <= MAX_TEXT_BYTES)
}

/// A scalar's text, however long, the empty one included; None for null.
pub fn plain_text(node: &Node) -> Option<&str> {
    let scalar = node.as_scalar()?;
    match scalar.scalar_type() {
        ScalarType::Str | ScalarType::Int | ScalarType::Float => Some(scalar.text()),
        ScalarType::Bool => Some(if bool_of(scalar)? { "true" } else { "false" }),
        ScalarType::Null | ScalarType::Custom(_) => None,
    }
}

/// The boolean at a path.
pub fn flag(node: &Node, path: &str) -> Option<bool> {
    bool_of(at(node, path)?.as_scalar()?)
}

fn bool_of(scalar: &Scalar) -> Option<bool> {
    match scalar.text() {
        _ if *scalar.scalar_type() != ScalarType::Bool => None,
        text if text.eq_ignore_ascii_case("true") => Some(true),
        text if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// The duration at a path, in whole seconds.
pub fn seconds(node: &Node, path: &str) -> Option<u32> {
    duration_seconds(text_of(at(node, path)?)?)
}

/// The items of the list at a path.
pub fn items<'a>(node: &'a Node, path: &str) -> &'a [Node] {
    at(node, path).and_then(Node::as_sequence).map_or(&[], |sequence| sequence.items())
}

/// Whole seconds of a duration as Go writes it: `1h30m`, `1.5h`, `500ms`. None for a negative one, or over 136 years.
pub fn duration_seconds(text: &str) -> Option<u32> {
    const SECOND: u128 = 1_000_000_000;
    if text == "0" {
        return Some(0);
    }
    let mut nanoseconds = 0_u128;
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    // Go reads any number of parts; none at all is no duration.
    loop {
        let (number, unit_on) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit() && c != '.')?);
        let unit_end = unit_on.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(unit_on.len());
        let (unit, next) = unit_on.split_at(unit_end);
        let unit = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => SECOND,
            "m" => 60 * SECOND,
            "h" => 3_600 * SECOND,
            _ => return None,
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        // More digits than a nanosecond of an hour has change nothing.
        let fraction = &fraction[..fraction.len().min(15)];
        let digits: u128 = format!("{whole}{fraction}").parse().ok()?;
        let scale = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
        nanoseconds = nanoseconds.checked_add(digits.checked_mul(unit)? / scale)?;
        rest = next;
        if rest.is_empty() {
            return u32::try_from(nanoseconds / SECOND).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::duration_seconds;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        let durations = [
            ("10m0s", Some(600)),
            ("1h30m", Some(5_400)),
            ("1.5h", Some(5_400)),
            (".5m", Some(30)),
            ("30s", Some(30)),
            ("1500ms", Some(1)),
            ("500ms", Some(0)),
            ("1s999ms", Some(1)),
            ("1m1h", Some(3_660)),
            ("1000000us", Some(1)),
            ("+1s", Some(1)),
            ("0", Some(0)),
            ("1.000000000000000000000000000001h", Some(3_600)),
            ("876000h", Some(3_153_600_000)),
            ("10000000h", None),
            ("99999999999999999999999999999999999999999999h", None),
            ("-1s", None),
            ("1d", None),
            ("10", None),
            ("s", None),
            (".s", None),
            ("1..2s", None),
            ("1.2.3s", None),
            ("", None),
            ("${INTERVAL}", None),
            ("é", None),
        ];
        for (text, seconds) in durations {
            assert_eq!(duration_seconds(text), seconds, "{text:?}");
        }
    }
}
