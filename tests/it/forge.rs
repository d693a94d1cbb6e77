//! Forges: GitHub, held against an emulator of its APIs, and folders and lists of this machine.

mod batches;
mod hostile;
mod limits;
mod local;
mod openapi;
mod repositories;
mod schema;
mod search;

use std::ops::ControlFlow;
use std::time::Duration;

use kubestats::forge::{
    Answers, AnyForge, Forge, ForgeError, Found, GitHubOptions, KnownAs, Pages, SearchOutcome, SearchQuery, Searched,
};
use kubestats::model::{ForgeId, ForgeRepository};
use tokio::runtime::Runtime;
use url::Url;

use crate::support::github::{Emulator, Repo};

/// Far more than loopback takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A forge, and what its requests run on.
struct Asked {
    forge: AnyForge,
    runtime: Runtime,
}

impl Asked {
    fn with(options: GitHubOptions) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let forge = runtime.block_on(async { AnyForge::github(options) }).unwrap();
        Self { forge, runtime }
    }

    /// With the emulator's token and clock.
    fn at(emulator: &Emulator) -> Self {
        let token = emulator.state().token.clone();
        Self::with(options(emulator.url(), Some(&token), emulator))
    }

    fn without_a_token(emulator: &Emulator) -> Self {
        Self::with(options(emulator.url(), None, emulator))
    }

    /// Searches, and answers the full names in the order of their visits.
    fn search(&self, query: &SearchQuery) -> (Vec<String>, Result<SearchOutcome, ForgeError>) {
        let mut taken = Taken::default();
        let Searched { outcome, ended } = self.runtime.block_on(self.forge.search(query, &mut taken));
        (taken.0.iter().map(full_name).collect(), ended.map(|()| outcome))
    }

    /// The same of a search that succeeds.
    #[track_caller]
    fn find(&self, expression: &str) -> (Vec<String>, SearchOutcome) {
        let (found, outcome) = self.search(&query(expression));
        (found, outcome.unwrap())
    }

    fn repository(&self, full_name: &str) -> Result<Found, ForgeError> {
        self.runtime.block_on(self.forge.repository(full_name))
    }

    #[track_caller]
    fn described(&self, full_name: &str) -> ForgeRepository {
        here(self.repository(full_name).unwrap())
    }

    /// The answers, all of which came.
    fn repositories(&self, ids: &[KnownAs]) -> Result<Vec<Found>, ForgeError> {
        let (found, ended) = self.some_repositories(ids);
        ended.map(|()| found.into_iter().map(Option::unwrap).collect())
    }

    fn some_repositories(&self, ids: &[KnownAs]) -> (Vec<Option<Found>>, Result<(), ForgeError>) {
        let Answers { found, ended } = self.runtime.block_on(self.forge.repositories(ids));
        (found, ended)
    }
}

/// What a search found.
#[derive(Default)]
struct Taken(Vec<ForgeRepository>);

impl Pages for Taken {
    async fn take(&mut self, page: Vec<ForgeRepository>) -> ControlFlow<()> {
        self.0.extend(page);
        ControlFlow::Continue(())
    }
}

fn options(url: Url, token: Option<&str>, emulator: &Emulator) -> GitHubOptions {
    let options = GitHubOptions::new(url, token.map(str::to_owned), "kubestats-tests");
    GitHubOptions { timeout: PATIENCE, clock: emulator.clock(), ..options }
}

fn query(expression: &str) -> SearchQuery {
    SearchQuery { expression: expression.to_owned(), forks: false, limit: None }
}

fn full_name(repository: &ForgeRepository) -> String {
    format!("{}/{}", repository.owner, repository.name)
}

#[track_caller]
fn here(found: Found) -> ForgeRepository {
    match found {
        Found::Here(repository) => *repository,
        other => panic!("{other:?}"),
    }
}

/// How sync asks for a repository that the emulator has.
fn known(emulator: &Emulator, repo: &Repo) -> KnownAs {
    let id = ForgeId { forge: emulator.host().to_owned(), id: repo.id.to_string() };
    KnownAs { id, node_id: Some(repo.node_id()), full_name: repo.full_name() }
}

#[track_caller]
fn check_out_of_budget(error: ForgeError, expected: (&str, i64)) {
    let ForgeError::OutOfBudget { resource, until, .. } = error else { panic!("{error:?}") };
    assert_eq!((resource.as_str(), until), expected);
}
