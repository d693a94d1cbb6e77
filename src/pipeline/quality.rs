//! How good a repository is to learn from. Pure: the same points for the same numbers, each with the numbers in its explanation.

use crate::model::{Quality, QualityPart};

const DAY: i64 = 86_400;
/// Commits count as recent for so many days.
pub(super) const RECENT_DAYS: i64 = 90;
/// Pushes within so many days are as fresh as can be.
const FRESH_DAYS: i64 = 7;
/// Nothing is left of the freshness after so many days.
const STALE_DAYS: i64 = 365;
const MOST_ACTIVITY: i32 = 20;
const MOST_SIZE: i32 = 15;
const MOST_CONTENT: i32 = 30;
const MOST_FRESHNESS: i32 = 20;
const MOST_STARS: i32 = 15;
/// A fork repeats what stands elsewhere; a template is nobody's cluster.
const COPY: i32 = -15;

/// What counts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Measured {
    pub is_scanned: bool,
    /// Alive at the checkpoint.
    pub resources: u64,
    /// Of these Flux's own.
    pub flux_resources: u64,
    /// Of these Argo CD's own.
    pub argo_resources: u64,
    /// Commits of the last [`RECENT_DAYS`] that changed a resource.
    pub recent_commits: u64,
    /// `None`: no forge was asked.
    pub stars: Option<u64>,
    /// The last push or the newest commit, in seconds since 1970.
    pub pushed_at: Option<i64>,
    pub is_fork: bool,
    pub is_template: bool,
}

/// The score of a repository at a time in seconds since 1970.
pub(super) fn quality(measured: &Measured, now: i64) -> Quality {
    Quality {
        parts: vec![
            activity(measured),
            size(measured),
            content(measured),
            freshness(measured, now),
            stars(measured),
            copy("fork", measured.is_fork, "a fork, which repeats another repository", "no fork"),
            copy("template", measured.is_template, "a template, which no cluster runs", "no template"),
        ],
    }
}

fn activity(measured: &Measured) -> QualityPart {
    let commits = measured.recent_commits;
    let points = logarithmic(commits, 10.0, 2, MOST_ACTIVITY);
    let explanation =
        scanned(measured, || format!("{} in the last {RECENT_DAYS} days changed a resource", count(commits, "commit")));
    part("activity", points, MOST_ACTIVITY, explanation)
}

fn size(measured: &Measured) -> QualityPart {
    let points = logarithmic(measured.resources, 5.0, 1, MOST_SIZE);
    let explanation = scanned(measured, || format!("{} at the head", count(measured.resources, "resource")));
    part("size", points, MOST_SIZE, explanation)
}

fn content(measured: &Measured) -> QualityPart {
    let resources = measured.flux_resources + measured.argo_resources;
    let points = logarithmic(resources, 13.0, 10, MOST_CONTENT);
    let explanation = scanned(measured, || match (measured.flux_resources, measured.argo_resources) {
        (0, 0) => "no resources of Flux or Argo CD".to_owned(),
        (flux, 0) => format!("{} of Flux", count(flux, "resource")),
        (0, argo) => format!("{} of Argo CD", count(argo, "resource")),
        (flux, argo) => format!("{} of Flux and {argo} of Argo CD", count(flux, "resource")),
    });
    part("content", points, MOST_CONTENT, explanation)
}

fn freshness(measured: &Measured, now: i64) -> QualityPart {
    let Some(pushed_at) = measured.pushed_at else {
        return part("freshness", 0, MOST_FRESHNESS, "the time of the last push is not known".to_owned());
    };
    let days = (now.saturating_sub(pushed_at) / DAY).max(0);
    let left = (STALE_DAYS - days).clamp(0, STALE_DAYS - FRESH_DAYS);
    let points = i32::try_from(i64::from(MOST_FRESHNESS) * left / (STALE_DAYS - FRESH_DAYS)).unwrap_or_default();
    let when = if days == 0 { "today".to_owned() } else { format!("{} ago", count(days.unsigned_abs(), "day")) };
    part("freshness", points, MOST_FRESHNESS, format!("last pushed to {when}"))
}

fn stars(measured: &Measured) -> QualityPart {
    match measured.stars {
        Some(stars) => {
            // The first star counts as much as the next few.
            let points = logarithmic(stars.saturating_add(1), 5.0, 0, MOST_STARS);
            part("stars", points, MOST_STARS, count(stars, "star"))
        }
        None => part("stars", 0, MOST_STARS, "no forge was asked for its stars".to_owned()),
    }
}

