//! Bringing a mirror up to date: ask for the default branch, create the mirror, fetch.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use super::command::Git;
use super::connection::{ANSWER_MEMORY, Connection};
use super::error::GitError;
use super::fetch::FetchProgress;
use super::housekeeping::{combine_packs, pack_bytes, remove_leftovers};
use super::id::CommitId;
use super::mirror::Mirror;
use super::remote::Remote;

/// Its lock keeps others from writing to a mirror.
const LOCK_FILE: &str = "kubestats-lock";

/// A branch and the commit it names.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Tip {
    branch: String,
    commit: CommitId,
}

/// Everything that [`Mirror::sync`] does.
pub(super) fn sync(
    directory: &Path,
    connection: &Connection<'_>,
    progress: &mut dyn FnMut(FetchProgress),
) -> Result<Mirror, GitError> {
    let name = &connection.name;
    if connection.remote.is_shallow_path() {
        return Err(GitError::Shallow { name: name.clone() });
    }
    let tip = default_branch(connection)?;
    if let Some(mirror) = up_to_date(directory, name, &tip) {
        return Ok(mirror);
    }
    let _lock = lock(directory, connection)?;
    create(directory, &tip)?;
    remove_leftovers(directory)?;
    make_way(directory, &tip.branch)?;
    if let Err(error) = fetch(directory, connection, &tip.branch, progress) {
        remove_leftovers(directory)?;
        return Err(error);
    }
    let mut git = Git::in_mirror(directory, "symbolic-ref");
    git.arguments(["HEAD", &format!("refs/heads/{}", tip.branch)]);
    git.output()?;
    combine_packs(directory)?;
    Mirror::open_as(directory, name)
}

/// The mirror, when it has the remote's newest commit already.
fn up_to_date(directory: &Path, name: &str, tip: &Tip) -> Option<Mirror> {
    let mirror = directory.join("HEAD").exists().then(|| Mirror::open_as(directory, name).ok())??;
    let head = mirror.head();
    (head.branch == tip.branch && head.commit == tip.commit).then_some(mirror)
}

/// The remote's default branch: what its HEAD points to; else (a bundle, a detached HEAD) a branch with HEAD's commit,
/// `main` and `master` before others; else `main` or `master`.
fn default_branch(connection: &Connection<'_>) -> Result<Tip, GitError> {
    // A bundle holds no symbolic HEAD, and is asked for its branches at once.
    if !matches!(connection.remote, Remote::Bundle(_)) {
        let answer = ask(connection, &["HEAD"])?;
        if let Some(tip) = symbolic_head(&answer) {
            return Ok(tip);
        }
    }
    let answer = ask(connection, &[])?;
    let branches = branches(&answer);
    if branches.is_empty() {
        let name = connection.name.clone();
        return Err(match connection.remote {
            // Git makes no empty bundles: this one is cut off inside its list, or was made of tags.
            Remote::Bundle(_) => GitError::Bundle { name, line: "it names no branch".to_owned() },
            Remote::Url(_) if !speaks_git(connection)? => GitError::NoGit { name },
            _ => GitError::Empty { name },
        });
    }
    let head = references(&answer).find(|(name, _)| *name == "HEAD").map(|(_, id)| id);
    let rank = |tip: &&Tip| match tip.branch.as_str() {
        "main" => 0,
        "master" => 1,
        _ => 2,
    };
    let at_head = branches.iter().filter(|tip| Some(tip.commit) == head).min_by_key(rank);
    let usual = branches.iter().filter(|tip| rank(tip) < 2).min_by_key(rank);
    at_head.or(usual).cloned().ok_or_else(|| GitError::NoDefaultBranch { name: connection.name.clone() })
}

/// Whether the server of a repository without branches answers in Git's protocol. Git takes any other text for the list of branches that
/// a server of plain files would keep, and finds none in it.
fn speaks_git(connection: &Connection<'_>) -> Result<bool, GitError> {
    let mut git = question(connection, &[]);
    git.environment("GIT_TRACE_PACKET", "1");
    let (_, messages) = connection.run_with_messages(git, &mut |_| (), || 0)?;
    Ok(messages.iter().any(|line| line.contains("packet:")))
}

