//! Which texts are credentials: the list.
//!
//! A rule is a name, the literals one of which must occur, and a pattern. A new rule is one entry of [`RULES`].

use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use regex::Regex;

/// A kind of credential.
pub(super) struct Rule {
    /// Lower case and hyphens; stands in the digest that replaces the credential.
    pub name: &'static str,
    /// At least one of these occurs in whatever the pattern matches.
    literals: &'static [&'static str],
    pattern: &'static str,
}

/// In order of precedence where matches overlap. A word is one of ASCII letters: between 密码 and a token stands no space.
const RULES: &[Rule] = &[
    // Ciphertext of values, and the data keys encrypted for each recipient.
    Rule {
        name: "sops",
        literals: &["ENC[", "BEGIN AGE ENCRYPTED", "BEGIN PGP MESSAGE"],
        pattern: r"(?s)ENC\[[A-Z0-9_]+,data:[^\]]*\]|-----BEGIN (?:AGE ENCRYPTED FILE|PGP MESSAGE)-----.*?(?:-----END (?:AGE ENCRYPTED FILE|PGP MESSAGE)-----|\z)",
    },
    Rule {
        name: "private-key",
        literals: &["PRIVATE KEY"],
        pattern: r"(?s)-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|\z)",
    },
    Rule { name: "age-key", literals: &["AGE-SECRET-KEY-"], pattern: r"AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{40,}" },
    Rule { name: "aws-key", literals: &["AKIA", "ASIA"], pattern: r"(?-u:\b)(?:AKIA|ASIA)[A-Z2-7]{16}(?-u:\b)" },
    Rule {
        name: "github-token",
        literals: &["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"],
        pattern: r"(?-u:\b)(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{60,})",
    },
    Rule {
        name: "gitlab-token",
        literals: &["glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glagent-"],
        pattern: r"(?-u:\b)gl(?:pat|dt|rt|ptt|cbt|agent)-[A-Za-z0-9_\-]{20,}",
    },
    Rule { name: "slack-token", literals: &["xox"], pattern: r"(?-u:\b)xox[abeoprs]-[A-Za-z0-9-]{10,}" },
    Rule {
        name: "slack-webhook",
        literals: &["hooks.slack.com/"],
        pattern: r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9_/]*[A-Za-z0-9]{16,}",
    },
    Rule {
        name: "discord-webhook",
        literals: &["/api/webhooks/", "/webhooks/"],
        pattern: r"discord(?:app)?\.com/api/(?:v[0-9]+/)?webhooks/[0-9]{15,}/[A-Za-z0-9_\-]{40,}",
    },
    Rule { name: "discord-webhook", literals: &["discord://"], pattern: r"discord://[A-Za-z0-9_\-]{40,}@[0-9]{15,}" },
    Rule { name: "telegram-token", literals: &[":AA"], pattern: r"(?-u:\b)[0-9]{8,10}:AA[A-Za-z0-9_\-]{32,}" },
    // A tunnel's token is base64 of {"a":"<account>","t":"<tunnel>","s":"<secret>"}.
    Rule { name: "cloudflare-token", literals: &["eyJhIjoi"], pattern: r"(?-u:\b)eyJhIjoi[A-Za-z0-9+/=_\-]{80,}" },
    Rule {
        name: "cloudflare-token",
        literals: &["v1.0-", "cfut_", "cfat_", "cfk_"],
        pattern: r"(?-u:\b)v1\.0-[0-9a-f]{24}-[0-9a-f]{140,}|(?-u:\b)cf(?:ut|at|k)_[A-Za-z0-9]{40,}",
    },
    Rule {
        name: "jwt",
        literals: &["eyJ"],
        pattern: r"(?-u:\b)eyJ[A-Za-z0-9_\-]{10,}\.eyJ[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]*",
    },
    // `://user:password@`; a password that is a placeholder (${, $(, {, <, *, %) is none.
    Rule {
        name: "basic-auth",
        literals: &["://"],
        pattern: r"(?-u:\b)[A-Za-z][A-Za-z0-9+.\-]*://[^\s/:@?#'\x22]{0,200}:[^\s/:@$\{<*%'\x22](?:[^\s/@$\{<'\x22]|\$[^\s/@$\{(<'\x22]){2,200}@[^\s/@]",
    },
    // A token in the place of the user's name.
    Rule { name: "basic-auth", literals: &["://"], pattern: r"(?-u:\b)https?://[A-Za-z0-9_\-]{20,200}:?@[^\s/@]" },
];

/// Shorter texts hold no credential.
const SHORTEST: usize = 12;

static COMPILED: LazyLock<Compiled> = LazyLock::new(Compiled::new);

struct Compiled {
    /// Finds any literal of any rule: nearly every text ends here.
    any_literal: Regex,
    /// Each is compiled when one of its literals is seen: that takes longer than searching most repositories.
    patterns: Vec<OnceLock<Regex>>,
}

impl Compiled {
    fn new() -> Self {
        let literals: Vec<String> =
            RULES.iter().flat_map(|rule| rule.literals).map(|literal| regex::escape(literal)).collect();
        Self { any_literal: compile(&literals.join("|")), patterns: RULES.iter().map(|_| OnceLock::new()).collect() }
    }
}

fn compile(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the list of rules is constant and a test compiles it")
}

/// The credentials in a text: rule and byte range; ranges of different rules may overlap.
pub(super) fn credentials(text: &str) -> Vec<(&'static str, Range<usize>)> {
    if text.len() < SHORTEST || !COMPILED.any_literal.is_match(text) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (rule, pattern) in RULES.iter().zip(&COMPILED.patterns) {
        if rule.literals.iter().any(|literal| text.contains(literal)) {
            let pattern = pattern.get_or_init(|| compile(rule.pattern));
            found.extend(pattern.find_iter(text).map(|hit| (rule.name, hit.range())));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_compiles_and_needs_one_of_its_literals() {
        RULES.iter().for_each(|rule| drop(compile(rule.pattern)));
        assert!(
            RULES
                .iter()
                .all(|rule| !rule.literals.is_empty() && rule.literals.iter().all(|literal| literal.len() >= 3))
        );
    }
}
