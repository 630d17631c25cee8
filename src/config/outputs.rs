//! Reads the options about outputs, and checks that they make sense together.

use std::io::{IsTerminal, stderr, stdout};
use std::path::{Path, PathBuf};

use supports_hyperlinks::supports_hyperlinks;

use super::file_name::FileName;
use super::object_storage::ObjectStorage;
use super::use_color;
use crate::bucket::Patience;
use crate::cli::{ExportArgs, RunArgs, TerminalArgs};
use crate::config::env::Env;
use crate::model::category::ChartCategory;
use crate::model::error::UsageError;
use crate::output::logging::LogFormat;
use crate::output::{
    FileDescriptor, FileOutput, Format, OutputConfig, Place, RowKind, StatsTarget, StreamOutput, is_same_file,
};

/// The options about outputs, of a run or of `export`.
struct OutputOptions<'a> {
    format: Option<Format>,
    output: &'a [PathBuf],
    rows: Option<RowKind>,
    description: bool,
    csv_bom: bool,
    all_or_nothing: bool,
}

/// Resolves the outputs of a run.
///
/// # Errors
/// For the first option that is malformed or does not apply.
pub(super) fn resolve(
    args: &RunArgs,
    categories: &[ChartCategory],
    terminal: &TerminalArgs,
    env: &Env,
    storage: &mut ObjectStorage<'_>,
) -> Result<OutputConfig, UsageError> {
    let options = OutputOptions {
        format: args.format.or(args.json.then_some(Format::Json)),
        output: &args.output,
        rows: args.rows,
        description: args.description,
        csv_bom: args.csv_bom,
        all_or_nothing: args.all_or_nothing,
    };
    let outputs = resolve_options(&options, categories, terminal, env, storage)?;
    if categories.len() > 1 {
        check_several(&outputs)?;
    }
    if let Some(key) = &args.api_key_file {
        check_not_overwritten(&outputs, key, "is the key file itself; name another file")?;
    }
    Ok(outputs)
}

/// Resolves the outputs of `export`.
///
/// # Errors
/// For the first option that is malformed or does not apply.
pub(super) fn resolve_export(
    args: &ExportArgs,
    terminal: &TerminalArgs,
    env: &Env,
) -> Result<OutputConfig, UsageError> {
    let options = OutputOptions {
        format: args.format,
        output: &args.output,
        rows: args.rows,
        description: args.description,
        csv_bom: args.csv_bom,
        all_or_nothing: false,
    };
    let categories = args.categories()?;
    if let (Some(path), None) = (args.output.iter().find(|path| has_category(path)), &categories) {
        return Err(UsageError(format!(
            "-o {} has a place for the name of a category; name the categories, for example: --category all,every",
            path.display()
        )));
    }
    let mut storage = ObjectStorage::new(env, Patience::default());
    let categories = categories.unwrap_or_default();
    let outputs = resolve_options(&options, &categories, terminal, env, &mut storage)?;
    check_export(args, &outputs)?;
    Ok(outputs)
}

fn check_export(args: &ExportArgs, outputs: &OutputConfig) -> Result<(), UsageError> {
    let has = |format: Format| outputs.has_format(format);
    let error = if args.format.is_none() && args.output.is_empty() {
        "nothing says what to write; add -f csv, or -o charts.csv, or another format"
    } else if has(Format::Prom) {
        "metrics are those of a run that has just ended; a run writes them with -f prom or -o FILE.prom"
    } else if has(Format::Json) && args.run.is_none() {
        "a JSON document holds one run; name it with --run ID, or choose a format of rows, such as -f ndjson or -f csv"
    } else if has(Format::Json) && !args.regions.is_empty() {
        "a JSON document holds a run with all of its regions; leave out --regions, or choose a format of rows, such as -f ndjson"
    } else {
        return Ok(());
    };
    Err(UsageError(error.into()))
}

fn resolve_options(
    options: &OutputOptions<'_>,
    categories: &[ChartCategory],
    terminal: &TerminalArgs,
    env: &Env,
    storage: &mut ObjectStorage<'_>,
) -> Result<OutputConfig, UsageError> {
    let (files, streams) = targets(options, categories, storage)?;
    check_options(options, &files, &streams)?;
    let stats = if terminal.quiet {
        StatsTarget::None
    } else if !streams.iter().any(|stream| stream.descriptor.is_stdout()) {
        StatsTarget::Stdout
    } else {
        match terminal.log_format {
            LogFormat::Text => StatsTarget::Stderr,
            LogFormat::Json => StatsTarget::Log,
        }
    };
    let is_terminal = match stats {
        StatsTarget::Stdout => stdout().is_terminal(),
        StatsTarget::Stderr => stderr().is_terminal(),
        StatsTarget::Log | StatsTarget::None => false,
    };
    Ok(OutputConfig {
        files,
        streams,
        rows: options.rows.unwrap_or_default(),
        description: options.description,
        csv_bom: options.csv_bom,
        all_or_nothing: options.all_or_nothing,
        stats,
        details: terminal.verbose > 0,
        color: use_color(terminal.color, is_terminal, env)?,
        // Links are escape sequences as well, and are unwanted wherever colours are.
        links: use_color(terminal.color, true, env)? && supports_hyperlinks(),
    })
}

/// Checks that no output overwrites `path`.
///
/// # Errors
/// If an output leads to `path`, a file that the run needs.
pub(super) fn check_not_overwritten(outputs: &OutputConfig, path: &Path, why: &str) -> Result<(), UsageError> {
    let is_path = |file: &&FileOutput| file.place.path().is_some_and(|output| is_same_file(output, path));
    let file = outputs.files.iter().find(is_path).map(|file| file.place.to_string());
    let stream = || outputs.streams.iter().find(|stream| stream.descriptor.is_open_on(path));
    match file.or_else(|| stream().map(|stream| stream.descriptor.to_string())) {
        Some(output) => Err(UsageError(format!("-o {output} {why}"))),
        None => Ok(()),
    }
}

