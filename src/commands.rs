//! What is no run: tables and texts that the program prints about itself.

use std::fmt::Write as _;

use clap::CommandFactory;

use crate::cli::{Cli, Command};
use crate::output;
use crate::region::{self, Region};

/// The text of a command.
///
/// # Errors
/// When the man page cannot be rendered.
pub fn text(command: &Command) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    match command {
        Command::Regions => return Ok(regions()),
        Command::Schema => return Ok(output::SCHEMA.to_owned()),
        Command::Completions { shell } => {
            clap_complete::generate(*shell, &mut Cli::command(), "trendfetch", &mut bytes)
        }
        // The renderer gives no text to an option that -h hides.
        Command::Man => {
            let shown = Cli::command().mut_args(|argument| argument.hide_short_help(false));
            clap_mangen::Man::new(shown).render(&mut bytes)?;
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn regions() -> String {
    let mut text = format!("{:<4}  {:<22}  {:<8}  {}\n", "Code", "Name", "Language", "Search configuration");
    for region in Region::all() {
        let language = region.language();
        let _ =
            writeln!(text, "{region:<4}  {:<22}  {language:<8}  {}", region.name(), region::search_config(language));
    }
    for (name, codes) in region::SETS {
        let _ = writeln!(text, "\n{name}: {}", codes.join(","));
    }
    text
}