/// `git ls-remote --symref`: lines `<id> TAB <name>`, and `ref: <target> TAB <name>` for symbolic ones.
fn ask(connection: &Connection<'_>, patterns: &[&str]) -> Result<String, GitError> {
    let answer = connection.run(question(connection, patterns), &mut |_| (), || 0)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn question(connection: &Connection<'_>, patterns: &[&str]) -> Git {
    let mut git = Git::without_repository("ls-remote", connection.protocols).within(ANSWER_MEMORY);
    git.arguments(["--symref", "--quiet"]);
    connection.configure(&mut git);
    git.argument("--").argument(&connection.operand).arguments(patterns);
    git
}

fn symbolic_head(answer: &str) -> Option<Tip> {
    let target = answer.lines().find_map(|line| line.strip_prefix("ref: ")?.strip_suffix("\tHEAD"))?;
    let (_, commit) = references(answer).find(|(name, _)| *name == "HEAD")?;
    let branch = branch_name(target)?;
    Some(Tip { branch, commit })
}

fn references(answer: &str) -> impl Iterator<Item = (&str, CommitId)> {
    answer.lines().filter_map(|line| {
        let (id, name) = line.split_once('\t')?;
        Some((name, id.parse().ok()?))
    })
}

fn branches(answer: &str) -> Vec<Tip> {
    let tip = |(name, commit)| branch_name(name).map(|branch| Tip { branch, commit });
    references(answer).filter_map(tip).collect()
}

/// The branch of a full name; none when the name could mean something else in a refspec (git forbids such names).
fn branch_name(reference: &str) -> Option<String> {
    let branch = reference.strip_prefix("refs/heads/")?;
    let forbidden = |character: char| character.is_control() || " :*?[\\^~\u{fffd}".contains(character);
    (!branch.is_empty() && !branch.contains(forbidden)).then(|| branch.to_owned())
}

/// Waits until no other process of ours writes to the mirror. The lock ends with the file's closing.
fn lock(directory: &Path, connection: &Connection<'_>) -> Result<File, GitError> {
    let doing = || format!("locking {}", directory.display());
    fs::create_dir_all(directory).map_err(GitError::io(doing()))?;
    let file = File::create(directory.join(LOCK_FILE)).map_err(GitError::io(doing()))?;
    loop {
        connection.go_on()?;
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(fs::TryLockError::Error(cause)) => return Err(GitError::io(doing())(cause)),
            Err(fs::TryLockError::WouldBlock) if connection.is_out_of_time() => {
                return Err(GitError::Busy { name: connection.name.clone(), directory: directory.to_owned() });
            }
            Err(fs::TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// Everything that [`Mirror::remove`] does.
pub(super) fn remove(directory: &Path) -> Result<bool, GitError> {
    let doing = || format!("removing {}", directory.display());
    let lock = match File::create(directory.join(LOCK_FILE)) {
        Ok(lock) => lock,
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(true),
        Err(cause) => return Err(GitError::io(doing())(cause)),
    };
    match lock.try_lock() {
        Ok(()) => fs::remove_dir_all(directory).map(|()| true).map_err(GitError::io(doing())),
        Err(fs::TryLockError::WouldBlock) => Ok(false),
        Err(fs::TryLockError::Error(cause)) => Err(GitError::io(doing())(cause)),
    }
}

/// Makes the bare repository; one that was begun and cut short is completed.
fn create(directory: &Path, tip: &Tip) -> Result<(), GitError> {
    let parts = ["HEAD", "config", "objects", "refs"];
    if parts.iter().all(|part| directory.join(part).exists()) {
        return Ok(());
    }
    let format = if tip.commit.as_bytes().len() == 32 { "sha256" } else { "sha1" };
    let mut git = Git::in_mirror(directory, "init");
    git.arguments(["--bare", "--quiet", "--template="]);
    git.argument(format!("--object-format={format}"));
    git.argument(format!("--initial-branch={}", tip.branch));
    git.output().map(drop)
}

/// Deletes branches whose name cannot stand beside the new one (`a` and `a/b`): the default branch was renamed. Their
/// commits stay, since nothing is ever pruned.
fn make_way(directory: &Path, branch: &str) -> Result<(), GitError> {
    let mut git = Git::in_mirror(directory, "for-each-ref");
    git.arguments(["--format=%(refname:lstrip=2)", "refs/heads/"]);
    let answer = String::from_utf8_lossy(&git.output()?).into_owned();
    let inside = |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'));
    for old in answer.lines().filter(|old| inside(old, branch) || inside(branch, old)) {
        let mut git = Git::in_mirror(directory, "update-ref");
        git.arguments(["-d", &format!("refs/heads/{old}")]);
        git.output()?;
    }
    Ok(())
}

fn fetch(
    directory: &Path,
    connection: &Connection<'_>,
    branch: &str,
    progress: &mut dyn FnMut(FetchProgress),
) -> Result<(), GitError> {
    let mut git = Git::fetching(directory, "fetch", connection.protocols);
    git.arguments(["--progress", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance"]);
    git.arguments(["--no-recurse-submodules", "--no-prune", "--refmap="]);
    connection.configure(&mut git);
    // Always a pack, never loose objects: they would pile up where no garbage is collected.
    git.configuration("fetch.unpackLimit", "1");
    git.argument("--").argument(&connection.operand);
    git.argument(format!("+refs/heads/{branch}:refs/heads/{branch}"));
    let before = pack_bytes(directory);
    let fetched = connection.run(git, progress, || pack_bytes(directory).saturating_sub(before));
    match fetched {
        Err(GitError::Fetch { line, .. } | GitError::Bundle { line, .. }) if line.contains("mismatched algorithms") => {
            Err(GitError::ObjectFormat { name: connection.name.clone(), directory: directory.to_owned() })
        }
        fetched => fetched.map(drop),
    }
}
