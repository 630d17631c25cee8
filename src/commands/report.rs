//! `report`: renders a history or a document as an HTML page.

use anyhow::Context;
use jiff::Timestamp;

use super::{EMPTY_HISTORY, known_regions, location, read_document};
use crate::bucket::Patience;
use crate::cli::ReportArgs;
use crate::config::env::Env;
use crate::config::{self, ObjectStorage, region_list};
use crate::history::{self, Access, Location};
use crate::model::error::UsageError;
use crate::model::region::Region;
use crate::output::{self, FileDescriptor, Place};
use crate::report::{self, Snapshot};

pub(super) async fn run(
    args: ReportArgs,
    descriptor: Option<FileDescriptor>,
    env: &Env,
    now: Timestamp,
) -> anyhow::Result<()> {
    let requested = if args.regions.is_empty() { None } else { Some(region_list::parse(&args.regions.join(","))?) };
    let requested = requested.as_deref();
    config::check_page(&args.output)?;
    let mut storage = ObjectStorage::new(env, Patience::default());
    let page = storage.place("--output", &args.output)?;
    let snapshots = match &args.from {
        Some(file) => {
            config::check_document("--from", file)?;
            let document = storage.place("--from", file)?;
            vec![document_snapshot(&page, &document, descriptor.as_ref(), requested, now).await?]
        }
        None => history_snapshots(&args, &page, descriptor.as_ref(), requested, env, now).await?,
    };
    warn_of_missing_regions(&args, requested, &snapshots);
    anyhow::ensure!(
        !snapshots.iter().all(Snapshot::is_empty),
        "there is no chart to show; {} is left as it was",
        descriptor.as_ref().map_or_else(|| page.to_string(), FileDescriptor::to_string)
    );
    let html = report::render(&snapshots, args.thumbnails).context("cannot make the page")?;
    Ok(output::save(&page, descriptor.as_ref(), html).await?)
}

async fn document_snapshot(
    page: &Place,
    document: &Place,
    descriptor: Option<&FileDescriptor>,
    requested: Option<&[Region]>,
    now: Timestamp,
) -> anyhow::Result<Snapshot> {
    check_source_not_overwritten(page, descriptor, document)?;
    let document = read_document(document, now).await?;
    Ok(Snapshot::from_document(&document, requested, now))
}

async fn history_snapshots(
    args: &ReportArgs,
    page: &Place,
    descriptor: Option<&FileDescriptor>,
    requested: Option<&[Region]>,
    env: &Env,
    now: Timestamp,
) -> anyhow::Result<Vec<Snapshot>> {
    let location = location(&args.store, env)?;
    if let Location::Sqlite(file) = &location {
        check_source_not_overwritten(page, descriptor, &Place::File(file.path.clone()))?;
    }
    let mut backend = history::open(&location, Access::Read).await?;
    let snapshots = Snapshot::from_history(&mut *backend, requested, args.category, now).await;
    let known = known_regions(&mut *backend, now).await;
    backend.close().await;
    known?;
    let snapshots = snapshots?;
    anyhow::ensure!(
        !snapshots.is_empty(),
        match args.category {
            Some(_) => "the history has no run of that category; without --category, the charts fetched last are shown",
            None => EMPTY_HISTORY,
        }
    );
    Ok(snapshots)
}

fn check_source_not_overwritten(
    page: &Place,
    descriptor: Option<&FileDescriptor>,
    source: &Place,
) -> Result<(), UsageError> {
    let is_source = match (descriptor, source.path()) {
        (Some(descriptor), Some(source)) => descriptor.is_open_on(source),
        (Some(_), None) => false,
        (None, _) => page.is_same(source),
    };
    match is_source {
        false => Ok(()),
        true => Err(UsageError(format!("{page} is what the page is made from; name another file for the page"))),
    }
}

fn warn_of_missing_regions(args: &ReportArgs, requested: Option<&[Region]>, snapshots: &[Snapshot]) {
    let shown = snapshots.iter().flat_map(|snapshot| &snapshot.regions);
    let is_shown = |region: &Region| shown.clone().any(|shown| shown.region == *region);
    let missing = requested.unwrap_or_default().iter().filter(|region| !is_shown(region));
    let missing: Vec<&str> = missing.map(Region::code).collect();
    if !missing.is_empty() {
        let why = match args.from {
            Some(_) => "not in the document",
            None => "not requested by any run of the last 30 days",
        };
        tracing::warn!("{}: {why}", missing.join(","));
    }
}
