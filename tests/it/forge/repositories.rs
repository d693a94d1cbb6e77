//! One repository: what is told of it, whatever it is called, and that it is gone.

use kubestats::forge::{Forge, ForgeError, Found};
use kubestats::model::{ForgeId, ForgeMetrics, ForgeRepository, Profile};

use super::{Asked, Taken, full_name, here, known, options};
use crate::support::github::{Emulator, Repo, Request};

fn emulator() -> Emulator {
    let emulator = Emulator::start();
    emulator.add(Repo::new(42, "ada/cluster"));
    emulator
}

/// What is told of `Repo::new(42, "ada/cluster")`; watchers and languages stand in some answers alone.
fn expected(emulator: &Emulator, watchers: Option<u64>, languages: Option<Vec<(String, u64)>>) -> ForgeRepository {
    ForgeRepository {
        id: Some(ForgeId { forge: emulator.host().to_owned(), id: "42".to_owned() }),
        node_id: Some("R_kgDO00000042".to_owned()),
        owner: "ada".to_owned(),
        name: "cluster".to_owned(),
        clone_url: format!("http://{}/ada/cluster.git", emulator.host()),
        profile: Profile {
            description: Some("My home cluster".to_owned()),
            license: Some("MIT".to_owned()),
            language: Some("YAML".to_owned()),
            topics: vec!["kubesearch".to_owned()],
            default_branch: "main".to_owned(),
            created_at: Some(1_600_000_042),
            is_archived: false,
            is_fork: false,
            is_template: false,
        },
        metrics: ForgeMetrics {
            stars: 42,
            forks: 2,
            watchers,
            open_issues: 9,
            size_kb: 600,
            languages,
            pushed_at: Some(1_600_001_042),
            updated_at: Some(1_600_002_042),
        },
        is_private: false,
    }
}

#[test]
fn each_api_tells_the_same_of_a_repository() {
    let emulator = emulator();
    let (asked, repo) = (Asked::at(&emulator), Repo::new(42, "ada/cluster"));
    assert_eq!(asked.described("ada/cluster"), expected(&emulator, Some(3), None));
    let mut taken = Taken::default();
    asked.runtime.block_on(asked.forge.search(&super::query("topic:kubesearch"), &mut taken)).ended.unwrap();
    assert_eq!(taken.0, [expected(&emulator, None, None)]);
    let languages = vec![("YAML".to_owned(), 90_000), ("Shell".to_owned(), 1_000)];
    let of_batch = asked.repositories(&[known(&emulator, &repo)]).unwrap().remove(0);
    assert_eq!(here(of_batch), expected(&emulator, Some(3), Some(languages)));
    let without = Asked::without_a_token(&emulator);
    let of_id = without.repositories(&[known(&emulator, &repo)]).unwrap().remove(0);
    assert_eq!(here(of_id), expected(&emulator, Some(3), None));
}

#[test]
fn what_a_repository_leaves_empty_is_none() {
    let emulator = emulator();
    emulator.change(42, |repo| {
        (repo.description, repo.license, repo.language) = (None, None, None);
        (repo.topics, repo.is_archived) = (Vec::new(), true);
    });
    let asked = Asked::at(&emulator);
    let of_batch = asked.repositories(&[known(&emulator, &Repo::new(42, "ada/cluster"))]).unwrap().remove(0);
    for repository in [asked.described("ada/cluster"), here(of_batch)] {
        let profile = repository.profile;
        assert_eq!((profile.description, profile.license, profile.language), (None, None, None));
        assert!(profile.topics.is_empty() && profile.is_archived);
    }
}

#[test]
fn an_unchanged_repository_is_told_again_for_nothing() {
    let emulator = emulator();
    let asked = Asked::at(&emulator);
    let first = asked.described("ada/cluster");
    let left = |asked: &Asked| asked.forge.rate_limits().remove(0).remaining;
    let before = left(&asked);
    assert_eq!(asked.described("ada/cluster"), first);
    assert_eq!(left(&asked), before, "a 304 costs nothing");
    let requests = emulator.requests();
    assert!(requests[1].headers.contains_key("if-none-match") && !requests[0].headers.contains_key("if-none-match"));
    emulator.change(42, |repo| repo.stars = 43);
    assert_eq!(asked.described("ada/cluster").metrics.stars, 43);
    assert_eq!(left(&asked), before - 1);
}

#[test]
fn a_renamed_or_transferred_repository_is_found_by_its_former_name_and_by_its_id() {
    let emulator = emulator();
    let asked = Asked::at(&emulator);
    let id = asked.described("ada/cluster").id;
    for (former, name) in [("ada/cluster", "ada/home-ops"), ("ada/home-ops", "lovelace/home-ops")] {
        emulator.rename(42, name);
        let found = asked.described(former);
        assert_eq!((full_name(&found).as_str(), &found.id), (name, &id));
    }
    let of_batch = asked.repositories(&[known(&emulator, &Repo::new(42, "ada/cluster"))]).unwrap().remove(0);
    assert_eq!(full_name(&here(of_batch)), "lovelace/home-ops");
    let without = Asked::without_a_token(&emulator);
    let of_id = without.repositories(&[known(&emulator, &Repo::new(42, "ada/cluster"))]).unwrap().remove(0);
    assert_eq!(full_name(&here(of_id)), "lovelace/home-ops");
}

