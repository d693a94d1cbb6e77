//! Image references, by the grammar of distribution/reference: `[registry[:port]/]path[:tag][@digest]`. Templates may stand for any part.

use std::borrow::Cow;

use super::fields::MAX_TEXT_BYTES;
use crate::model::Image;

/// An image reference taken apart; None if the text is none. `localhost:5000/app` has a port and no tag.
pub fn parse(text: &str) -> Option<Image> {
    if text.len() > MAX_TEXT_BYTES {
        return None;
    }
    let filled = filled_in(text)?;
    let (named, digest) = split_at_separator(text, filled.find('@'));
    let path = filled[..named.len()].rfind('/').map_or(0, |slash| slash + 1);
    let colon = filled[path..named.len()].find(':').map(|colon| path + colon);
    let (repository, tag) = split_at_separator(named, colon);
    let is_valid = is_repository(&filled[..repository.len()])
        && tag.is_none_or(|tag| is_tag(&filled[repository.len() + 1..][..tag.len()]))
        && digest.is_none_or(|digest| is_digest(digest, &filled[named.len() + 1..]));
    is_valid.then(|| Image {
        repository: repository.to_owned(),
        tag: tag.unwrap_or_default().to_owned(),
        digest: digest.unwrap_or_default().to_owned(),
    })
}

fn split_at_separator(text: &str, at: Option<usize>) -> (&str, Option<&str>) {
    at.map_or((text, None), |at| (&text[..at], Some(&text[at + 1..])))
}

/// The text with each template (`${…}`, `{{…}}`, `<<…>>`) replaced by as many bytes that may stand anywhere: what is within is no separator.
/// None if one does not end.
fn filled_in(text: &str) -> Option<Cow<'_, str>> {
    let mut filled = Cow::Borrowed(text);
    let mut from = 0;
    while let Some(start) = text[from..].find(['$', '{', '<']).map(|start| from + start) {
        let (open, close) =
            [("${", "}"), ("{{", "}}"), ("<<", ">>")].into_iter().find(|(open, _)| text[start..].starts_with(open))?;
        let end = start + text[start..].find(close)? + close.len();
        debug_assert!(start + open.len() < end);
        filled.to_mut().replace_range(start..end, &"a".repeat(end - start));
        from = end;
    }
    Some(filled)
}

fn is_repository(text: &str) -> bool {
    let (registry, path) = match text.split_once('/') {
        // A first part without any of these is a part of the path.
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" || first != first.to_lowercase() => {
            (Some(first), rest)
        }
        _ => (None, text),
    };
    registry.is_none_or(is_registry) && path.split('/').all(is_path_component)
}

fn is_registry(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let is_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':'),
        None => host.split('.').all(|label| {
            let is_label = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            !label.is_empty() && !label.starts_with('-') && !label.ends_with('-') && label.bytes().all(is_label)
        }),
    };
    is_host && port.is_none_or(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Lower-case letters and digits, with separators between them: one dot, one or two underscores, any number of dashes.
fn is_path_component(text: &str) -> bool {
    let is_separator = |c: char| matches!(c, '.' | '_' | '-');
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || is_separator(char::from(byte));
    let words_end = text.starts_with(is_separator) || text.ends_with(is_separator);
    let separators = text.split(|c: char| !is_separator(c)).filter(|separator| !separator.is_empty());
    let mut separators =
        separators.map(|separator| matches!(separator, "." | "_" | "__") || separator.trim_matches('-').is_empty());
    !text.is_empty() && text.bytes().all(is_part) && !words_end && separators.all(|valid| valid)
}

fn is_tag(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    !text.is_empty() && !text.starts_with(['.', '-']) && text.bytes().all(is_part)
}

/// `algorithm:hex`; the number of digits is the algorithm's affair, and a template may stand for all of it.
fn is_digest(text: &str, filled: &str) -> bool {
    let is_algorithm = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'.' | b'_' | b'-');
    match filled.split_once(':') {
        Some((algorithm, digits)) => {
            let are_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            !algorithm.is_empty() && algorithm.bytes().all(is_algorithm) && are_digits
        }
        None => text != filled && filled.bytes().all(|byte| byte == b'a'),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn references_are_taken_apart_by_the_grammar() {
        let references = [
            ("nginx", Some(("nginx", "", ""))),
            ("nginx:1.27-alpine", Some(("nginx", "1.27-alpine", ""))),
            ("localhost:5000/app", Some(("localhost:5000/app", "", ""))),
            ("localhost:5000/app:1", Some(("localhost:5000/app", "1", ""))),
            ("Registry.Example:443/a/b__c:V1", Some(("Registry.Example:443/a/b__c", "V1", ""))),
            ("ghcr.io/a/b@sha256:0a1b", Some(("ghcr.io/a/b", "", "sha256:0a1b"))),
            ("ghcr.io/a/b:1.2@sha256:0a1b", Some(("ghcr.io/a/b", "1.2", "sha256:0a1b"))),
            ("[::1]:5000/a:1", Some(("[::1]:5000/a", "1", ""))),
            ("a-b--c__d/e.f:_1", Some(("a-b--c__d/e.f", "_1", ""))),
            ("${IMAGE}", Some(("${IMAGE}", "", ""))),
            ("${REGISTRY:=docker.io}/app:${TAG:=v1}", Some(("${REGISTRY:=docker.io}/app", "${TAG:=v1}", ""))),
            ("a/b:1@${DIGEST}", Some(("a/b", "1", "${DIGEST}"))),
            ("a/{{ .name }}:<< inputs.tag >>", Some(("a/{{ .name }}", "<< inputs.tag >>", ""))),
            ("", None),
            (":1", None),
            ("a:", None),
            ("a@", None),
            ("a@sha256:xyz", None),
            ("a:1:2", None),
            ("a b", None),
            ("a//b", None),
            ("/a", None),
            ("a/", None),
            ("a/B", None),
            ("a..b", None),
            ("-a", None),
            ("a_-b", None),
            ("https://example.com/a", None),
            ("oci://ghcr.io/a", None),
            ("a:${TAG", None),
            ("$HOME/a", None),
            ("a:-1", None),
            ("é", None),
        ];
        for (text, expected) in references {
            let found = parse(text);
            let parts = found.as_ref().map(|image| (&*image.repository, &*image.tag, &*image.digest));
            assert_eq!(parts, expected, "{text:?}");
        }
    }
}
