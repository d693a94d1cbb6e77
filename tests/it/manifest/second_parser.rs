//! Every version of every YAML file of real repositories, read by our reader and by a second one.
//!
//! * serde_yaml shares libyaml with us, so it accepts the same texts, but builds data by rules of its own, some of them traps
//!   (`by_serde_yaml` names each).
//! * saphyr shares nothing with us. It refuses more, but whatever it reads must be the same to the last character.
//!
//! What differs without a reason that stands here as code is a failure. The repositories lie where those of the reference of events do.

mod by_saphyr;
mod by_serde_yaml;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use kubestats::manifest::yaml::read;
use rayon::prelude::*;

use crate::golden;
use crate::support::repos::run_git;

/// What came of one file.
enum Outcome {
    /// The same data, or the same refusal.
    Equal,
    /// Different for a reason that is known.
    Explained(&'static str),
    /// What is different, or read by one of the two alone.
    Unexplained(String),
}

#[test]
fn second_parsers_read_the_same_data() {
    let Some(shared) = golden::shared_folder() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut seen = BTreeSet::new();
    let mut counts = BTreeMap::new();
    let mut unexplained = Vec::new();
    for name in golden::names(&shared, !cfg!(debug_assertions)) {
        let mirror = folder.path().join(&name);
        let bundle = shared.join("corpus").join(format!("{name}.bundle"));
        run_git(folder.path(), &["clone", "--quiet", "--bare", bundle.to_str().unwrap(), mirror.to_str().unwrap()]);
        let ids: Vec<String> = yaml_versions(&mirror).into_iter().filter(|id| seen.insert(id.clone())).collect();
        let mut blobs = Blobs::open(&mirror, &ids);
        while let Some(batch) = blobs.next_batch() {
            let outcomes: Vec<[(&str, Outcome); 2]> = batch.par_iter().map(|(_, bytes)| compare(bytes)).collect();
            for ((id, _), outcomes) in batch.iter().zip(outcomes) {
                for (parser, outcome) in outcomes {
                    let category = match outcome {
                        Outcome::Equal => "equal".to_owned(),
                        Outcome::Explained(why) => why.to_owned(),
                        Outcome::Unexplained(what) => {
                            unexplained.push(format!("{parser}: {what:.300} ({name} {id})"));
                            "unexplained".to_owned()
                        }
                    };
                    *counts.entry((parser, category)).or_insert(0_u64) += 1;
                }
            }
        }
    }
    eprintln!("{} versions of YAML files", seen.len());
    counts.iter().for_each(|((parser, category), count)| eprintln!("{parser}: {category}: {count}"));
    assert!(!seen.is_empty());
    unexplained.sort();
    assert!(unexplained.is_empty(), "{}:\n{}", unexplained.len(), unexplained[..unexplained.len().min(50)].join("\n"));
}

fn compare(bytes: &[u8]) -> [(&'static str, Outcome); 2] {
    let ours = read(bytes);
    let text = std::str::from_utf8(bytes);
    [("serde_yaml", by_serde_yaml::compare(&ours, text)), ("saphyr", by_saphyr::compare(&ours, text))]
}

/// The ids of all versions of YAML files in the history that is scanned.
fn yaml_versions(mirror: &Path) -> BTreeSet<String> {
    let arguments =
        ["log", "--first-parent", "-m", "--root", "--raw", "--no-abbrev", "--no-renames", "--format=", "HEAD", "--"];
    let log = run_git(mirror, &[&arguments[..], &["*.yaml", "*.yml"]].concat());
    let fields = log.lines().map(|line| line.split([' ', '\t']).collect::<Vec<_>>());
    fields.filter(|fields| fields[1].starts_with("100")).map(|fields| fields[3].to_owned()).collect()
}

/// The contents of blobs, batch by batch.
struct Blobs {
    git: std::process::Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Blobs {
    fn open(mirror: &Path, ids: &[String]) -> Self {
        let list = mirror.join("wanted");
        File::create(&list).unwrap().write_all(ids.join("\n").as_bytes()).unwrap();
        let mut git = Command::new("git")
            .arg("-C")
            .arg(mirror)
            .args(["cat-file", "--batch", "--buffer"])
            .stdin(File::open(list).unwrap())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(git.stdout.take().unwrap());
        Self { git, output }
    }

    fn next_batch(&mut self) -> Option<Vec<(String, Vec<u8>)>> {
        let batch: Vec<_> = std::iter::from_fn(|| self.next_blob()).take(2000).collect();
        if batch.is_empty() {
            assert!(self.git.wait().unwrap().success());
            return None;
        }
        Some(batch)
    }

    fn next_blob(&mut self) -> Option<(String, Vec<u8>)> {
        let mut header = String::new();
        self.output.read_line(&mut header).unwrap();
        let (id, rest) = header.trim_end().split_once(' ')?;
        let size: usize = rest.split_once(' ').unwrap().1.parse().unwrap();
        let mut bytes = vec![0; size + 1];
        self.output.read_exact(&mut bytes).unwrap();
        bytes.truncate(size);
        Some((id.to_owned(), bytes))
    }
}