#[test]
fn deleted_hidden_and_blocked_repositories_are_gone() {
    let changes: [fn(&mut Repo); 2] = [|repo| repo.is_gone = true, |repo| repo.is_taken_down = true];
    for change in changes {
        let emulator = emulator();
        let asked = [Asked::at(&emulator), Asked::without_a_token(&emulator)];
        emulator.change(42, change);
        for asked in asked {
            assert_eq!(asked.repository("ada/cluster").unwrap(), Found::Gone);
            let ids = [known(&emulator, &Repo::new(42, "ada/cluster"))];
            assert_eq!(asked.repositories(&ids).unwrap(), [Found::Gone]);
        }
    }
    assert_eq!(Asked::at(&emulator()).repository("nobody/nothing").unwrap(), Found::Gone);
    let emulator = emulator();
    emulator.next_answer(403, &[], r#"{ "message": "Repository access blocked", "block": { "reason": "tos" } }"#);
    assert_eq!(Asked::at(&emulator).repository("ada/cluster").unwrap(), Found::Gone);
}

#[test]
fn a_wrong_token_is_told_without_it() {
    let emulator = emulator();
    let asked = Asked::with(options(emulator.url(), Some("github_pat_wrong"), &emulator));
    for error in [asked.repository("ada/cluster").unwrap_err(), asked.search(&super::query("flux")).1.unwrap_err()] {
        let text = format!("{error} {error:?}");
        assert!(matches!(error, ForgeError::Unauthorized { .. }) && !error.is_transient(), "{text}");
        assert!(text.contains("Bad credentials") && !text.contains("github_pat"), "{text}");
    }
    // A server that sends the token back.
    emulator.next_answer(403, &[], r#"{ "message": "github_pat_wrong lacks a right" }"#);
    let error = asked.repository("ada/cluster").unwrap_err();
    assert!(matches!(error, ForgeError::Forbidden { .. }) && !format!("{error:?}").contains("github_pat"), "{error:?}");
}

#[test]
fn without_a_token_it_works_too_and_says_what_one_would_bring() {
    let emulator = emulator();
    let asked = Asked::without_a_token(&emulator);
    assert_eq!(asked.forge.batch_size(), 1);
    assert_eq!(asked.find("topic:kubesearch").0, ["ada/cluster"]);
    asked.described("ada/cluster");
    assert!(asked.forge.advice().unwrap().contains("github.token"));
    assert!(emulator.requests().iter().all(|request| !request.headers.contains_key("authorization")));
    emulator.next_answer(401, &[], r#"{ "message": "Must authenticate to access this API." }"#);
    let error = asked.repository("ada/cluster").unwrap_err();
    assert!(matches!(error, ForgeError::NeedsToken { .. }), "{error:?}");
    let with = Asked::at(&emulator);
    assert_eq!((with.forge.advice(), with.forge.batch_size()), (None, 100));
}

#[test]
fn every_request_says_who_asks_and_in_which_form() {
    let emulator = emulator();
    let asked = Asked::at(&emulator);
    asked.described("ada/cluster");
    asked.find("topic:kubesearch");
    asked.repositories(&[known(&emulator, &Repo::new(42, "ada/cluster"))]).unwrap();
    for request in emulator.requests() {
        let header = |name: &str| request.headers.get(name).unwrap().to_str().unwrap().to_owned();
        assert_eq!(header("user-agent"), "kubestats-tests");
        assert_eq!(header("accept"), "application/vnd.github+json");
        assert_eq!(header("x-github-api-version"), "2022-11-28");
        assert_eq!(header("authorization"), "Bearer github_pat_right");
    }
}

#[test]
fn an_enterprise_server_has_its_own_paths() {
    let emulator = Emulator::enterprise();
    emulator.add(Repo::new(42, "ada/cluster"));
    let asked = Asked::at(&emulator);
    assert_eq!(asked.forge.host(), emulator.host());
    asked.described("ada/cluster");
    assert_eq!(asked.find("topic:kubesearch").0, ["ada/cluster"]);
    asked.repositories(&[known(&emulator, &Repo::new(42, "ada/cluster"))]).unwrap();
    emulator.rename(42, "ada/home-ops");
    asked.described("ada/cluster");
    let requests = emulator.requests();
    let line = |request: &Request| format!("{} {}", request.method, request.target.split('?').next().unwrap());
    let lines: Vec<String> = requests.iter().map(line).collect();
    let repository = "GET /api/v3/repos/ada/cluster";
    let search = "GET /api/v3/search/repositories";
    let expected = [repository, search, "POST /api/graphql", repository, "GET /api/v3/repositories/42"];
    assert_eq!(lines, expected);
}

#[test]
fn a_forge_is_named_by_its_host() {
    let emulator = emulator();
    let cases = [
        ("https://api.github.com", "github.com"),
        ("https://api.company.ghe.com/", "company.ghe.com"),
        ("https://git.company.example/api/v3", "git.company.example"),
        ("https://git.company.example:8443/api/v3", "git.company.example:8443"),
    ];
    for (url, host) in cases {
        let asked = Asked::with(options(url::Url::parse(url).unwrap(), None, &emulator));
        assert_eq!(asked.forge.host(), host, "{url}");
    }
}

#[test]
fn names_that_are_none_are_not_sent() {
    let emulator = emulator();
    let asked = Asked::at(&emulator);
    for name in ["", "cluster", "a/b/c", "../cluster", "ada/..", "ada/cluster?x=1", "ada/a b"] {
        let error = asked.repository(name).unwrap_err();
        assert!(matches!(error, ForgeError::BadQuery { .. }), "{name}: {error:?}");
    }
    assert_eq!(emulator.requests().len(), 0);
}
