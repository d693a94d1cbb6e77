//! The whole server over HTTP, with the client on the same machine.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::report::{Goal, Report, quantile};
use super::{Result, machine, program};

/// Time of one measurement; a value and its floor alternate, the better of the rounds counts.
const ROUND: Duration = Duration::from_secs(2);
const ROUNDS: usize = 3;
const CONNECTIONS: [usize; 2] = [1, 32];
const TREND: &str = "{ eventTrend(bucket: MONTH, groupBy: KIND) { rows { time series value } } }";
const SMALL_TREND: &str = "{ eventTrend(bucket: YEAR, groupBy: TYPE) { rows { time series value } } }";
const PAGE: &str = "{ events(first: 50) { nodes { type kind name time repository { fullName } } } }";

pub async fn measure(data: &Path, report: &mut Report) -> Result<()> {
    let server = Server::start(data).await?;
    let megabytes = |process| machine::memory_kb(process, "VmRSS").unwrap_or_default() as f64 / 1_000.0;
    report.value("memory of the idle server, engine apart", megabytes(server.process), "MB", Goal::None);
    let engine = machine::engine_of(server.process);
    report.value("memory of its idle engine", engine.map(megabytes).unwrap_or_default(), "MB", Goal::None);
    for connections in CONNECTIONS {
        let goal = if connections > 1 { Goal::AtLeast(5_000.0, "/s") } else { Goal::None };
        for (what, document, goal) in [
            ("month × kind trend, cached", TREND, goal),
            ("year × type trend, cached", SMALL_TREND, goal),
            ("page of 50 events, cached", PAGE, Goal::None),
        ] {
            let request = |_| server.question(document);
            compare(&server, report, &format!("{what}, {connections} connections"), connections, request, goal).await?;
        }
        let distinct = |number: u64| {
            let before = 1_600_000_000_000 + number * 1_000;
            server.question(&format!(
                "{{ eventTrend(bucket: MONTH, groupBy: TYPE, range: {{to: {before}}}) {{ rows {{ value }} }} }}"
            ))
        };
        let what = format!("trend, each another question, {connections} connections");
        compare(&server, report, &what, connections, distinct, Goal::None).await?;
    }
    report.value("memory of the server afterwards, engine apart", megabytes(server.process), "MB", Goal::None);
    server.stop().await
}

/// The rate against that of `/healthz`, which does nothing but answer; then the latencies.
async fn compare(
    server: &Server,
    report: &mut Report,
    what: &str,
    connections: usize,
    request: impl Fn(u64) -> Request<Full<Bytes>>,
    goal: Goal,
) -> Result<()> {
    let (mut best, mut floor) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        // Of questions that have to differ, each round has its own.
        let offset = (connections * ROUNDS + round) as u64 * 1_000_000;
        let times = load(connections, |number| request(offset + number)).await?;
        if times.len() > best.len() {
            best = times;
        }
        let times = load(connections, |_| server.request(Method::GET, "/healthz", Bytes::new())).await?;
        if times.len() > floor.len() {
            floor = times;
        }
    }
    let rate = |times: &[Duration]| times.len() as f64 / ROUND.as_secs_f64();
    report.rate(&format!("{what}; floor: `/healthz`"), rate(&best), rate(&floor), "/s", goal);
    for share in [0.5, 0.95, 0.99] {
        let name = format!("its latency, p{:.0}", share * 100.0);
        report.ratio(&name, quantile(&mut best, share), quantile(&mut floor, share), Goal::None);
    }
    Ok(())
}

/// The times of all requests that connections which are kept open answer one after the other in one round.
async fn load(connections: usize, request: impl Fn(u64) -> Request<Full<Bytes>>) -> Result<Vec<Duration>> {
    let end = Instant::now() + ROUND;
    let number = std::sync::atomic::AtomicU64::new(0);
    let (number, request) = (&number, &request);
    let connection = |_| async move {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        let mut times = Vec::new();
        while Instant::now() < end {
            let next = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let started = Instant::now();
            let response = client.request(request(next)).await?;
            let status = response.status();
            let body = response.into_body().collect().await?.to_bytes();
            times.push(started.elapsed());
            if !status.is_success() || body.starts_with(b"{\"errors\"") {
                return Err(format!("{status}: {}", String::from_utf8_lossy(&body)).into());
            }
        }
        Result::Ok(times)
    };
    let all = futures_util::future::join_all((0..connections).map(connection)).await;
    Ok(all.into_iter().collect::<Result<Vec<_>>>()?.concat())
}

/// `kubestats serve` on a free port.
struct Server {
    child: Child,
    process: u32,
    address: String,
}

impl Server {
    async fn start(data: &Path) -> Result<Self> {
        let mut command = Command::from(program("serve"));
        command.args(["--listen", "127.0.0.1:0", "--data"]).arg(data);
        // Nothing runs beside the requests: the clock would visit and fetch the repositories of the corpus.
        command.env("KUBESTATS_DISCOVERY__ENABLED", "false").env("KUBESTATS_SCHEDULES__SYNC", "");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true).spawn()?;
        let process = child.id().ok_or("the server ended")?;
        let mut lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
        while let Some(line) = lines.next_line().await? {
            if let Some(url) = line.split_whitespace().find_map(|word| word.strip_suffix("/graphql")) {
                return Ok(Self { child, process, address: url.to_owned() });
            }
        }
        Err("the server does not say where it listens".into())
    }

    fn question(&self, document: &str) -> Request<Full<Bytes>> {
        let body = serde_json::json!({ "query": document }).to_string();
        self.request(Method::POST, "/graphql", body.into())
    }

    fn request(&self, method: Method, path: &str, body: Bytes) -> Request<Full<Bytes>> {
        let request = Request::builder().method(method).uri(format!("{}{path}", self.address));
        let request = request.header(CONTENT_TYPE, "application/json").body(Full::new(body));
        request.expect("the address is one that the server printed")
    }

    /// Its engine ends with it.
    async fn stop(mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }
}
