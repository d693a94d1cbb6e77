//! A forge whose answers stand in the test.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use kubestats::forge::{Answers, Forge, ForgeError, Found, KnownAs, Pages, SearchOutcome, SearchQuery, Searched};
use kubestats::model::{ForgeId, ForgeMetrics, ForgeRepository, Profile, RateLimit};

pub const HOST: &str = "forge.test";

/// Clones are the same forge.
#[derive(Clone, Default)]
pub struct Script(Arc<Mutex<State>>);

#[derive(Default)]
pub struct State {
    pub repositories: Vec<ForgeRepository>,
    /// The next requests fail with these, the last one first.
    pub errors: Vec<ForgeError>,
    /// What was asked, in words.
    pub asked: Vec<String>,
    /// Ids about which nothing is said.
    pub silent: Vec<String>,
    /// Names that may not be asked for.
    pub forbidden: Vec<String>,
    /// The next search fails after so many pages.
    pub cut: Option<(u64, fn() -> ForgeError)>,
}

/// A repository of the topic `flux`, cloned from a path.
pub fn repository(id: u64, name: &str, path: &Path) -> ForgeRepository {
    ForgeRepository {
        id: Some(ForgeId { forge: HOST.to_owned(), id: id.to_string() }),
        node_id: Some(format!("node-{id}")),
        owner: "owner".to_owned(),
        name: name.to_owned(),
        clone_url: path.to_str().unwrap().to_owned(),
        profile: Profile {
            description: Some(format!("about {name}")),
            license: Some("MIT".to_owned()),
            topics: vec!["flux".to_owned()],
            default_branch: "main".to_owned(),
            ..Profile::default()
        },
        metrics: ForgeMetrics {
            stars: 100 + id,
            forks: 5,
            open_issues: 2,
            size_kb: 10,
            pushed_at: Some(1_704_110_400),
            ..ForgeMetrics::default()
        },
        is_private: false,
    }
}

impl Script {
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub fn add(&self, repository: ForgeRepository) {
        self.state().repositories.push(repository);
    }

    /// Changes the repository with this id.
    #[track_caller]
    pub fn change(&self, id: u64, change: impl FnOnce(&mut ForgeRepository)) {
        let mut state = self.state();
        let has_id = |known: &&mut ForgeRepository| known.id.as_ref().unwrap().id == id.to_string();
        change(state.repositories.iter_mut().find(has_id).unwrap());
    }

    pub fn remove(&self, id: u64) {
        self.state().repositories.retain(|known| known.id.as_ref().unwrap().id != id.to_string());
    }

    pub fn fail(&self, error: ForgeError) {
        self.state().errors.push(error);
    }

    pub fn take_asked(&self) -> Vec<String> {
        std::mem::take(&mut self.state().asked)
    }

    /// What a search finds, the most starred first.
    fn matching(&self, query: &SearchQuery) -> Result<Vec<ForgeRepository>, ForgeError> {
        let topic = query.expression.strip_prefix("topic:").unwrap_or_default().to_owned();
        let matches = |known: &&ForgeRepository| known.profile.topics.contains(&topic);
        let state = self.begin(format!("search {}", query.expression))?;
        let mut found: Vec<ForgeRepository> = state.repositories.iter().filter(matches).cloned().collect();
        found.sort_by_key(|known| std::cmp::Reverse(known.metrics.stars));
        found.truncate(query.limit.unwrap_or(u64::MAX).try_into().unwrap());
        Ok(found)
    }

    /// Notes a request; fails when it is to fail.
    fn begin(&self, request: String) -> Result<MutexGuard<'_, State>, ForgeError> {
        let mut state = self.state();
        state.asked.push(request);
        match state.errors.pop() {
            Some(error) => Err(error),
            None => Ok(state),
        }
    }
}

impl Forge for Script {
    fn host(&self) -> &str {
        HOST
    }

    async fn search<P: Pages>(&self, query: &SearchQuery, pages: &mut P) -> Searched {
        let found = match self.matching(query) {
            Ok(found) => found,
            Err(error) => return Searched { outcome: SearchOutcome::default(), ended: Err(error) },
        };
        let mut outcome = SearchOutcome { found: 0, requests: 1, is_incomplete: false };
        let cut = self.state().cut.take();
        for page in found.chunks(2) {
            if let Some((_, error)) = cut.filter(|(pages, _)| outcome.found >= 2 * pages) {
                return Searched { outcome, ended: Err(error()) };
            }
            if pages.take(page.to_vec()).await.is_break() {
                break;
            }
            outcome.found += page.len() as u64;
        }
        Searched { outcome, ended: Ok(()) }
    }

    async fn repositories(&self, ids: &[KnownAs]) -> Answers {
        let state = match self.begin(format!("about {}", ids.len())) {
            Ok(state) => state,
            Err(error) => return Answers { found: vec![None; ids.len()], ended: Err(error) },
        };
        let answer = |known: &KnownAs| {
            let found = state.repositories.iter().find(|found| found.id.as_ref() == Some(&known.id));
            Some(match found {
                _ if state.silent.contains(&known.id.id) => Found::Unknown("it is silent".to_owned()),
                Some(found) => Found::Here(Box::new(found.clone())),
                None => Found::Gone,
            })
        };
        Answers { found: ids.iter().map(answer).collect(), ended: Ok(()) }
    }

    fn batch_size(&self) -> usize {
        3
    }

    async fn repository(&self, full_name: &str) -> Result<Found, ForgeError> {
        let state = self.begin(format!("named {full_name}"))?;
        if state.forbidden.iter().any(|name| name == full_name) {
            return Err(ForgeError::Forbidden { forge: HOST.to_owned(), reason: "not for you".to_owned() });
        }
        let is_named = |known: &&ForgeRepository| format!("{}/{}", known.owner, known.name) == full_name;
        let found = state.repositories.iter().find(is_named);
        Ok(found.map_or(Found::Gone, |found| Found::Here(Box::new(found.clone()))))
    }

    fn rate_limits(&self) -> Vec<RateLimit> {
        Vec::new()
    }

    fn advice(&self) -> Option<&'static str> {
        None
    }
}
