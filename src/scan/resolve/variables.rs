//! Variables in manifests: what Flux's post-build substitution makes of `${NAME}`.

/// Whether a text has something to fill in.
pub fn is_templated(text: &str) -> bool {
    text.contains("${")
}

/// Fills in `${NAME}`, `${NAME:=default}` and `${NAME:-default}` (fluxcd/pkg, envsubst). `None` where a variable has neither a value nor a
/// default, or where another function of the syntax is used.
pub fn substitute<'a>(text: &'a str, value: impl Fn(&str) -> Option<&'a str>) -> Option<String> {
    let mut filled = String::new();
    let mut rest = text;
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
