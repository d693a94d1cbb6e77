//! `kubestats config`: what is in force and why, and a file to begin with.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use comfy_table::presets;
use serde_json::json;

use super::terminal::{complain, printable};
use crate::config::{Config, DEFAULTS, Origin, Overrides, Report, Setting};

pub const HELP: &str = "\
Flags win over KUBESTATS_* variables, these over the file that --config or KUBESTATS_CONFIG names, and that over the \
defaults. A variable names a key by its path: KUBESTATS_SERVER__LISTEN sets server.listen.

Examples:
  kubestats config show
  kubestats config default > kubestats.toml
  KUBESTATS_QUERY__TIMEOUT_SECONDS=60 kubestats config show --json

Neither starts anything or creates a data directory.";

const SHOW_HELP: &str = "\
Prints every key with the value in force and where it was set: by default, by a line of a file, by a variable, or by a flag. \
A password is shown as ***. All that is wrong is told on stderr, one line each.

Examples:
  kubestats config show
  kubestats config show --json
  kubestats --data /tmp/kubestats config show

Exit status: 0 when the configuration is valid; 1 when something in it is wrong; 2 when the arguments are.";

const DEFAULT_HELP: &str = "\
Prints the file that documents every key with its default, to begin one's own with.

Examples:
  kubestats config default
  kubestats config default > kubestats.toml

Exit status: 0; 2 when the arguments are wrong.";

#[derive(Args)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print the configuration in force, and where each value was set
    #[command(after_long_help = SHOW_HELP)]
    Show {
        /// Print one JSON object: `settings` and `problems`
        #[arg(long)]
        json: bool,
    },
    /// Print the documented default file
    #[command(after_long_help = DEFAULT_HELP)]
    Default,
}

pub fn run(options: &Options, overrides: &Overrides) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    let json = match options.command {
        Command::Default => {
            out.write_all(DEFAULTS.as_bytes())?;
            return Ok(ExitCode::SUCCESS);
        }
        Command::Show { json } => json,
    };
    let report = Config::report(overrides);
    if json {
        writeln!(out, "{:#}", to_json(&report))?;
    } else {
        out.write_all(to_text(&report).as_bytes())?;
    }
    report.problems.iter().for_each(|problem| complain(&problem.to_string()));
    Ok(if report.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn to_text(report: &Report) -> String {
    let mut table = comfy_table::Table::new();
    table.load_preset(presets::NOTHING).set_header(["KEY", "VALUE", "SET BY"]);
    for setting in &report.settings {
        let value = match (setting.is_valid(), setting.value(), setting.explanation()) {
            (false, ..) => "(not valid)".to_owned(),
            (true, Some(value), Some(explanation)) => format!("{value} ({explanation})"),
            (true, Some(value), None) => value,
            (true, None, Some(explanation)) => format!("({explanation})"),
            (true, None, None) => "(not set)".to_owned(),
        };
        table.add_row([setting.key(), &printable(&value), &printable(&setting.origin().to_string())]);
    }
    table.trim_fmt() + "\n"
}

fn to_json(report: &Report) -> serde_json::Value {
    let setting = |setting: &Setting| {
        json!({
            "key": setting.key(),
            "value": setting.value(),
            "is_valid": setting.is_valid(),
            "is_secret": setting.is_secret(),
            "note": setting.explanation(),
            "origin": origin(setting.origin()),
        })
    };
    json!({
        "settings": report.settings.iter().map(setting).collect::<Vec<_>>(),
        "problems": report.problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn origin(origin: &Origin) -> serde_json::Value {
    match origin {
        Origin::Default => json!({ "type": "default" }),
        Origin::File { path, line } => json!({ "type": "file", "path": path.display().to_string(), "line": line }),
        Origin::Variable(name) => json!({ "type": "variable", "name": name }),
        Origin::Flag(name) => json!({ "type": "flag", "name": name }),
    }
}
