//! Variables in manifests: what Flux's post-build substitution makes of `${NAME}`.

/// A longer text is no name, version or URL that anybody fills in, nor one with more variables than this.
const MAX_BYTES: usize = 1_024;
const MAX_FILLED: usize = 32;

/// Whether a text has something to fill in.
pub fn is_templated(text: &str) -> bool {
    text.contains("${")
}

/// Fills in `${NAME}`, `${NAME:=default}` and `${NAME:-default}` (fluxcd/pkg, envsubst). `None` where a variable has neither a value nor a
/// default, where another function of the syntax is used, and of a text that is none to fill in.
pub fn substitute<'a>(text: &'a str, value: impl Fn(&str) -> Option<&'a str>) -> Option<String> {
    let mut filled = String::new();
    let mut rest = text;
    if text.len() > MAX_BYTES || text.matches("${").nth(MAX_FILLED).is_some() {
        return None;
    }
    while let Some(start) = rest.find("${") {
        let end = start + rest[start..].find('}')?;
        let variable = &rest[start + 2..end];
        let (name, default) = match variable.split_once(":=").or_else(|| variable.split_once(":-")) {
            Some((name, default)) => (name, Some(default)),
            None => (variable, None),
        };
        if !is_name(name) {
            return None;
        }
        filled.push_str(&rest[..start]);
        filled.push_str(value(name).filter(|value| !value.is_empty()).or(default)?);
        rest = &rest[end + 1..];
    }
    filled.push_str(rest);
    Some(filled)
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c == '_' || c.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::substitute;

    #[test]
    fn variables_are_filled_in() {
        let value = |name: &str| match name {
            "APP" => Some("plex"),
            "EMPTY" => Some(""),
            _ => None,
        };
        for (text, expected) in [
            ("${APP}-data", Some("plex-data")),
            ("plain", Some("plain")),
            ("${NONE:=media}", Some("media")),
            ("${EMPTY:-media}/${APP}", Some("media/plex")),
            ("${APP:=other}", Some("plex")),
            ("${NONE}", None),
            ("${APP/a/b}", None),
            ("${APP", None),
        ] {
            assert_eq!(substitute(text, value).as_deref(), expected, "{text}");
        }
    }
}
