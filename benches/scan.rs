//! Reading whole histories, against git's own reading of the same blobs.

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::report::{Goal, Report};
use super::{PROGRAM, Result, machine, program, source};

/// The best of this many runs counts: other work on the machine only ever makes a run slower.
const RUNS: usize = 3;

/// Scans the largest repository, scans it again with nothing new, and has git read the same, in turn.
pub fn measure(folder: &Path, report: &mut Report) -> Result<()> {
    let source = source::largest(folder)?;
    let (mut scans, mut floors, mut rescans) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..RUNS {
        let data = folder.join(format!("scan-{run}"));
        scans.push(scan(&data, &source)?);
        floors.push(floor(&mirror(&data)?)?);
        rescans.push(scan(&data, &source)?.seconds);
        fs::remove_dir_all(&data)?;
    }
    let best = scans.iter().min_by(|a, b| a.seconds.total_cmp(&b.seconds)).ok_or("no run")?;
    let floor = floors.into_iter().min().ok_or("no run")?;
    let what =
        format!("scan of a whole history: {} commits, {} events; floor: git's own reading", best.commits, best.events);
    report.ratio(&what, Duration::from_secs_f64(best.seconds), floor, Goal::AtMost(3.0, ""));
    let rescan = rescans.into_iter().fold(f64::INFINITY, f64::min);
    report.value("rescan, nothing new", rescan * 1_000.0, "ms", Goal::AtMost(50.0, "ms"));
    let continued = continued(folder, &source)?;
    let what = format!("{NEW_COMMITS} new commits, from the fetched mirror to what readers see");
    report.value(&what, continued * 1_000.0, "ms", Goal::AtMost(200.0, "ms"));
    let peak = |kilobytes: u64| kilobytes as f64 / 1_000.0;
    report.value("peak memory of the scan, engine apart", peak(best.peak_kb), "MB", Goal::AtMost(600.0, "MB"));
    report.value("peak memory of the engine in the scan", peak(best.engine_peak_kb), "MB", Goal::None);
    let size = fs::metadata(PROGRAM)?.len() as f64 / 1e6;
    report.value("the program's file, line tables included", size, "MB", Goal::None);
    Ok(())
}

/// Commits of the first-parent history that a continuing scan finds new.
const NEW_COMMITS: u32 = 10;

/// Scans a history without its last commits, then with them: seconds of the second scan, the best of some.
fn continued(folder: &Path, source: &Path) -> Result<f64> {
    let (clone, data) = (folder.join("continued.git"), folder.join("continued"));
    let run = |arguments: &[&str]| -> Result<()> {
        let status = source::git(&clone, arguments).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        if status.success() { Ok(()) } else { Err(format!("git {arguments:?} failed").into()) }
    };
    fs::create_dir_all(&clone)?;
    run(&["init", "--bare", "--quiet"])?;
    let source = source.to_str().ok_or("a path that is no text")?;
    run(&["fetch", "--quiet", source, "HEAD:refs/heads/all"])?;
    run(&["symbolic-ref", "HEAD", "refs/heads/main"])?;
    let mut best = f64::INFINITY;
    for step in (0..RUNS as u32).rev() {
        // The first of these reads nearly everything.
        for back in [(step + 1) * NEW_COMMITS, step * NEW_COMMITS] {
            run(&["update-ref", "refs/heads/main", &format!("refs/heads/all~{back}")])?;
            let seconds = scan(&data, &clone)?.seconds;
            if back == step * NEW_COMMITS {
                best = best.min(seconds);
            }
        }
    }
    fs::remove_dir_all(&data)?;
    Ok(best)
}

