//! Versions: how closely a declared one names a release, and what a change from one to another is.
//!
//! Chart versions are constraints by the rules of Masterminds/semver, which Helm and Flux share; Git references and tags by
//! those of Flux (commit before name, semver, tag and branch).

use std::cmp::Ordering;

use semver::{BuildMetadata, Prerelease};

use super::{VersionClass, VersionPart, VersionStep};

impl VersionClass {
    /// The class of a chart's version; without one, any will do.
    pub fn of_chart(version: Option<&str>) -> Self {
        let version = version.unwrap_or_default().trim();
        if version.is_empty() {
            return Self::Wildcard;
        }
        if is_templated(version) { Self::Templated } else { of_constraint(version) }
    }

    /// The class of an artifact's or a Git tag.
    pub fn of_tag(tag: &str) -> Self {
        match tag {
            "latest" => Self::Latest,
            _ if is_templated(tag) => Self::Templated,
            _ => Self::Exact,
        }
    }

    /// The class of a digest or a commit.
    pub fn of_digest(digest: &str) -> Self {
        if is_templated(digest) { Self::Templated } else { Self::Digest }
    }

    /// The class of a Git branch.
    pub fn of_branch(branch: &str) -> Self {
        if is_templated(branch) { Self::Templated } else { Self::Latest }
    }

    /// The class of a full Git reference name: `refs/tags/v1.0.0`, `refs/heads/main`, `refs/pull/1/head`.
    pub fn of_git_name(name: &str) -> Self {
        match name {
            _ if is_templated(name) => Self::Templated,
            _ if name.starts_with("refs/tags/") => Self::Exact,
            _ if name.starts_with("refs/") => Self::Latest,
            _ => Self::Unknown,
        }
    }

    /// The class of a Git revision that does not say what it is, as Argo CD has it: a commit, a tag, a constraint over tags, a
    /// branch. Without one, it is the default branch.
    pub fn of_git_revision(revision: Option<&str>) -> Self {
        let Some(revision) = revision.filter(|revision| *revision != "HEAD") else { return Self::Latest };
        if revision.starts_with("refs/") {
            return Self::of_git_name(revision);
        }
        if revision.len() == 40 && revision.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Self::Digest;
        }
        match Self::of_chart(Some(revision)) {
            // What is no version is a branch.
            Self::Unknown => Self::Latest,
            class => class,
        }
    }
}

/// Whether something fills the text in before it is used: `${VERSION}`, `{{ .version }}`, `<< inputs.version >>`.
fn is_templated(text: &str) -> bool {
    ["${", "{{", "<<"].iter().any(|opening| text.contains(opening))
}

fn of_constraint(text: &str) -> VersionClass {
    let mut bounds = 0;
    let mut is_operator_used = false;
    let mut only = Bound::Invalid;
    for either in text.split("||") {
        let before = bounds;
        for word in either.split(|c: char| c == ',' || c.is_whitespace()) {
            let version = word.trim_start_matches(['=', '!', '<', '>', '~', '^']);
            is_operator_used |= !matches!(&word[..word.len() - version.len()], "" | "=");
            // An operator may stand apart from its version, and ` - ` between two.
            if version.is_empty() || version == "-" {
                continue;
            }
            bounds += 1;
            only = Bound::of(version);
            if only == Bound::Invalid {
                return VersionClass::Unknown;
            }
        }
        if bounds == before {
            return VersionClass::Unknown;
        }
    }
    match only {
        _ if bounds > 1 || is_operator_used => VersionClass::Range,
        Bound::Full => VersionClass::Exact,
        Bound::Partial => VersionClass::Wildcard,
        Bound::Invalid => VersionClass::Unknown,
    }
}

/// One version within a constraint.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bound {
    /// Three numbers, and perhaps more behind them.
    Full,
    /// Numbers are missing, or `x`, `X` or `*`.
    Partial,
    Invalid,
}

impl Bound {
    fn of(text: &str) -> Self {
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let (numbers, suffix) = text.split_at(text.find(['-', '+']).unwrap_or(text.len()));
        let is_suffix = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+');
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let is_open = |part: &str| matches!(part, "x" | "X" | "*");
        let parts = numbers.split('.').count();
        if parts > 3
            || !suffix.chars().all(is_suffix)
            || !numbers.split('.').all(|part| is_number(part) || is_open(part))
        {
            return Self::Invalid;
        }
        if parts == 3 && numbers.split('.').all(is_number) { Self::Full } else { Self::Partial }
    }
}

