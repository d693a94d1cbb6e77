//! Searches that find more than GitHub shows of one query.
//!
//! A query shows its first 1,000 results. A larger one is cut in two by time of creation, and each half again, until every slice shows all
//! it has; the outer slices are open, so that nothing falls beside them. A walk keeps where it stands: when the budget of a minute ends
//! in the middle, the same search asked again goes on from there.

use std::collections::HashSet;
use std::ops::ControlFlow;

use chrono::{DateTime, SecondsFormat};
use serde::Deserialize;
use serde_json::Value;

use super::client::Client;
use super::{SEARCH, rest};
use crate::forge::{ForgeError, Pages, SearchOutcome, SearchQuery};
use crate::model::ForgeRepository;

/// Results of one query that can be seen.
const WALL: u64 = 1_000;
const MOST_PER_PAGE: u64 = 100;
/// GitHub's answer may say that its search ran out of time: so often it is asked.
const ATTEMPTS: u32 = 3;
/// GitHub began in October 2007.
const FIRST_CREATION: i64 = 1_191_196_800;
/// So often a search is cut, which is enough for several hundred thousand results: a server may not understand `created:`.
const MOST_CUTS: u32 = 500;
/// A walk that stood still for longer begins anew: results have moved by then.
const FRESH: i64 = 2 * 3600;

/// A search under way.
pub(super) struct Walk {
    /// What is left, the next one last.
    slices: Vec<Slice>,
    /// Of the next slice, from one.
    page: u64,
    cuts: u32,
    seen: HashSet<u64>,
    outcome: SearchOutcome,
    stood_at: i64,
}

/// Times of creation, both ends included; the outermost values are open ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slice {
    from: i64,
    to: i64,
}

#[derive(Deserialize)]
struct Page {
    total_count: u64,
    incomplete_results: bool,
    /// Each is read by itself: a strange one must not lose the others.
    items: Vec<Value>,
}

impl Walk {
    pub fn new(now: i64) -> Self {
        let outcome = SearchOutcome::default();
        Self { slices: vec![Slice::ALL], page: 1, cuts: 0, seen: HashSet::new(), outcome, stood_at: now }
    }

    pub const fn is_fresh(&self, now: i64) -> bool {
        now - self.stood_at < FRESH
    }

    pub const fn outcome(&self) -> SearchOutcome {
        self.outcome
    }

