//! `kubestats completions`: scripts that let a shell complete subcommands and options.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use clap_complete::Shell;

pub const HELP: &str = "\
Prints a script to stdout; it needs neither data nor configuration. Write it to where the shell looks, and open a new shell:

Examples:
  kubestats completions bash \\
    > ~/.local/share/bash-completion/completions/kubestats
  kubestats completions zsh > ~/.zfunc/_kubestats
  kubestats completions fish > ~/.config/fish/completions/kubestats.fish
  kubestats completions elvish > ~/.config/elvish/lib/kubestats.elv
  kubestats completions powershell > kubestats.ps1

The folder has to exist (`mkdir -p` makes it). zsh looks into ~/.zfunc when ~/.zshrc says `fpath+=~/.zfunc` before \
`compinit`; elvish needs `use kubestats` in its rc.elv, PowerShell `. path\\to\\kubestats.ps1` in its profile. For the shell \
that runs now: `source <(kubestats completions bash)`.

Exit status: 0; 2 when the shell is none of these.";

#[derive(Args)]
pub struct Options {
    /// The shell that shall complete
    #[arg(value_enum)]
    shell: Shell,
}

pub fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut visible(&super::command()), "kubestats", &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}

/// The command without what is hidden from people: the scripts would offer it.
fn visible(command: &clap::Command) -> clap::Command {
    let subcommands = command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set());
    clap::Command::new("kubestats")
        .version(env!("CARGO_PKG_VERSION"))
        .args(command.get_arguments().cloned())
        .subcommands(subcommands.cloned())
}
