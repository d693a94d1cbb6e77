//! Literal secrets under names that say so: `adminPassword: hunter2-1f0c…`. Built to have few false positives rather than to find all.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// Whether a value under this key is a literal secret.
pub(super) fn is_secret(key: &str, value: &str) -> bool {
    (SHORTEST..=LONGEST).contains(&value.len()) && names_a_secret(key) && looks_random(value)
}

/// `name = value` or `name: value` inside a text.
static ASSIGNMENT: LazyLock<Regex> = LazyLock::new(|| {
    let pattern =
        r#"(?i-u:(password|passwd|passphrase|token|secret|key)["']?[ \t]*[=:][ \t]*["']?)([^\s"',;]{12,512})"#;
    Regex::new(pattern).expect("the pattern is constant and a test runs it")
});

/// The values of names that say so in a text of lines or parameters: a file in a ConfigMap, `--token=…`.
pub(super) fn assignments(text: &str) -> Vec<Range<usize>> {
    let assigns = text.contains('=') || (text.contains('\n') && text.contains(':'));
    if !assigns || text.len() < SHORTEST {
        return Vec::new();
    }
    let hits = ASSIGNMENT.captures_iter(text).filter_map(|hit| hit.get(1).zip(hit.get(2)));
    hits.filter(|(word, value)| is_secret(name_ending_at(text, word.end()), value.as_str()))
        .map(|(_, value)| value.range())
        .collect()
}

/// The name whose last byte stands before `end`; at most 100 bytes of it.
fn name_ending_at(text: &str, end: usize) -> &str {
    let in_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let length = text.as_bytes()[..end].iter().rev().take(100).take_while(|byte| in_name(byte)).count();
    &text[end - length..end]
}

/// Bytes. Shorter values are too often words; longer ones are documents.
const SHORTEST: usize = 12;
const LONGEST: usize = 512;

/// Ends of keys (lower case, without `-` and `_`) whose values are secrets.
const ENDINGS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "token",
    "secret",
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "encryptionkey",
    "clientsecret",
];

/// Beginnings of keys whose values name a secret instead of being one.
const REFERENCES: &[&str] = &["existing", "imagepull", "external", "use", "checksum"];

fn names_a_secret(key: &str) -> bool {
    if key.len() > 100 {
        return false;
    }
    let key: String = key
        .chars()
        .filter(|character| !matches!(character, '-' | '_' | '.'))
        .map(|character| character.to_ascii_lowercase())
        .collect();
    ENDINGS.iter().any(|ending| key.ends_with(ending)) && !REFERENCES.iter().any(|beginning| key.starts_with(beginning))
}

/// Letters and digits mixed without pattern. Names of objects, paths, URLs, versions, placeholders and sentences are not.
fn looks_random(value: &str) -> bool {
    let printable = value.bytes().all(|byte| byte.is_ascii_graphic());
    let placeholder = value.contains("${")
        || value.contains("$(")
        || value.contains("{{")
        || value.starts_with(['$', '<', '/', '.', '%', '*']);
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let letters = value.bytes().filter(u8::is_ascii_alphabetic).count();
    printable && !placeholder && digits >= 2 && letters >= 2 && !is_reference(value) && entropy(value) >= 3.2
}

/// Names of objects and hosts (`grafana-admin-2`, `vault.example.com`), images, URLs, `name:key` and `path/to`.
fn is_reference(value: &str) -> bool {
    if is_uuid(value) {
        return false;
    }
    let name_characters =
        value.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'/' | b':' | b'_'));
    let joined = value.contains(['-', '.', '/', ':', '_']);
    let upper_name = value.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_')) && value.contains('_');
    (name_characters && joined) || upper_name || value.contains("://") || value.starts_with("sha256:")
}

fn is_uuid(value: &str) -> bool {
    value.len() == 36
        && value
            .bytes()
            .enumerate()
            .all(|(at, byte)| if matches!(at, 8 | 13 | 18 | 23) { byte == b'-' } else { byte.is_ascii_hexdigit() })
}

/// Shannon entropy of the bytes, in bits a byte.
fn entropy(value: &str) -> f64 {
    let mut counts = [0_u32; 256];
    value.bytes().for_each(|byte| counts[usize::from(byte)] += 1);
    // At most 512 bytes: exact as f64.
    let length = value.len() as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / length)
        .map(|share| -share * share.log2())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::is_secret;

    #[test]
    fn literals_are_secrets() {
        for (key, value) in [
            ("adminPassword", "9fK2mQx71LpZ"),
            ("API_TOKEN", "d41d8cd98f00b204e9800998ecf8427e"),
            ("client-secret", "123e4567-e89b-12d3-a456-426614174000"),
        ] {
            assert!(is_secret(key, value), "{key}: {value}");
        }
    }

    #[test]
    fn references_versions_placeholders_and_empty_values_are_none() {
        for (key, value) in [
            ("existingSecret", "9fK2mQx71LpZ"),
            ("secret", "grafana-admin-creds-2"),
            ("password", "${SECRET_GRAFANA_PASSWORD_2}"),
            ("token", ""),
            ("token", "{{ .Values.token12 }}"),
            ("password", "changeme"),
            ("tokenPath", "9fK2mQx71LpZ"),
            ("tag", "v1.27.3-9fK2mQx71LpZ"),
            ("secretName", "9fK2mQx71LpZ"),
            ("passwordSecret", "ref+vault://kv/app#key1"),
            ("secret", "SECRET_DOMAIN_2_PASSWORD"),
            ("image", "ghcr.io/a/b@sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"),
        ] {
            assert!(!is_secret(key, value), "{key}: {value}");
        }
    }
}
