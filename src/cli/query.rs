//! `kubestats query`: a GraphQL document from the shell.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use async_graphql::{Request, Variables};
use clap::{Args, ValueEnum};

use crate::app::App;
use crate::config::Config;
use crate::graphql;

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
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Json,
    Yaml,
}

pub async fn run(config: Config, options: Options) -> anyhow::Result<ExitCode> {
    let mut request = Request::new(document(&options)?);
    if let Some(variables) = &options.variables {
        let object: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(variables).context("--variables is no JSON object")?;
        request = request.variables(Variables::from_json(object.into()));
    }
    if let Some(operation) = options.operation {
        request = request.operation_name(operation);
    }
    let app = App::open(config, "query").await?;
    let schema = graphql::schema(app.reader.clone());
    let response = graphql::execute(&schema, &app.reader, request).await;
    app.close().await;
    let text = match options.format {
        Format::Json => serde_json::to_string_pretty(&response)? + "\n",
        Format::Yaml => serde_yaml::to_string(&response)?,
    };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(if response.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn document(options: &Options) -> anyhow::Result<String> {
    if let Some(document) = &options.document {
        return Ok(document.clone());
    }
    if let Some(file) = &options.file {
        return std::fs::read_to_string(file).with_context(|| file.display().to_string());
    }
    let mut document = String::new();
    std::io::stdin().read_to_string(&mut document).context("stdin")?;
    Ok(document)
}
