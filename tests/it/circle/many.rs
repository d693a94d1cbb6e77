//! Many small repositories at once: all are found, fetched and scanned, in bounded memory, with no more requests than it takes.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use chrono::Utc;

use super::world::{Forge, World};
use crate::support::process::PATIENCE;

/// Repositories of one page of a search, and of one question to the GraphQL API.
const PAGE: u64 = 100;
const EVENTS: u64 = 4;
/// Peak of the server's own memory, three times what 300 take; the engine, a process of its own, has its own limit.
const MOST_MEMORY_KB: u64 = 384 << 10;
const PUSHED: [u64; 3] = [1, 2, 3];

/// A bare repository of three commits: two resources are created, one is modified, one deleted.
fn import(served: &Path, number: u64) {
    for folder in ["objects", "refs/heads"] {
        fs::create_dir_all(served.join(folder)).unwrap();
    }
    fs::write(served.join("HEAD"), "ref: refs/heads/main\n").unwrap();
    fs::write(served.join("config"), "[core]\n\trepositoryformatversion = 0\n\tbare = true\n").unwrap();
    let map = |name: &str, value: &str| {
        let manifest = format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}-{number}\ndata:\n  value: \"{value}\"\n"
        );
        format!("M 100644 inline apps/{name}.yaml\ndata {}\n{manifest}\n", manifest.len())
    };
    let changes = [map("one", "1") + &map("two", "1"), map("one", "2"), "D apps/two.yaml\n".to_owned()];
    let mut stream = String::new();
    for (index, change) in changes.iter().enumerate() {
        let time = 1_704_000_000 + 60 * index;
        stream += &format!(
            "commit refs/heads/main\ncommitter Ada <ada@example.org> {time} +0000\ndata 6\nchange\n{change}\n"
        );
    }
    let mut git = Command::new("git");
    git.args(["-c", "fastimport.unpackLimit=1", "fast-import", "--quiet"]).env("GIT_DIR", served);
    let mut import = git.stdin(Stdio::piped()).spawn().unwrap();
    import.stdin.take().unwrap().write_all(stream.as_bytes()).unwrap();
    assert!(import.wait().unwrap().success());
}

/// The most memory that a process has held, in KiB.
fn peak_kb(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Asks each second until all jobs have ended; a machine may be slow, but something has to go on.
#[track_caller]
fn wait(world: &World) {
    let document = "{ jobs(filter: {state: {in: [QUEUED, RUNNING, PARKED]}}) { totalCount }
        ended: jobs(filter: {state: {in: [SUCCEEDED, FAILED]}}) { totalCount } }";
    let (mut ended, mut since) = (0, Instant::now());
    loop {
        let answer = world.server.query(document);
        if answer["jobs"]["totalCount"] == 0 {
            return;
        }
        let now = answer["ended"]["totalCount"].as_u64().unwrap();
        if now > ended {
            (ended, since) = (now, Instant::now());
        }
        assert!(since.elapsed() < PATIENCE, "nothing goes on: {ended} jobs have ended");
        thread::sleep(Duration::from_secs(1));
    }
}

/// Requests that the emulator got: searches, questions to the GraphQL API, all others.
fn requests(world: &World) -> [u64; 3] {
    let mut counts = [0; 3];
    for request in world.forge.github.requests() {
        counts[match request.target.as_str() {
            target if target.starts_with("/search/") => 0,
            "/graphql" => 1,
            _ => 2,
        }] += 1;
    }
    counts
}

/// Which repositories git was asked for since.
fn fetched_since(world: &World, before: usize) -> Vec<String> {
    let mut names: Vec<String> = world.forge.git.requests().split_off(before);
    names.iter_mut().for_each(|target| target.truncate(target.find(".git/").unwrap()));
    names.sort();
    names.dedup();
    names
}

fn name(number: u64) -> String {
    format!("owner/name-{number:04}")
}