/// What a change from one declared version to another is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionChange {
    pub step: VersionStep,
    pub part: VersionPart,
}

impl VersionChange {
    /// Reads both leniently: a leading `v`, one to four numbers, leading zeros as in calendar versions, `_` for `+` as in OCI
    /// tags, an image's digest behind `@` left out. Pre-releases are ordered as semver 2.0 says; of versions that differ in build
    /// metadata alone, the greater one counts as newer. A constraint, a branch or a template is no version.
    pub fn between(from: &str, to: &str) -> Self {
        let Some((from, to)) = Version::of(from).zip(Version::of(to)) else {
            return Self { step: VersionStep::Sideways, part: VersionPart::None };
        };
        let part = match (&from, &to) {
            _ if from == to => VersionPart::None,
            _ if from.major != to.major => VersionPart::Major,
            _ if from.minor != to.minor => VersionPart::Minor,
            _ if from.patch != to.patch => VersionPart::Patch,
            _ => VersionPart::Suffix,
        };
        let step = match to.cmp(&from) {
            Ordering::Greater => VersionStep::Upgrade,
            Ordering::Less => VersionStep::Downgrade,
            Ordering::Equal => VersionStep::Sideways,
        };
        Self { step, part }
    }
}

/// Whether a text names one version, as people write them.
pub fn is_version(text: &str) -> bool {
    Version::of(text).is_some()
}

/// Orders versions as people write them, the newest first; what is no version comes after all that are, by its text.
pub fn newest_first(one: &str, two: &str) -> Ordering {
    match (Version::of(one), Version::of(two)) {
        (Some(first), Some(second)) => second.cmp(&first).then_with(|| one.cmp(two)),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => one.cmp(two),
    }
}

/// A version as people write it; ordered field by field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    major: u64,
    minor: u64,
    patch: u64,
    fourth: u64,
    pre_release: Prerelease,
    build: BuildMetadata,
}

impl Version {
    /// The first of its numbers.
    pub const fn major(&self) -> u64 {
        self.major
    }

    /// Reads it as [`VersionChange::between`] does.
    pub fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.split_once('@').map_or(text, |(version, _)| version);
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let (text, build) = text.split_once(['+', '_']).unwrap_or((text, ""));
        let (numbers, pre_release) = text.split_once('-').unwrap_or((text, ""));
        let mut four = [0; 4];
        for (at, part) in numbers.split('.').enumerate() {
            // `parse` would take a sign.
            let is_number = part.bytes().all(|byte| byte.is_ascii_digit());
            *four.get_mut(at)? = part.parse().ok().filter(|_| is_number)?;
        }
        let [major, minor, patch, fourth] = four;
        let pre_release = without_leading_zeros(pre_release);
        let (pre_release, build) = (Prerelease::new(&pre_release).ok()?, BuildMetadata::new(build).ok()?);
        Some(Self { major, minor, patch, fourth, pre_release, build })
    }
}

