//! Speed as ratios against a floor measured in the same run: `make bench`.
//!
//! The floor of a whole-history scan is git's own reading: `git log --raw` over the same commits and `git cat-file --batch`
//! of the same blobs. The repository is the largest bundle of the corpus where that is present, else one made here.

use std::collections::HashSet;
use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const PROGRAM: &str = env!("CARGO_BIN_EXE_kubestats");
const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus/onedr0p--home-ops.bundle");
/// The best of this many runs counts: other work on the machine only ever makes a run slower.
const RUNS: usize = 3;

fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let source = source(folder.path())?;
    println!("whole history of {}, best of {RUNS} runs\n", source.display());
    let mut scans = Vec::new();
    let mut floors = Vec::new();
    let mut rescans = Vec::new();
    let mut data = PathBuf::new();
    for run in 0..RUNS {
        data = folder.path().join(format!("data-{run}"));
        scans.push(scan(&data, &source)?);
        floors.push(floor(&mirror(&data)?)?);
        rescans.push(scan(&data, &source)?.seconds);
    }
    let best = scans.iter().min_by(|a, b| a.seconds.total_cmp(&b.seconds)).ok_or("no run")?;
    let floor = floors.into_iter().min().ok_or("no run")?.as_secs_f64();
    let bytes = engine_bytes(&data)?;
    println!("| what | value |");
    println!("|---|---|");
    println!("| commits that touch YAML | {} |", best.commits);
    println!("| events | {} |", best.events);
    println!("| git's own reading (floor) | {floor:.2} s |");
    println!("| scan, from the opened mirror to everything stored | {:.2} s |", best.seconds);
    println!("| ratio to the floor | {:.2} |", best.seconds / floor);
    println!("| rescan, nothing new | {:.0} ms |", minimum(&rescans) * 1000.0);
    println!("| peak memory of the scan, engine apart | {} MB |", best.peak_memory_kb / 1000);
    println!("| on disk, all tables, after merging | {} bytes an event |", bytes / best.events.max(1));
    Ok(())
}

struct Scan {
    seconds: f64,
    commits: u64,
    events: u64,
    peak_memory_kb: u64,
}

/// Runs `kubestats scan` and watches the memory of its own process.
fn scan(data: &Path, source: &Path) -> Result<Scan> {
    let mut child = Command::new(PROGRAM)
        .arg("scan")
        .arg("--json")
        .arg(source)
        .arg("--data")
        .arg(data)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut peak_memory_kb = 0;
    while child.try_wait()?.is_none() {
        peak_memory_kb = peak_memory_kb.max(high_water_mark(child.id()).unwrap_or_default());
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut text = String::new();
    child.stdout.take().ok_or("no output")?.read_to_string(&mut text)?;
    let summary: Value = serde_json::from_str(&text)?;
    let number = |value: &Value| value.as_u64().unwrap_or_default();
    let events = summary["events"].as_object().ok_or("no events")?;
    Ok(Scan {
        seconds: summary["seconds"].as_f64().ok_or("no seconds")?,
        commits: number(&summary["commits"]),
        events: events.values().map(number).sum(),
        peak_memory_kb,
    })
}

/// Kilobytes, as Linux tells them; `None` elsewhere, and when the process has just ended.
fn high_water_mark(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix("kB")?.trim().parse().ok())
}

fn mirror(data: &Path) -> Result<PathBuf> {
    let entries = fs::read_dir(data.join("mirrors"))?;
    let folders = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    folders.into_iter().find(|path| path.extension().is_some_and(|end| end == "git")).ok_or_else(|| "no mirror".into())
}

