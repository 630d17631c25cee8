//! `completions`: the command line, for shells.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;

pub(super) fn completions(shell: Shell) -> String {
    let mut bytes = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "trendfetch", &mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}
