//! What is written, where, and whether the options about it make sense together.

use std::io::{IsTerminal, stderr, stdout};

use super::has_color;
use crate::cli::{RunArgs, When};
use crate::env::Env;
use crate::error::UsageError;
use crate::output::{FileOutput, Format, Outputs, StatsTo, is_same_file};

/// # Errors
/// For the first option that is malformed, or about something that is not there.
pub(super) fn outputs(args: &RunArgs, env: &Env) -> Result<Outputs, UsageError> {
    let (files, data) = targets(args)?;
    refuse_what_cannot_be(args, &files, data)?;
    let stats = match (args.quiet, data) {
        (true, _) => StatsTo::Nowhere,
        (false, Some(_)) => StatsTo::Stderr,
        (false, None) => StatsTo::Stdout,
    };
    let is_terminal = match stats {
        StatsTo::Stdout => stdout().is_terminal(),
        StatsTo::Stderr => stderr().is_terminal(),
        StatsTo::Nowhere => false,
    };
    let color = match args.color {
        When::Always => true,
        When::Never => false,
        When::Auto => has_color(is_terminal, env)?,
    };
    Ok(Outputs {
        files,
        stdout: data,
        rows: args.rows.unwrap_or_default(),
        description: args.description,
        all_or_nothing: args.all_or_nothing,
        stats,
        color,
    })
}

/// The files, and what standard output takes besides the stats.
fn targets(args: &RunArgs) -> Result<(Vec<FileOutput>, Option<Format>), UsageError> {
    let typed = args.format.or(args.json.then_some(Format::Json));
    let (mut files, mut data) = (Vec::<FileOutput>::new(), None);
    for path in &args.output {
        if path.as_os_str() == "-" {
            if data.replace(typed.unwrap_or(Format::Json)).is_some() {
                return Err(UsageError("--output - is given twice; standard output takes the data once".into()));
            }
            continue;
        }
        if files.iter().any(|file| is_same_file(&file.path, path)) {
            return Err(UsageError(format!("--output {} is given twice; once is enough", path.display())));
        }
        let format = Format::of_extension(path).or(typed).unwrap_or_else(|| {
            if path.extension().is_some() {
                tracing::warn!(
                    "the extension of {} names no format, so it will hold JSON; --format chooses another",
                    path.display()
                );
            }
            Format::Json
        });
        files.push(FileOutput { path: path.clone(), format });
    }
    Ok((files, if args.output.is_empty() { typed } else { data }))
}

fn refuse_what_cannot_be(args: &RunArgs, files: &[FileOutput], data: Option<Format>) -> Result<(), UsageError> {
    let formats = || files.iter().map(|file| file.format).chain(data);
    let is_key = |file: &FileOutput| args.api_key_file.as_deref().is_some_and(|key| is_same_file(&file.path, key));
    if let Some(file) = files.iter().find(|file| is_key(file)) {
        return Err(UsageError(format!("-o {} is the key file itself; name another file", file.path.display())));
    }
    let fault = if !formats().all(Format::is_built) {
        "this trendfetch was built without Parquet; build it with --features parquet"
    } else if data == Some(Format::Parquet) && stdout().is_terminal() {
        "Parquet is not for a terminal; add -o trends.parquet, or -o FOLDER/"
    } else if args.rows.is_some() && !formats().any(Format::has_rows) {
        "--rows is for ndjson and csv; add --format ndjson or --format csv"
    } else if args.all_or_nothing && files.is_empty() {
        "--all-or-nothing is about files; add -o FILE"
    } else {
        return Ok(());
    };
    Err(UsageError(fault.into()))
}
