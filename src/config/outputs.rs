//! What is written, where, and whether the options about it make sense together.

use std::io::{IsTerminal, stderr, stdout};
use std::path::Path;

use super::has_color;
use crate::cli::{RunArgs, When};
use crate::config::env::Env;
use crate::model::error::UsageError;
use crate::output::{Descriptor, FileOutput, Format, Outputs, StatsTo, StreamOutput, is_same_file};

/// # Errors
/// For the first option that is malformed, or about something that is not there.
pub(super) fn outputs(args: &RunArgs, env: &Env) -> Result<Outputs, UsageError> {
    let (files, streams) = targets(args)?;
    refuse_what_cannot_be(args, &files, &streams)?;
    let stats = if args.quiet {
        StatsTo::Nowhere
    } else if streams.iter().any(|stream| stream.descriptor.is_stdout()) {
        StatsTo::Stderr
    } else {
        StatsTo::Stdout
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
    let outputs = Outputs {
        files,
        streams,
        rows: args.rows.unwrap_or_default(),
        description: args.description,
        all_or_nothing: args.all_or_nothing,
        stats,
        color,
    };
    if let Some(key) = &args.api_key_file {
        refuse_to_overwrite(&outputs, key, "is the key file itself; name another file")?;
    }
    Ok(outputs)
}

/// # Errors
/// When an output leads to a file that the run reads, or keeps its history in.
pub(super) fn refuse_to_overwrite(outputs: &Outputs, path: &Path, why: &str) -> Result<(), UsageError> {
    let file =
        outputs.files.iter().find(|file| is_same_file(&file.path, path)).map(|file| file.path.display().to_string());
    let stream = || outputs.streams.iter().find(|stream| stream.descriptor.leads_to(path));
    match file.or_else(|| stream().map(|stream| stream.descriptor.to_string())) {
        Some(output) => Err(UsageError(format!("-o {output} {why}"))),
        None => Ok(()),
    }
}

/// The files, and the data on open descriptors.
fn targets(args: &RunArgs) -> Result<(Vec<FileOutput>, Vec<StreamOutput>), UsageError> {
    let typed = args.format.or(args.json.then_some(Format::Json));
    let (mut files, mut streams) = (Vec::<FileOutput>::new(), Vec::<StreamOutput>::new());
    for path in &args.output {
        let twice = |what: &str| Err(UsageError(format!("--output {} is given twice; {what}", path.display())));
        let format = Format::of_extension(path).or(typed);
        if let Some(descriptor) = Descriptor::named_by(path) {
            if streams.iter().any(|stream| stream.descriptor.number() == descriptor.number()) {
                return twice(&format!("{descriptor} takes the data once"));
            }
            streams.push(StreamOutput { descriptor, format: format.unwrap_or(Format::Json) });
            continue;
        }
        if files.iter().any(|file| is_same_file(&file.path, path)) {
            return twice("once is enough");
        }
        let format = format.unwrap_or_else(|| {
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
    if let Some(file) = files.iter().find(|file| streams.iter().any(|stream| stream.descriptor.leads_to(&file.path))) {
        let path = file.path.display();
        return Err(UsageError(format!(
            "--output {path} is given twice; a descriptor leads there too, name another file"
        )));
    }
    if let (Some(format), true) = (typed, args.output.is_empty()) {
        streams.push(StreamOutput { descriptor: Descriptor::stdout(), format });
    }
    Ok((files, streams))
}

fn refuse_what_cannot_be(args: &RunArgs, files: &[FileOutput], streams: &[StreamOutput]) -> Result<(), UsageError> {
    let formats = || files.iter().map(|file| file.format).chain(streams.iter().map(|stream| stream.format));
    let shows_bytes = |stream: &StreamOutput| stream.format == Format::Parquet && stream.descriptor.is_terminal();
    let fault = if !formats().all(Format::is_built) {
        "this trendfetch was built without Parquet; build it with --features parquet"
    } else if streams.iter().any(shows_bytes) {
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
