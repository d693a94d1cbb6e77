//! Speed as ratios against floors that are measured in the same run: `make bench`.
//!
//! Absolute times depend on the machine and on what else it does; a ratio against a floor measured in turn with the value
//! does so much less. Arguments pick parts (`cargo bench --bench ratios -- pages trend`); `--large` asks the questions of 25
//! million events instead of two. `docs/benchmarks.md` says what each floor is and keeps the table.

// Resolvers are futures in futures, as deep as the schema.
#![recursion_limit = "256"]

mod dashboards;
mod engine;
mod http;
mod insert;
mod machine;
mod many;
mod pages;
mod report;
mod scan;
mod source;
mod trend;

use std::error::Error;
use std::process::Command;

use report::Report;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const PROGRAM: &str = env!("CARGO_BIN_EXE_kubestats");
const PARTS: [&str; 8] = ["scan", "parallel", "insert", "dashboards", "pages", "trend", "http", "many"];
/// Those that ask of copies of the corpus.
const OF_COPIES: [&str; 5] = ["insert", "dashboards", "pages", "trend", "http"];
/// Copies of the corpus's events that the engine makes of them.
const COPIES: u32 = 10;
const MANY_COPIES: u32 = 141;

/// The program, with a subcommand.
fn program(subcommand: &str) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg(subcommand);
    command
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let copies = if arguments.iter().any(|argument| argument == "--large") { MANY_COPIES } else { COPIES };
    // Cargo adds `--bench`.
    let picked: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with("--")).collect();
    if let Some(unknown) = picked.iter().find(|part| !PARTS.contains(&part.as_str())) {
        return Err(format!("{unknown} is no part; there are {}", PARTS.join(", ")).into());
    }
    let wants = |part: &str| picked.is_empty() || picked.iter().any(|name| *name == part);

    let folder = tempfile::tempdir()?;
    let runtime = tokio::runtime::Runtime::new()?;
    let mut report = Report::default();
    println!("{}\n", machine::description()?);
    if wants("scan") {
        scan::measure(folder.path(), &mut report)?;
    }
    if wants("parallel") {
        scan::parallel(folder.path(), &mut report)?;
    }
    if PARTS[2..].iter().any(|part| wants(part)) {
        let data = folder.path().join("data");
        scan::all(&data, &source::all(folder.path())?)?;
        runtime.block_on(async {
            if OF_COPIES.iter().any(|part| wants(part)) {
                let engine = engine::Engine::start(&data).await?;
                if wants("insert") {
                    insert::measure(&engine, &mut report).await?;
                }
                if wants("dashboards") {
                    dashboards::measure(&engine, "the corpus", &mut report).await?;
                }
                engine.multiply(copies, &mut report).await?;
                if wants("dashboards") {
                    dashboards::measure(&engine, "its copies", &mut report).await?;
                }
                if wants("pages") {
                    pages::measure(&engine, &mut report).await?;
                }
                if wants("trend") {
                    trend::measure(&engine, &mut report).await?;
                }
                engine.stop().await;
                if wants("http") {
                    http::measure(&data, &mut report).await?;
                }
            }
            if wants("many") {
                let engine = engine::Engine::start(&data).await?;
                many::measure(&engine, &mut report).await?;
                engine.stop().await;
            }
            Result::Ok(())
        })?;
    }
    println!("{report}");
    Ok(())
}