/// Git reads the history and every version of every YAML file once.
fn floor(mirror: &Path) -> Result<Duration> {
    let started = Instant::now();
    let mut log = git(
        mirror,
        &[
            "log",
            "--first-parent",
            "-m",
            "--raw",
            "-z",
            "--no-abbrev",
            "--no-renames",
            "--format=%H",
            "HEAD",
            "--",
            "*.yaml",
            "*.yml",
        ],
    )
    .stdout(Stdio::piped())
    .spawn()?;
    let mut blobs = Vec::new();
    let mut seen = HashSet::new();
    for record in BufReader::new(log.stdout.take().ok_or("no output")?).split(0) {
        let record = record?;
        let record = String::from_utf8_lossy(&record);
        // `:100644 100644 <before> <after> M`, after the last line of what stands before it.
        let Some(row) = record.lines().last().and_then(|line| line.strip_prefix(':')) else { continue };
        if let Some(blob) = row.split(' ').nth(3).filter(|blob| blob.bytes().any(|digit| digit != b'0'))
            && seen.insert(blob.to_owned())
        {
            blobs.push(blob.to_owned());
        }
    }
    log.wait()?;
    let mut reader =
        git(mirror, &["cat-file", "--batch", "--buffer"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut input = reader.stdin.take().ok_or("no input")?;
    let writer = std::thread::spawn(move || blobs.iter().try_for_each(|blob| writeln!(input, "{blob}")));
    std::io::copy(&mut reader.stdout.take().ok_or("no output")?, &mut std::io::sink())?;
    writer.join().map_err(|_| "the writer panicked")??;
    reader.wait()?;
    Ok(started.elapsed())
}

fn git(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command
        .arg("-C")
        .arg(directory)
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1");
    command
}

/// Bytes of all tables once ClickHouse has merged their parts.
fn engine_bytes(data: &Path) -> Result<u64> {
    let mut engine = Command::new(PROGRAM)
        .arg("engine")
        .arg("--data")
        .arg(data)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut line = String::new();
    BufReader::new(engine.stdout.take().ok_or("no output")?).read_line(&mut line)?;
    let client = kubestats::store::engine::client(&data.join("run/engine.sock"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let bytes = runtime.block_on(async {
        client.query_raw("OPTIMIZE TABLE resource_events FINAL").execute().await?;
        let sql = "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = currentDatabase()";
        client.query_raw(sql).fetch_one::<u64>().await
    });
    end(&mut engine)?;
    Ok(bytes?)
}

/// The engine ends when its stdin does.
fn end(engine: &mut Child) -> Result<()> {
    drop(engine.stdin.take());
    engine.wait()?;
    Ok(())
}

fn minimum(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

/// The largest repository of the corpus, or one made here: 4,000 commits to 400 HelmReleases.
fn source(folder: &Path) -> Result<PathBuf> {
    let corpus = PathBuf::from(CORPUS);
    if corpus.exists() {
        return Ok(corpus.canonicalize()?);
    }
    println!("(the corpus is not here: a made-up repository stands in)");
    let directory = folder.join("made-up");
    Command::new("git").args(["init", "--quiet", "--bare", "--initial-branch=main"]).arg(&directory).status()?;
    let mut import = git(&directory, &["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn()?;
    let mut stream = import.stdin.take().ok_or("no input")?;
    for commit in 0..4_000_u64 {
        let time = 1_600_000_000 + commit * 3_600;
        let (app, version) = (commit * 7 % 400, commit / 400);
        let content = format!(
            "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata:\n  name: app-{app}\n  namespace: default\nspec:\n  \
             chart:\n    spec:\n      chart: app-{app}\n      version: 1.{version}.{commit}\n  values:\n    env:\n{}",
            (0..40).map(|key| format!("      KEY_{key}: value-{app}-{key}\n")).collect::<String>()
        );
        writeln!(stream, "commit refs/heads/main\ncommitter A <a@example.org> {time} +0000\ndata 6\ncommit")?;
        writeln!(stream, "M 100644 inline apps/app-{app}/release.yaml\ndata {}\n{content}", content.len())?;
    }
    drop(stream);
    import.wait()?;
    Ok(directory)
}
