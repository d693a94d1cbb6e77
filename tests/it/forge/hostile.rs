//! Servers that answer wrongly, too much, too late, or on behalf of others.

use std::time::Duration;

use kubestats::forge::{ForgeError, GitHubOptions};
use url::Url;

use super::{Asked, options, query};
use crate::support::github::{Emulator, NOON, Repo, Trouble};

fn emulator() -> Emulator {
    let emulator = Emulator::start();
    emulator.add(Repo::new(1, "ada/cluster"));
    emulator
}

/// What one answer leads to; the request after it succeeds.
#[track_caller]
fn check(status: u16, headers: &[(&'static str, &str)], body: &str, expected: &str) {
    let emulator = emulator();
    let asked = Asked::at(&emulator);
    emulator.next_answer(status, headers, body);
    let error = asked.repository("ada/cluster").unwrap_err();
    let ForgeError::Unexpected { reason, .. } = &error else { panic!("{error:?}") };
    assert_eq!(reason, expected);
    assert!(error.is_transient());
    assert_eq!(emulator.requests().len(), 1, "nothing is asked again by itself");
    asked.described("ada/cluster");
}

#[test]
fn answers_that_are_none() {
    check(200, &[], "<html>secret</html>", "JSON of another form, at line 1, column 1");
    check(200, &[], "[]", "JSON of another form, at line 1, column 2");
    check(200, &[], r#"{ "id": -1 }"#, "JSON of another form, at line 1, column 10");
    check(200, &[], "", "JSON of another form, at line 1, column 0");
    check(500, &[], "{}", "500 Internal Server Error");
    check(502, &[], "<html>", "502 Bad Gateway");
    check(418, &[], "", "418 I'm a teapot");
    // A web server without the API must not make every repository look deleted.
    check(404, &[], "<html>", "404 Not Found without GitHub's explanation: is it the URL of its API?");
}

#[test]
fn ten_megabytes_are_too_much() {
    let body = format!("{{ \"id\": \"{}\" }}", "x".repeat(10 << 20));
    check(200, &[], &body, "more than 8 MiB");
}

#[test]
fn names_and_urls_that_git_must_not_see() {
    let emulator = emulator();
    let strange = |change: fn(&mut serde_json::Value)| {
        let mut body = Repo::new(1, "ada/cluster").full(emulator.url().as_str().trim_end_matches('/'));
        change(&mut body);
        emulator.next_answer(200, &[], &body.to_string());
        Asked::at(&emulator).repository("ada/cluster").unwrap_err()
    };
    let changes: [fn(&mut serde_json::Value); 7] = [
        |body| body["clone_url"] = "https://github.com/ada/cluster.git".into(),
        |body| body["clone_url"] = "http://10.0.0.1/ada/cluster.git".into(),
        |body| body["clone_url"] = "ext::sh -c true".into(),
        |body| body["clone_url"] = "file:///etc".into(),
        |body| body["clone_url"] = "https://user:word@forge.example/ada/cluster".into(),
        |body| body["full_name"] = "../../etc".into(),
        |body| body["full_name"] = "ada/clu\nster".into(),
    ];
    for change in changes {
        let error = strange(change);
        assert!(matches!(error, ForgeError::Unexpected { .. }), "{error:?}");
    }
    // In a search, the others count.
    let web = emulator.url();
    let mut items = vec![Repo::new(1, "ada/cluster").item(web.as_str().trim_end_matches('/')); 2];
    items[0]["id"] = 2.into();
    items[0]["clone_url"] = "file:///etc".into();
    let page = serde_json::json!({ "total_count": 2, "incomplete_results": false, "items": items });
    emulator.next_answer(200, &[], &page.to_string());
    let (found, outcome) = Asked::at(&emulator).find("topic:kubesearch");
    assert_eq!((found, outcome.is_incomplete), (vec!["ada/cluster".to_owned()], true));
}

#[test]
fn a_redirect_to_another_host_gets_neither_request_nor_token() {
    let (emulator, other) = (emulator(), emulator());
    let elsewhere = other.url().join("/repositories/1").unwrap();
    for location in [elsewhere.as_str(), &elsewhere.as_str()["http:".len()..], "https://forge.example/"] {
        emulator.next_answer(301, &[("location", location)], "");
        let error = Asked::at(&emulator).repository("ada/cluster").unwrap_err();
        let ForgeError::Unexpected { reason, .. } = error else { panic!("{error:?}") };
        assert_eq!(reason, "a redirect to another host");
    }
    assert_eq!(other.requests().len(), 0);
    check(302, &[], "", "a redirect to nowhere");
}

#[test]
fn redirects_in_a_circle_end() {
    let emulator = emulator();
    for _ in 0..20 {
        emulator.next_answer(307, &[("location", "/repos/ada/cluster")], "");
    }
    let error = Asked::at(&emulator).repository("ada/cluster").unwrap_err();
    assert!(matches!(error, ForgeError::Unexpected { .. }), "{error:?}");
    assert_eq!(emulator.requests().len(), 6);
}

#[test]
fn silence_and_bodies_without_an_end_have_one() {
    for trouble in [Trouble::Silence, Trouble::Trickle] {
        let emulator = emulator();
        let options = options(emulator.url(), None, &emulator);
        let asked = Asked::with(GitHubOptions { timeout: Duration::from_secs(1), ..options });
        emulator.trouble(trouble);
        let error = asked.repository("ada/cluster").unwrap_err();
        let ForgeError::Unreachable { reason, .. } = &error else { panic!("{error:?}") };
        assert_eq!((reason.as_str(), error.is_transient()), ("no answer within 1 seconds", true));
        assert_eq!(emulator.requests().len(), 1);
    }
}

#[test]
fn a_host_that_is_not_there_is_unreachable() {
    let emulator = emulator();
    // A port that was free a moment ago.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    for (url, cause) in [(url.as_str(), "refused"), ("http://forge.invalid", "")] {
        let asked = Asked::with(options(Url::parse(url).unwrap(), Some("github_pat_right"), &emulator));
        let error = asked.search(&query("flux")).1.unwrap_err();
        let ForgeError::Unreachable { reason, .. } = &error else { panic!("{error:?}") };
        assert!(reason.contains(cause) && !reason.contains("github_pat"), "{reason}");
    }
}

#[test]
fn headers_that_are_no_numbers_mean_nothing() {
    let emulator = emulator();
    let body = Repo::new(1, "ada/cluster").full(emulator.url().as_str().trim_end_matches('/')).to_string();
    let headers =
        [("x-ratelimit-remaining", "none"), ("x-ratelimit-reset", "-"), ("retry-after", "soon"), ("etag", "")];
    let asked = Asked::at(&emulator);
    emulator.next_answer(200, &headers, &body);
    asked.described("ada/cluster");
    // A budget that is renewed in a thousand years.
    let headers = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "99999999999")];
    emulator.next_answer(200, &headers, &body);
    asked.described("ada/cluster");
    super::check_out_of_budget(asked.repository("ada/cluster").unwrap_err(), ("core", NOON + 86_400));
}

#[test]
fn a_token_that_no_header_can_hold_is_refused_without_being_shown() {
    let options =
        GitHubOptions::new(Url::parse("https://api.github.com").unwrap(), Some("to\nken".to_owned()), "tests");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let error = runtime.block_on(async { kubestats::forge::GitHub::new(options) }).err().unwrap();
    assert!(matches!(error, ForgeError::Unauthorized { .. }) && !format!("{error:?}").contains("ken\""), "{error:?}");
}
