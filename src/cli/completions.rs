//! `completions`: what a shell needs to complete the program's arguments.

use clap::{Args, ValueEnum as _};
use clap_complete::Shell;
use serde_json::json;

use crate::headless::Failure;

/// Print completions for a shell
///
/// Printed to stdout; where they belong:
///
///   bash        pointsman completions bash > ~/.local/share/bash-completion/completions/pointsman
///   zsh         pointsman completions zsh > ~/.zfunc/_pointsman   # a folder of $fpath
///   fish        pointsman completions fish > ~/.config/fish/completions/pointsman.fish
///   elvish      pointsman completions elvish >> ~/.config/elvish/rc.elv
///   powershell  pointsman completions powershell >> $PROFILE
#[derive(Debug, Clone, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
    /// Print it as one JSON document
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &CompletionsArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::shown(), super::NAME, &mut script);
    let script = String::from_utf8_lossy(&script);
    if !args.json {
        return super::print(&script);
    }
    let shell = args.shell.to_possible_value();
    let shell = shell.as_ref().map(clap::builder::PossibleValue::get_name);
    let document = json!({ "shell": shell, "script": script });
    super::print(&super::document(&document, "the completions")?)
}