/// semver refuses numbers with leading zeros in a pre-release.
fn without_leading_zeros(pre_release: &str) -> String {
    let identifier = |text: &str| match text.trim_start_matches('0') {
        "" if !text.is_empty() => "0".to_owned(),
        rest if rest.bytes().all(|byte| byte.is_ascii_digit()) => rest.to_owned(),
        _ => text.to_owned(),
    };
    pre_release.split('.').map(identifier).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use VersionClass::{Digest, Exact, Latest, Range, Templated, Unknown, Wildcard};

    #[test]
    fn a_chart_version_is_classified_as_helm_reads_it() {
        let classes = [
            (Exact, &["1.2.3", "v1.2.3", "1.2.3-rc.1", "1.2.3+build", "2024.08.01", "=1.2.3", " 1.2.3 "][..]),
            (Wildcard, &["*", "x", "X", "1", "1.2", "v1.2", "1.x", "1.2.x", "1.2.*", "=1.2", ""]),
            (
                Range,
                &["^1.2", "~1.2.3", "~> 1.2", ">=1.0.0 <2.0.0", ">= 1, < 2", "1.2.3 - 2.0.0", "1.x || 2.x", "!=1.2.3"],
            ),
            (Range, &[">0.0.0-0", "=>1.2", "1.2.3 || 1.2.4"]),
            (Templated, &["${VERSION}", "v${VERSION:=1.2.3}", "{{ .version }}", "<< inputs.version >>"]),
            (Unknown, &["main", "1.2.3.4", "1.2.3 foo", "latest", "||", ">=", "1..2", "1.2.3_4", "é"]),
        ];
        for (class, versions) in classes {
            for version in versions {
                assert_eq!(VersionClass::of_chart(Some(version)), class, "{version:?}");
            }
        }
        assert_eq!(VersionClass::of_chart(None), Wildcard);
    }

    #[test]
    fn git_and_artifact_references_have_classes_of_their_own() {
        assert_eq!(VersionClass::of_tag("latest"), Latest);
        assert_eq!(VersionClass::of_tag("1.2"), Exact);
        assert_eq!(VersionClass::of_tag("${TAG}"), Templated);
        assert_eq!(VersionClass::of_digest("sha256:ab"), Digest);
        assert_eq!(VersionClass::of_digest("${COMMIT}"), Templated);
        assert_eq!(VersionClass::of_branch("main"), Latest);
        assert_eq!(VersionClass::of_branch("${BRANCH}"), Templated);
        let names =
            [("refs/tags/v1", Exact), ("refs/heads/main", Latest), ("refs/pull/1/head", Latest), ("v1", Unknown)];
        for (name, class) in names {
            assert_eq!(VersionClass::of_git_name(name), class, "{name}");
        }
        let revisions = [
            ("HEAD", Latest),
            ("main", Latest),
            ("refs/tags/v1", Exact),
            ("0123456789abcdef0123456789abcdef01234567", Digest),
            ("v1.2.3", Exact),
            ("1.2.*", Wildcard),
            (">=1.0.0", Range),
            ("{{ revision }}", Templated),
        ];
        for (revision, class) in revisions {
            assert_eq!(VersionClass::of_git_revision(Some(revision)), class, "{revision}");
        }
        assert_eq!(VersionClass::of_git_revision(None), Latest);
    }

    #[test]
    fn the_newest_version_comes_first_and_what_is_none_last() {
        let mut versions = ["1.9.0", "*", "v1.10.0", "1.10.0", "1.10.0-rc.1", "main", "2024.1.0", "1.x"];
        versions.sort_by(|one, two| newest_first(one, two));
        assert_eq!(versions, ["2024.1.0", "1.10.0", "v1.10.0", "1.10.0-rc.1", "1.9.0", "*", "1.x", "main"]);
    }

    #[test]
    fn a_change_of_version_has_a_direction_and_a_part() {
        use VersionPart::{Major, Minor, None, Patch, Suffix};
        let upgrades = [
            ("1.2.3", "2.0.0", Major),
            ("v1.9.0", "1.10.0", Minor),
            ("1.2", "1.2.1", Patch),
            ("1", "v1.0.1", Patch),
            ("2024.08.01", "2024.08.12", Patch),
            ("2024.9.1", "2024.10.0", Minor),
            ("1.2.3-rc.9", "1.2.3-rc.10", Suffix),
            ("1.2.3-rc.1", "1.2.3", Suffix),
            ("1.2.3-alpha", "1.2.3-beta", Suffix),
            ("1.2.3-rc.08", "1.2.3-rc.9", Suffix),
            ("1.2.3.4", "1.2.3.10", Suffix),
            ("1.2.3", "1.2.3.1", Suffix),
            ("v1.30.0+k3s1", "v1.30.0+k3s2", Suffix),
            ("1.2.3_1", "1.2.3+2", Suffix),
            ("1.2.3@sha256:ab", "1.2.4@sha256:cd", Patch),
        ];
        for (from, to, part) in upgrades {
            assert_eq!(
                VersionChange::between(from, to),
                VersionChange { step: VersionStep::Upgrade, part },
                "{from} {to}"
            );
            let back = VersionChange { step: VersionStep::Downgrade, part };
            assert_eq!(VersionChange::between(to, from), back, "{to} {from}");
        }
        for (from, to) in [
            ("1.2.3", "v1.2.3"),
            ("1.2", "1.2.0"),
            ("1.2.3@sha256:ab", "1.2.3@sha256:cd"),
            ("main", "1.2.3"),
            ("^1.2.3", "^1.2.4"),
            ("1.x", "2.x"),
            ("1.2.3.4.5", "2"),
            ("+1", "+2"),
            ("", "1"),
            ("99999999999999999999", "1"),
            ("${A}", "${B}"),
        ] {
            let none = VersionChange { step: VersionStep::Sideways, part: None };
            assert_eq!(VersionChange::between(from, to), none, "{from} {to}");
        }
    }
}
