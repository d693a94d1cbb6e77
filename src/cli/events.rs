//! `kubestats events`: the stored events of one repository, in walk order.

use std::io::{BufWriter, Write};
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;

use super::terminal::printable;
use crate::app::App;
use crate::config::Config;
use crate::git;
use crate::store::query::{EventField, EventRecord, Events, Filter, Operator};

pub const HELP: &str = "\
Prints one line an event, the oldest first: time (UTC), commit, type, kind, namespace/name, path, and where it was before a \
move. Escape sequences in names and paths are shown, not sent. With --json a line is a list in ASCII: commit, seconds since \
1970, type, group, kind, namespace or null, name, path, ordinal among equals in the file, path before a move or null; a byte \
of a path that is not UTF-8 is the lone surrogate U+DC80 to U+DCFF.

Examples:
  kubestats events https://github.com/onedr0p/home-ops
  kubestats events --json ~/src/cluster | tail -n 20

Exit status: 0 when the events were printed; 1 when the repository was never scanned or the data cannot be read; 2 when the \
arguments are wrong.";

#[derive(Args)]
pub struct Options {
    /// The source as it was scanned: a path, a .bundle file or a URL
    #[arg(value_name = "SOURCE")]
    source: String,
    /// Print one JSON list a line: commit, time, type, group, kind, namespace, name, path, ordinal, path before
    #[arg(long)]
    json: bool,
}

pub async fn run(config: Config, options: Options) -> anyhow::Result<ExitCode> {
    let remotes = git::classify(&options.source)?;
    let app = App::open(config, "events").await?;
    let result = print_all(&app, &remotes, options.json).await;
    app.close().await;
    result.map(|()| ExitCode::SUCCESS)
}

async fn print_all(app: &App, remotes: &[git::Remote], json: bool) -> anyhow::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    for remote in remotes {
        let Some(repository) = app.reader.repository_by_alias(&remote.alias()?).await? else {
            bail!("{} was never scanned; run `kubestats scan` first", remote.url_without_credentials());
        };
        let filter = Filter::default().and(EventField::Repository, Operator::Equal(repository.id.to_string()));
        let snapshot = app.reader.snapshot().await?;
        for event in snapshot.fetch(&Events { filter, page: None }).await?.iter() {
            if json {
                writeln!(out, "{}", json_line(event)?)?;
            } else {
                writeln!(out, "{}", printable(&plain_line(event)))?;
            }
        }
    }
    out.flush()?;
    Ok(())
}

fn plain_line(event: &EventRecord) -> String {
    let time = chrono::DateTime::from_timestamp(event.time, 0).unwrap_or_default().format("%Y-%m-%d %H:%M:%S");
    let commit = event.commit.get(..10).unwrap_or(&event.commit);
    let namespace = if event.namespace.is_empty() { String::new() } else { format!("{}/", event.namespace) };
    let path = String::from_utf8_lossy(&event.path);
    let before =
        if event.moved { format!("  (from {})", String::from_utf8_lossy(&event.path_before)) } else { String::new() };
    format!(
        "{time}  {commit}  {:<8}  {} {namespace}{}  {path}{before}",
        event.event_type().as_str(),
        event.kind,
        event.name
    )
}

/// One event as a JSON list in ASCII. A byte of a path that is not UTF-8 is written as the lone surrogate U+DC80 + byte - 0x80,
/// so that the line gives the path back exactly.
fn json_line(event: &EventRecord) -> serde_json::Result<String> {
    let text = |text: &str| ascii(serde_json::to_string(text));
    let namespace = if event.namespace.is_empty() { "null".to_owned() } else { text(&event.namespace)? };
    let path_before = if event.moved { path(&event.path_before)? } else { "null".to_owned() };
    let fields = [
        text(&event.commit)?,
        event.time.to_string(),
        text(event.event_type().as_str())?,
        text(&event.group)?,
        text(&event.kind)?,
        namespace,
        text(&event.name)?,
        path(&event.path)?,
        event.ordinal.to_string(),
        path_before,
    ];
    Ok(format!("[{}]", fields.join(", ")))
}

fn path(bytes: &[u8]) -> serde_json::Result<String> {
    let mut line = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        let quoted = ascii(serde_json::to_string(chunk.valid()))?;
        line.push_str(quoted.trim_start_matches('"').strip_suffix('"').unwrap_or_default());
        line.extend(chunk.invalid().iter().map(|byte| format!("\\udc{byte:02x}")));
    }
    line.push('"');
    Ok(line)
}

/// Escapes what is not ASCII, as UTF-16.
fn ascii(json: serde_json::Result<String>) -> serde_json::Result<String> {
    let json = json?;
    if json.is_ascii() {
        return Ok(json);
    }
    let mut units = [0; 2];
    let escape = |c: char| match c {
        c if c.is_ascii() => c.to_string(),
        c => c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
    };
    Ok(json.chars().map(escape).collect())
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn paths_are_ascii_and_exact() {
        assert_eq!(path("a/ü\"😀.yaml".as_bytes()).unwrap(), r#""a/\u00fc\"\ud83d\ude00.yaml""#);
        assert_eq!(path(b"a\xff.yaml").unwrap(), r#""a\udcff.yaml""#);
        assert_eq!(path(b"\"x\"").unwrap(), r#""\"x\"""#);
    }
}