/// The plan: one search per page finds them all and tells what a first snapshot needs, so that nothing more is asked before their
/// fetches; a round of visits is one question per hundred; a push adds a fetch and no question of its own; a search that finds
/// nothing new costs its pages.
fn feed(count: u64) {
    let began = Instant::now();
    let forge = Forge::new();
    for number in 1..=count {
        import(&forge.served(&name(number)), number);
        forge.describe(number, &name(number), |_| ());
    }
    let made = began.elapsed();
    let data = forge.data().with("KUBESTATS_DISCOVERY__FIRST_RUN_LIMIT", "0");
    let world = forge.serve(data);
    wait(&world);
    let fed = began.elapsed() - made;
    let pages = count.div_ceil(PAGE);
    let counted = "{ repositories { totalCount } events { totalCount }
        scans: jobs(filter: {kind: {eq: SCAN}, state: {eq: SUCCEEDED}}) { totalCount }
        failed: jobs(filter: {state: {eq: FAILED}}) { totalCount } }";
    let check = |pushed: u64| {
        let answer = world.server.query(counted);
        let lists = ["repositories", "events", "scans", "failed"];
        let counts = lists.map(|list| answer[list]["totalCount"].as_u64().unwrap());
        assert_eq!(counts, [count, count * EVENTS + pushed, count + pushed, 0], "{lists:?}");
    };
    check(0);
    assert_eq!(requests(&world), [pages, 0, 0], "found and scanned");
    assert_eq!(fetched_since(&world, 0).len() as u64, count);

    let fetched = world.forge.git.requests().len();
    world.mutate("syncAll");
    wait(&world);
    assert_eq!(requests(&world), [pages, pages, 0], "visited");
    assert_eq!(fetched_since(&world, fetched), Vec::<String>::new(), "nothing was pushed");

    for number in PUSHED {
        push(&world, number);
    }
    world.mutate("syncAll");
    wait(&world);
    assert_eq!(requests(&world), [pages, 2 * pages, 0], "visited again");
    assert_eq!(fetched_since(&world, fetched), PUSHED.map(|number| format!("/{}", name(number))));
    check(PUSHED.len() as u64);

    world.mutate("discover(queries: [\"topic:kubesearch\"])");
    wait(&world);
    assert_eq!(requests(&world), [2 * pages, 2 * pages, 0], "searched again");
    let (peak, engine) = (peak_kb(world.server.pid()), peak_kb(world.data.engine_pid()));
    let all = began.elapsed();
    eprintln!(
        "{count} repositories: made in {made:.0?}, fed in {fed:.0?}, all in {all:.0?}; peak {peak} kB, engine {engine} kB"
    );
    assert!(peak < MOST_MEMORY_KB, "the server held {peak} kB");
}

/// One more commit with one more resource, right in the repository that is served.
fn push(world: &World, number: u64) {
    let manifest = "apiVersion: v1\nkind: A\nmetadata: {name: new}\n";
    let stream = format!(
        "commit refs/heads/main\ncommitter Ada <ada@example.org> 1705000000 +0000\ndata 4\npush\nfrom refs/heads/main^0\n\
         M 100644 inline new.yaml\ndata {}\n{manifest}\n",
        manifest.len()
    );
    let mut git = Command::new("git");
    git.args(["fast-import", "--quiet"]).env("GIT_DIR", world.forge.served(&name(number)));
    let mut import = git.stdin(Stdio::piped()).spawn().unwrap();
    import.stdin.take().unwrap().write_all(stream.as_bytes()).unwrap();
    assert!(import.wait().unwrap().success());
    world.forge.github.change(number, |repo| repo.pushed_at = Utc::now().timestamp());
}

#[test]
fn three_hundred_repositories_take_their_pages_and_bounded_memory() {
    feed(300);
}

#[test]
#[ignore = "soak"]
fn soak_a_thousand_repositories_take_their_pages_and_bounded_memory() {
    feed(1_000);
}