/// Scans several repositories at once, and the same one after the other, in turn.
pub fn parallel(folder: &Path, report: &mut Report) -> Result<()> {
    let sources = source::several(folder)?;
    let sources: Vec<&Path> = sources.iter().map(PathBuf::as_path).collect();
    let (mut together, mut in_turn, mut peak_kb) = (Duration::MAX, Duration::MAX, 0);
    for run in 0..RUNS {
        for parallel in [2, 1] {
            let data = folder.join(format!("parallel-{run}-{parallel}"));
            let started = Instant::now();
            let ran = watch(&data, &sources, parallel)?;
            let time = started.elapsed();
            match parallel {
                1 => in_turn = in_turn.min(time),
                _ => (together, peak_kb) = (together.min(time), peak_kb.max(ran.peak_kb)),
            }
            fs::remove_dir_all(&data)?;
        }
    }
    let what = format!("{} repositories, two at a time; floor: one after the other", sources.len());
    report.ratio(&what, together, in_turn, Goal::AtMost(1.0, ""));
    report.value("peak memory of it, engine apart", peak_kb as f64 / 1_000.0, "MB", Goal::AtMost(600.0, "MB"));
    Ok(())
}

/// Scans everything once, for the questions.
pub fn all(data: &Path, source: &Path) -> Result<()> {
    let status = program("scan").arg("--json").arg(source).arg("--data").arg(data).stdout(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err("the scan failed".into()) }
}

struct Scan {
    seconds: f64,
    commits: u64,
    events: u64,
    peak_kb: u64,
    engine_peak_kb: u64,
}

fn scan(data: &Path, source: &Path) -> Result<Scan> {
    let Watched { printed, peak_kb, engine_peak_kb } = watch(data, &[source], 1)?;
    let summary: Value = serde_json::from_str(&printed)?;
    let number = |value: &Value| value.as_u64().unwrap_or_default();
    let events = summary["events"].as_object().ok_or("no events")?;
    Ok(Scan {
        seconds: summary["seconds"].as_f64().ok_or("no seconds")?,
        commits: number(&summary["commits"]),
        events: events.values().map(number).sum(),
        peak_kb,
        engine_peak_kb,
    })
}

struct Watched {
    printed: String,
    peak_kb: u64,
    engine_peak_kb: u64,
}

/// Runs `kubestats scan` and watches its memory and its engine's.
fn watch(data: &Path, sources: &[&Path], parallel: usize) -> Result<Watched> {
    let mut command = program("scan");
    command.arg("--json").args(sources).arg("--data").arg(data).args(["--parallel", &parallel.to_string()]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let (mut peak_kb, mut engine_peak_kb, mut engine) = (0, 0, None);
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        engine = engine.or_else(|| machine::engine_of(child.id()));
        let of = |process| machine::memory_kb(process, "VmHWM").unwrap_or_default();
        peak_kb = peak_kb.max(of(child.id()));
        engine_peak_kb = engine_peak_kb.max(engine.map(of).unwrap_or_default());
        std::thread::sleep(Duration::from_millis(5));
    };
    if !status.success() {
        return Err("the scan failed".into());
    }
    let mut printed = String::new();
    child.stdout.take().ok_or("no output")?.read_to_string(&mut printed)?;
    Ok(Watched { printed, peak_kb, engine_peak_kb })
}

fn mirror(data: &Path) -> Result<PathBuf> {
    let entries = fs::read_dir(data.join("mirrors"))?;
    let mut folders = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    folders.find(|path| path.extension().is_some_and(|end| end == "git")).ok_or_else(|| "no mirror".into())
}

/// Git reads the history and every version of every YAML file once.
fn floor(mirror: &Path) -> Result<Duration> {
    let started = Instant::now();
    let arguments = "log --first-parent -m --raw -z --no-abbrev --no-renames --format=%H HEAD -- *.yaml *.yml";
    let arguments: Vec<&str> = arguments.split(' ').collect();
    let mut log = source::git(mirror, &arguments).stdout(Stdio::piped()).spawn()?;
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
    let mut reader = source::git(mirror, &["cat-file", "--batch", "--buffer"]);
    let mut reader = reader.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut input = reader.stdin.take().ok_or("no input")?;
    let writer = std::thread::spawn(move || blobs.iter().try_for_each(|blob| writeln!(input, "{blob}")));
    std::io::copy(&mut reader.stdout.take().ok_or("no output")?, &mut std::io::sink())?;
    writer.join().map_err(|_| "the writer panicked")??;
    reader.wait()?;
    Ok(started.elapsed())
}
