//! What a scan did and what the repository holds now, on stdout.

use std::io::Write;

use indicatif::HumanCount;

use crate::cli::terminal::printable;
use crate::pipeline::Summary;
use crate::store::query::KindCount;

/// One line of JSON, for programs.
pub(super) fn print_json(source: &str, summary: &Summary, kinds: &[KindCount]) -> std::io::Result<()> {
    writeln!(std::io::stdout().lock(), "{}", to_json(source, summary, kinds))
}

fn to_json(source: &str, summary: &Summary, kinds: &[KindCount]) -> serde_json::Value {
    let totals = summary.checkpoint.totals;
    let kinds = kinds
        .iter()
        .map(|kind| serde_json::json!({ "group": kind.group, "kind": kind.kind, "resources": kind.resources }));
    serde_json::json!({
        "source": source,
        "repository": summary.repository.full_name(),
        "head": summary.checkpoint.head.commit,
        "branch": summary.repository.profile.default_branch,
        "commits": totals.commits,
        "events": { "CREATED": totals.created, "MODIFIED": totals.modified, "DELETED": totals.deleted },
        "moved": totals.moved,
        "resources": totals.resources,
        "files": totals.files,
        "kinds": kinds.collect::<Vec<_>>(),
        "unparsable_versions": totals.unparsable_versions,
        "added": {
            "commits": summary.added.commits,
            "events": summary.added.events,
            "unparsable_versions": summary.added.unparsable_versions,
        },
        "rebuilt": summary.rebuilt,
        "seconds": (summary.duration.as_secs_f64() * 1000.0).round() / 1000.0,
    })
}

/// Kinds that a summary lists before it says how many more there are.
const LISTED_KINDS: usize = 12;

/// Some lines, for people.
pub(super) fn print(source: &str, summary: &Summary, kinds: &[KindCount]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let totals = summary.checkpoint.totals;
    let head = &summary.checkpoint.head;
    let seconds = summary.duration.as_secs_f64();
    writeln!(out, "{}  {}", printable(&summary.repository.full_name()), printable(source))?;
    let commit = head.commit.get(..10).unwrap_or(&head.commit);
    writeln!(
        out,
        "  head        {} at {commit}  {}",
        printable(&summary.repository.profile.default_branch),
        printable(&head.subject)
    )?;
    writeln!(out, "  commits     {} that touch YAML", HumanCount(totals.commits))?;
    writeln!(
        out,
        "  events      {} created, {} modified ({} of them moves), {} deleted",
        HumanCount(totals.created),
        HumanCount(totals.modified),
        HumanCount(totals.moved),
        HumanCount(totals.deleted)
    )?;
    writeln!(out, "  resources   {} alive in {} files", HumanCount(totals.resources), HumanCount(totals.files))?;
    for kind in kinds.iter().take(LISTED_KINDS) {
        let group = if kind.group.is_empty() { "core" } else { &kind.group };
        writeln!(out, "              {:>6} {}  {}", kind.resources, printable(&kind.kind), printable(group))?;
    }
    if let Some(more) = kinds.len().checked_sub(LISTED_KINDS).filter(|more| *more > 0) {
        writeln!(out, "              and {more} kinds more")?;
    }
    writeln!(out, "  unparsable  {} versions of files", HumanCount(totals.unparsable_versions))?;
    let added = &summary.added;
    if added.commits == 0 {
        writeln!(out, "  nothing new since the last scan  ({seconds:.2} s)")?;
    } else {
        let rebuilt = if summary.rebuilt { ", read again from the root" } else { "" };
        let rate = added.commits as f64 / seconds.max(0.001);
        writeln!(
            out,
            "  this scan   {} commits and {} events in {seconds:.2} s, {} commits/s{rebuilt}",
            HumanCount(added.commits),
            HumanCount(added.events),
            HumanCount(rate as u64)
        )?;
    }
    writeln!(out)
}
