//! `kubestats query`: a GraphQL document from the shell.

mod rows;
mod selection;

use std::io::{IsTerminal, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use async_graphql::parser::parse_query;
use async_graphql::{Request, Response, ServerError, Value, Variables};
use clap::{Args, ValueEnum};

use super::terminal::complain;
use crate::app::App;
use crate::config::Config;
use crate::graphql;
use selection::Table;

pub const HELP: &str = "\
Prints the answer to stdout. Of json and yaml it is the whole answer with its errors. The other formats print the list it \
holds: the `nodes`, `edges` or `rows` of the one field that was asked for. What stands beside the list (totalCount, \
pageInfo) is left out; an answer without a list is one row.

  table  a column a field, in the order of the query; `repository { fullName }` is the column `repository.fullName`, a list \
inside a row is JSON in one column. Several lists are a table each. Escape sequences in the data are shown, not sent.
  csv    the same columns as in RFC 4180, a header first; one list. Text that a spreadsheet would run as a formula (it \
begins with = + - @) gets an apostrophe in front.
  jsonl  one row a line, as it stands in the answer; one list.

Examples:
  kubestats query '{ repositories { nodes { fullName resourceCount } } }'
  kubestats query --table '{ events(first: 10) {
    nodes { time type kind name repository { fullName } } } }'
  kubestats query --format csv '{ eventTrend(bucket: YEAR, groupBy: [KIND]) {
    rows { time series value } } }'
  kubestats query --format jsonl --variables '{\"kind\": \"HelmRelease\"}' \\
    'query($kind: String!) { resources(filter: {kind: {eq: $kind}}) {
    nodes { name path } } }'
  kubestats query --file playground/queries/02-latest-events.graphql
  echo '{ events { totalCount } }' | kubestats query --format yaml

`kubestats schema` prints what can be asked. While a server runs on the same data, it is asked through its engine.

Exit status: 0 when the answer has no errors; 1 when it has some (of table, csv and jsonl they stand on stderr as \
`kubestats: CODE: message`, and what was answered is printed nevertheless), or when the data cannot be read; 2 when the \
arguments are wrong.";

#[derive(Args)]
pub struct Options {
    /// The document; without it and without --file it is read from stdin
    #[arg(value_name = "DOCUMENT")]
    document: Option<String>,
    /// A file that holds the document
    #[arg(long, value_name = "FILE", conflicts_with = "document")]
    file: Option<PathBuf>,
    /// Variables as a JSON object
    #[arg(long, value_name = "JSON")]
    variables: Option<String>,
    /// The operation to run, when the document holds several
    #[arg(long, value_name = "NAME")]
    operation: Option<String>,
    /// How the answer is printed
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
    /// Short for --format table
    #[arg(long, conflicts_with = "format")]
    table: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Rows and columns for people, as wide as the terminal
    Table,
    /// Comma-separated values (RFC 4180) with a header
    Csv,
    /// One JSON object a row and line
    Jsonl,
    /// The whole answer as JSON
    Json,
    /// The whole answer as YAML
    Yaml,
}

pub async fn run(config: Config, options: Options) -> anyhow::Result<ExitCode> {
    let text = document(&options)?;
    let variables = match &options.variables {
        Some(variables) => {
            let object: serde_json::Map<String, serde_json::Value> =
                serde_json::from_str(variables).context("--variables is no JSON object")?;
            Variables::from_json(object.into())
        }
        None => Variables::default(),
    };
    let mut request = Request::new(&text).variables(variables.clone());
    if let Some(operation) = &options.operation {
        request = request.operation_name(operation);
    }
    let app = App::open(config, "query").await?;
    let schema = graphql::schema(None, app.limits());
    let response = graphql::execute(&schema, &app.api_reader(), request).await;
    app.close().await;
    let is_ok = response.is_ok();
    let mut out = std::io::stdout().lock();
    match if options.table { Format::Table } else { options.format } {
        Format::Json => out.write_all((serde_json::to_string_pretty(&response)? + "\n").as_bytes())?,
        Format::Yaml => out.write_all(serde_yaml::to_string(&response)?.as_bytes())?,
        format => {
            let tables = tables(&text, options.operation.as_deref(), &variables, &response);
            out.write_all(&print_rows(format, &tables, response.data, out.is_terminal())?)?;
            response.errors.iter().for_each(|error| complain(&line(error)));
        }
    }
    Ok(if is_ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The tables of the answer; none when the query was refused.
fn tables(text: &str, operation: Option<&str>, variables: &Variables, response: &Response) -> Vec<Table> {
    if response.data == Value::Null {
        return Vec::new();
    }
    let Ok(document) = parse_query(text) else { return Vec::new() };
    let operation = graphql::find_operation(&document, operation);
    operation.map(|operation| selection::tables(&document, operation, variables)).unwrap_or_default()
}

fn print_rows(format: Format, tables: &[Table], data: Value, is_terminal: bool) -> anyhow::Result<Vec<u8>> {
    let data = data.into_json()?;
    match (format, tables) {
        (_, []) => Ok(Vec::new()),
        (Format::Csv, [table]) => rows::to_csv(table, &data, is_terminal),
        (Format::Jsonl, [table]) => Ok(rows::to_json_lines(table, &data).into_bytes()),
        (Format::Csv | Format::Jsonl, tables) => {
            let lists: Vec<String> = tables.iter().map(Table::title).collect();
            bail!(
                "the answer holds several lists ({}), and this format has room for one: ask for one of them, or print all \
                 with --format table or json",
                lists.join(", ")
            )
        }
        (_, tables) => {
            let width = terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| width.0);
            let several = tables.len() > 1;
            let text = tables.iter().map(|table| match several {
                true => format!("{}\n{}", table.title(), rows::to_text(table, &data, width)),
                false => rows::to_text(table, &data, width),
            });
            Ok(text.collect::<Vec<_>>().join("\n").into_bytes())
        }
    }
}

/// `CODE: message`.
fn line(error: &ServerError) -> String {
    match error.extensions.as_ref().and_then(|extensions| extensions.get("code")) {
        Some(Value::String(code)) => format!("{code}: {}", error.message),
        _ => error.message.clone(),
    }
}

fn document(options: &Options) -> anyhow::Result<String> {
    let document = match (&options.document, &options.file) {
        (Some(document), _) => document.clone(),
        (None, Some(file)) => std::fs::read_to_string(file).with_context(|| file.display().to_string())?,
        (None, None) => {
            let mut stdin = std::io::stdin();
            if stdin.is_terminal() {
                bail!(
                    "no document: give one as the argument, by --file, or on stdin; `kubestats query --help` has examples"
                );
            }
            let mut document = String::new();
            stdin.read_to_string(&mut document).context("stdin")?;
            document
        }
    };
    if document.trim().is_empty() {
        bail!("the document is empty; `kubestats query --help` has examples");
    }
    Ok(document)
}
