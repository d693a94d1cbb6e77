//! Repositories to read: the corpus where it lies beside the checkout, else one made here.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Result;

/// Names another folder of bundles. The program itself would refuse a variable of its own prefix that it does not know.
const VARIABLE: &str = "BENCH_CORPUS";
const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus");
const SEVERAL: usize = 8;
const LARGEST: &str = "onedr0p--home-ops.bundle";

/// Everything there is to read: a folder of bundles or one repository.
pub fn all(folder: &Path) -> Result<PathBuf> {
    match corpus() {
        Some(corpus) => Ok(corpus),
        None => made_up(folder),
    }
}

/// The largest repository.
pub fn largest(folder: &Path) -> Result<PathBuf> {
    match corpus() {
        Some(corpus) => Ok(corpus.join(LARGEST)),
        None => made_up(folder),
    }
}

/// Eight repositories: of the corpus those but the three largest, else copies of one.
pub fn several(folder: &Path) -> Result<Vec<PathBuf>> {
    let Some(corpus) = corpus() else {
        let copies = folder.join("copies");
        std::fs::create_dir_all(&copies)?;
        let original = made_up(folder)?;
        let copy = |index: usize| {
            let copy = copies.join(format!("{index}.git"));
            Command::new("git").args(["clone", "--quiet", "--bare"]).arg(&original).arg(&copy).status()?;
            Ok(copy)
        };
        return (0..SEVERAL).map(copy).collect();
    };
    let mut bundles: Vec<(u64, PathBuf)> = Vec::new();
    for entry in std::fs::read_dir(corpus)? {
        let entry = entry?;
        bundles.push((entry.metadata()?.len(), entry.path()));
    }
    bundles.sort();
    Ok(bundles.into_iter().take(SEVERAL).map(|(_, path)| path).collect())
}

fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os(VARIABLE).map_or_else(|| CORPUS.into(), PathBuf::from);
    folder.canonicalize().ok().filter(|folder| folder.join(LARGEST).exists())
}

pub fn git(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command
        .arg("-C")
        .arg(directory)
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1");
    command
}

/// 4,000 commits to 400 HelmReleases.
fn made_up(folder: &Path) -> Result<PathBuf> {
    let directory = folder.join("made-up");
    if directory.exists() {
        return Ok(directory);
    }
    println!("(the corpus is not here: a made-up repository stands in)");
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