    /// Goes on to the end, or breaks where a page is not taken; the walk then stands before that page.
    ///
    /// # Errors
    /// As [`ForgeError`] says; the walk then stands before the page that failed.
    pub async fn go_on<P: Pages>(
        &mut self,
        client: &Client,
        query: &SearchQuery,
        pages: &mut P,
    ) -> Result<ControlFlow<()>, ForgeError> {
        // The first few are asked for in the order of their stars, which slices do not keep.
        let is_cut = query.limit.is_none_or(|limit| limit > WALL) && !has_qualifier(&query.expression, "created");
        let most = query.limit.unwrap_or(u64::MAX);
        let per_page = most.clamp(1, MOST_PER_PAGE);
        while let Some(slice) = self.slices.last().copied().filter(|_| self.outcome.found < most) {
            self.stood_at = client.gate.now();
            let page = self.page(client, query, slice, per_page).await?;
            if is_cut && page.total_count > WALL && self.cut(slice, self.stood_at) {
                continue;
            }
            let is_last = page.items.is_empty() || self.page * per_page >= page.total_count.min(WALL);
            let (ids, fresh) = self.fresh(client, query, page.items, most);
            let count = fresh.len() as u64;
            if !fresh.is_empty() && pages.take(fresh).await.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            self.seen.extend(ids);
            self.outcome.found += count;
            // What lies behind the wall of a slice that cannot be cut; nobody asked for it where there is a limit.
            self.outcome.is_incomplete |= is_last && page.total_count > WALL && most > WALL;
            self.page += 1;
            if is_last {
                self.slices.pop();
                self.page = 1;
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// What of a page no earlier one had, with the ids; at most as much as is still asked for. What cannot be used is passed over.
    fn fresh(
        &mut self,
        client: &Client,
        query: &SearchQuery,
        items: Vec<Value>,
        most: u64,
    ) -> (HashSet<u64>, Vec<ForgeRepository>) {
        let (mut ids, mut fresh) = (HashSet::new(), Vec::new());
        for item in items {
            if self.outcome.found + fresh.len() as u64 >= most {
                break;
            }
            let read = serde_json::from_value::<rest::Repository>(item);
            let read = read.map_err(|_| client.unexpected("a result of another form"));
            let described = match read {
                Ok(item) if self.seen.contains(&item.id) || !ids.insert(item.id) => continue,
                Ok(item) => item.described(client),
                Err(error) => Err(error),
            };
            match described {
                Ok(repository) => fresh.push(repository),
                Err(error) => {
                    tracing::warn!(%error, query = query.expression, "a result of a search is passed over");
                    self.outcome.is_incomplete = true;
                }
            }
        }
        (ids, fresh)
    }

    /// Replaces the next slice by its halves, the older one first.
    fn cut(&mut self, slice: Slice, now: i64) -> bool {
        let Some((older, newer)) = slice.halves(now).filter(|_| self.cuts < MOST_CUTS) else { return false };
        self.cuts += 1;
        self.slices.pop();
        self.slices.extend([newer, older]);
        self.page = 1;
        true
    }

    async fn page(
        &mut self,
        client: &Client,
        query: &SearchQuery,
        slice: Slice,
        per_page: u64,
    ) -> Result<Page, ForgeError> {
        let mut url = client.url(&["search", "repositories"]);
        url.query_pairs_mut()
            .append_pair("q", &expression(query, slice))
            .append_pair("sort", "stars")
            .append_pair("order", "desc")
            .append_pair("per_page", &per_page.to_string())
            .append_pair("page", &self.page.to_string());
        let mut attempt = 1;
        loop {
            self.outcome.requests += 1;
            let answer = client.get(SEARCH, url.clone(), None).await.map_err(|error| match error {
                ForgeError::BadQuery { reason, .. } => client.not_understood(&query.expression, &reason),
                error => error,
            })?;
            let page: Page = client.read(&answer)?;
            if page.incomplete_results && attempt < ATTEMPTS {
                attempt += 1;
                continue;
            }
            self.outcome.is_incomplete |= page.incomplete_results;
            return Ok(page);
        }
    }
}

impl Slice {
    const ALL: Self = Self { from: i64::MIN, to: i64::MAX };

    /// None when it is one second, or lies wholly before GitHub or after now.
    fn halves(self, now: i64) -> Option<(Self, Self)> {
        let (from, to) = (self.from.max(FIRST_CREATION), self.to.min(now));
        let middle = from + (to - from) / 2;
        (from < to).then_some((Self { to: middle, ..self }, Self { from: middle + 1, ..self }))
    }

    fn qualifier(self) -> Option<String> {
        match (self.from, self.to) {
            (i64::MIN, i64::MAX) => None,
            (i64::MIN, to) => Some(format!("created:<={}", written(to))),
            (from, i64::MAX) => Some(format!("created:>={}", written(from))),
            (from, to) => Some(format!("created:{}..{}", written(from), written(to))),
        }
    }
}

fn expression(query: &SearchQuery, slice: Slice) -> String {
    let mut expression = query.expression.trim().to_owned();
    // Somebody's own word about forks counts.
    let forks = query.forks && !has_qualifier(&query.expression, "fork");
    let forks = forks.then(|| "fork:true".to_owned());
    for qualifier in forks.into_iter().chain(slice.qualifier()) {
        expression.push(' ');
        expression.push_str(&qualifier);
    }
    expression
}

fn has_qualifier(expression: &str, name: &str) -> bool {
    let words = expression.split_whitespace().filter_map(|word| word.split_once(':'));
    words.into_iter().any(|(qualifier, _)| qualifier.trim_start_matches('-').eq_ignore_ascii_case(name))
}

fn written(seconds: i64) -> String {
    DateTime::from_timestamp(seconds, 0).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_767_268_800;

    #[track_caller]
    fn check(text: &str, slice: Slice, expected: &str) {
        let query = SearchQuery { expression: text.to_owned(), forks: false, limit: None };
        assert_eq!(expression(&query, slice), expected);
    }

    #[test]
    fn forks_are_asked_for_unless_the_expression_says() {
        let with_forks = |text: &str| {
            let query = SearchQuery { expression: text.to_owned(), forks: true, limit: None };
            expression(&query, Slice::ALL)
        };
        assert_eq!(with_forks("topic:kubesearch"), "topic:kubesearch fork:true");
        assert_eq!(with_forks("topic:kubesearch fork:only"), "topic:kubesearch fork:only");
    }

    #[test]
    fn qualifiers_are_added_to_what_was_asked() {
        check(" topic:kubesearch ", Slice::ALL, "topic:kubesearch");
        check("org:fluxcd", Slice { from: i64::MIN, to: NOW }, "org:fluxcd created:<=2026-01-01T12:00:00Z");
        let slice = Slice { from: NOW - 1, to: NOW };
        check("flux", slice, "flux created:2026-01-01T11:59:59Z..2026-01-01T12:00:00Z");
        check("flux", Slice { from: NOW, to: i64::MAX }, "flux created:>=2026-01-01T12:00:00Z");
    }

    #[test]
    fn halves_leave_nothing_out_down_to_a_second() {
        let mut slices = vec![Slice::ALL];
        let wanted = NOW - 86_400;
        while let Some((older, newer)) = slices.last().unwrap().halves(NOW) {
            assert_eq!(older.to + 1, newer.from);
            let whole = slices.pop().unwrap();
            assert_eq!((older.from, newer.to), (whole.from, whole.to));
            slices.push(if older.to >= wanted { older } else { newer });
        }
        assert_eq!(slices, [Slice { from: wanted, to: wanted }]);
        assert_eq!(Slice { from: NOW + 1, to: i64::MAX }.halves(NOW), None);
    }
}
