//! The whole way with a server in the engine's place: the same events, the same answers.

use serde_json::json;

use crate::support::data::TestData;
use crate::support::hosting::Hosting;
use crate::support::repos::fixture;
use crate::support::server::TestServer;

const REPOSITORIES: [&str; 4] = ["showcase", "moves-paired", "strange-paths", "broken-and-repaired"];
const ANSWER: &str = "{ repositories { nodes { id name eventCount resourceCount unparsableCount } }
    eventTrend(bucket: YEAR, groupBy: [KIND]) { rows { time series value } }
    scanFailures { nodes { path message } } }";

#[test]
fn both_hostings_store_and_answer_the_same() {
    let repositories = REPOSITORIES.map(fixture);
    let (embedded, external) = (TestData::on(Hosting::Embedded), TestData::on(Hosting::External));
    for repository in &repositories {
        let path = repository.path();
        embedded.scan(&path);
        external.scan(&path);
        let lines = embedded.event_lines(&path);
        assert!(!lines.is_empty());
        assert_eq!(external.event_lines(&path), lines);
    }
    let answer = embedded.query(ANSWER, json!({}));
    assert_eq!(external.query(ANSWER, json!({})), answer);
    assert_eq!(TestServer::start(&external).query(ANSWER), answer);
    assert!(!external.path().join("engine").exists(), "no engine of its own was started");
}