/// The files and the open descriptors that the data goes to.
fn targets(
    options: &OutputOptions<'_>,
    categories: &[ChartCategory],
    storage: &mut ObjectStorage<'_>,
) -> Result<(Vec<FileOutput>, Vec<StreamOutput>), UsageError> {
    let chosen = options.format;
    let (mut files, mut streams) = (Vec::<FileOutput>::new(), Vec::<StreamOutput>::new());
    for path in options.output {
        let twice = |what: &str| Err(UsageError(format!("--output {} is given twice; {what}", path.display())));
        let FileName { format, is_compressed, has_unknown_extension } = FileName::parse(path, chosen)?;
        if let Some(descriptor) = FileDescriptor::from_path(path) {
            if streams.iter().any(|stream| stream.descriptor.number() == descriptor.number()) {
                return twice(&format!("{descriptor} takes the data once"));
            }
            if is_compressed {
                let path = path.display();
                return Err(UsageError(format!(
                    "--output {path} leads to {descriptor}, where data is not compressed; pipe it through gzip"
                )));
            }
            streams.push(StreamOutput { descriptor, format });
            continue;
        }
        let outputs = for_each_category(path, categories).into_iter().map(|(path, category)| {
            let place = storage.place("--output", &path)?;
            Ok(FileOutput { place, format, is_compressed, category })
        });
        let outputs = outputs.collect::<Result<Vec<_>, UsageError>>()?;
        outputs.iter().try_for_each(check_object)?;
        if outputs.iter().any(|output| files.iter().any(|file| file.place.is_same(&output.place))) {
            return twice("once is enough");
        }
        if has_unknown_extension {
            tracing::warn!(
                "the extension of {} is not that of a format, so it will hold JSON; --format chooses another",
                path.display()
            );
        }
        files.extend(outputs);
    }
    let is_open = |path: &Path| streams.iter().any(|stream| stream.descriptor.is_open_on(path));
    if let Some(file) = files.iter().find(|file| file.place.path().is_some_and(is_open)) {
        let place = &file.place;
        return Err(UsageError(format!(
            "--output {place} is given twice; a descriptor leads there too, name another file"
        )));
    }
    if let (Some(format), true) = (chosen, options.output.is_empty()) {
        streams.push(StreamOutput { descriptor: FileDescriptor::stdout(), format });
    }
    Ok((files, streams))
}

/// A name for each category if the path has a place for it, otherwise one for all.
fn for_each_category(path: &Path, categories: &[ChartCategory]) -> Vec<(PathBuf, Option<ChartCategory>)> {
    let Some(pattern) = path.to_str().filter(|path| path.contains(CATEGORY)) else {
        return vec![(path.to_owned(), None)];
    };
    let with_name = |category: &ChartCategory| (pattern.replace(CATEGORY, &category.slug()).into(), Some(*category));
    categories.iter().map(with_name).collect()
}

/// Checks that only a lake is written to the beginning of keys.
fn check_object(output: &FileOutput) -> Result<(), UsageError> {
    match &output.place {
        Place::Object(object) if object.is_folder() && output.format != Format::Parquet => Err(UsageError(format!(
            "--output {object} ends in '/', to which only Parquet can be written (-f parquet); add a name, such as {object}trends.json"
        ))),
        _ => Ok(()),
    }
}

/// The name of the category, in the path of an output.
const CATEGORY: &str = "{category}";

fn has_category(path: &Path) -> bool {
    path.to_str().is_some_and(|path| path.contains(CATEGORY))
}

/// Checks that no output would need to hold several documents.
fn check_several(outputs: &OutputConfig) -> Result<(), UsageError> {
    let OutputConfig { files, streams, .. } = outputs;
    let file = files.iter().find(|file| file.category.is_none() && !file.format.holds_several());
    let stream = streams.iter().find(|stream| !stream.format.holds_several());
    let output = file.map(|file| file.place.to_string());
    match output.or_else(|| stream.map(|stream| stream.descriptor.to_string())) {
        Some(output) => Err(UsageError(format!(
            "{output} would need a JSON document for each category; give each a file, as in -o trends-{CATEGORY}.json, or choose a format of rows, such as -f ndjson"
        ))),
        None => Ok(()),
    }
}

fn check_options(
    options: &OutputOptions<'_>,
    files: &[FileOutput],
    streams: &[StreamOutput],
) -> Result<(), UsageError> {
    let formats = || files.iter().map(|file| file.format).chain(streams.iter().map(|stream| stream.format));
    let is_binary_on_terminal =
        |stream: &StreamOutput| stream.format == Format::Parquet && stream.descriptor.is_terminal();
    let error = if !formats().all(Format::is_built) {
        "this trendfetch was built without Parquet; build it with --features parquet"
    } else if streams.iter().any(is_binary_on_terminal) {
        "Parquet cannot be shown on a terminal; add -o trends.parquet, or -o FOLDER/"
    } else if options.rows.is_some() && !formats().any(Format::has_rows) {
        "--rows requires --format ndjson or --format csv"
    } else if options.rows == Some(RowKind::Videos) && !formats().any(Format::has_video_rows) {
        "the rows of Parquet are chart entries; leave out --rows, or choose --format ndjson or --format csv"
    } else if options.csv_bom && !formats().any(|format| format == Format::Csv) {
        "--csv-bom requires --format csv or -o FILE.csv"
    } else if options.all_or_nothing && files.is_empty() {
        "--all-or-nothing requires -o FILE"
    } else {
        return Ok(());
    };
    Err(UsageError(error.into()))
}