fn copy(name: &str, is_one: bool, yes: &str, no: &str) -> QualityPart {
    let (points, explanation) = if is_one { (COPY, yes) } else { (0, no) };
    part(name, points, 0, explanation.to_owned())
}

fn part(name: &str, points: i32, most: i32, explanation: String) -> QualityPart {
    QualityPart { name: name.to_owned(), points, most, explanation }
}

fn scanned(measured: &Measured, explain: impl FnOnce() -> String) -> String {
    if measured.is_scanned { explain() } else { "not scanned yet".to_owned() }
}

/// So many points a power of ten: none for nothing, at least `least` for anything, at most `most`.
fn logarithmic(number: u64, points: f64, least: i32, most: i32) -> i32 {
    if number == 0 {
        return 0;
    }
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a logarithm of 20 digits at most")]
    let points = ((number as f64).log10() * points).round() as i32;
    points.clamp(least, most)
}

fn count(number: u64, word: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {word}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000;

    #[track_caller]
    fn check(measured: Measured, name: &str, points: i32, explanation: &str) {
        let quality = quality(&measured, NOW);
        let part = quality.parts.iter().find(|part| part.name == name).unwrap();
        assert_eq!((part.points, part.explanation.as_str()), (points, explanation));
        assert!(part.points <= part.most && quality.score() <= 100);
    }

    #[test]
    fn nothing_known_is_nothing_earned() {
        let quality = quality(&Measured::default(), NOW);
        assert_eq!(quality.score(), 0);
        let names: Vec<&str> = quality.parts.iter().map(|part| part.name.as_str()).collect();
        assert_eq!(names, ["activity", "size", "content", "freshness", "stars", "fork", "template"]);
        assert_eq!(quality.parts.iter().map(|part| part.most).sum::<i32>(), 100);
        check(Measured::default(), "size", 0, "not scanned yet");
        check(Measured::default(), "stars", 0, "no forge was asked for its stars");
    }

    #[test]
    fn the_best_has_all_points() {
        let best = Measured {
            is_scanned: true,
            resources: 1_000,
            flux_resources: 150,
            argo_resources: 60,
            recent_commits: 100,
            stars: Some(999),
            pushed_at: Some(NOW - 7 * DAY),
            is_fork: false,
            is_template: false,
        };
        assert_eq!(quality(&best, NOW).score(), 100);
        check(best, "content", 30, "150 resources of Flux and 60 of Argo CD");
        check(best, "activity", 20, "100 commits in the last 90 days changed a resource");
        check(best, "stars", 15, "999 stars");
        assert_eq!(quality(&Measured { is_fork: true, is_template: true, ..best }, NOW).score(), 70);
        let most = u64::MAX / 2;
        let huge = Measured { resources: most, recent_commits: most, stars: Some(u64::MAX), ..best };
        assert_eq!(quality(&huge, NOW).score(), 100);
    }

    #[test]
    fn a_fork_without_anything_is_not_below_zero() {
        let fork = Measured { is_fork: true, is_template: true, ..Measured::default() };
        assert_eq!(quality(&fork, NOW).score(), 0);
        check(fork, "fork", -15, "a fork, which repeats another repository");
    }

    #[test]
    fn freshness_fades_in_a_year() {
        let pushed = |days: i64| Measured { pushed_at: Some(NOW - days * DAY), ..Measured::default() };
        check(pushed(0), "freshness", 20, "last pushed to today");
        check(pushed(-2), "freshness", 20, "last pushed to today");
        check(pushed(1), "freshness", 20, "last pushed to 1 day ago");
        check(pushed(7), "freshness", 20, "last pushed to 7 days ago");
        check(pushed(186), "freshness", 10, "last pushed to 186 days ago");
        check(pushed(365), "freshness", 0, "last pushed to 365 days ago");
        check(pushed(4_000), "freshness", 0, "last pushed to 4000 days ago");
    }

    #[test]
    fn one_of_a_thing_counts() {
        let one = Measured {
            is_scanned: true,
            resources: 1,
            flux_resources: 1,
            recent_commits: 1,
            stars: Some(1),
            ..Measured::default()
        };
        check(one, "size", 1, "1 resource at the head");
        check(one, "content", 10, "1 resource of Flux");
        check(one, "activity", 2, "1 commit in the last 90 days changed a resource");
        check(one, "stars", 2, "1 star");
        check(Measured { flux_resources: 0, ..one }, "content", 0, "no resources of Flux or Argo CD");
        check(Measured { flux_resources: 0, argo_resources: 10, ..one }, "content", 13, "10 resources of Argo CD");
    }
}
