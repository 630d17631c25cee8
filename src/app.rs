//! The pipeline, on one screen: fetch -> normalize -> deduplicate -> write and stats.

use std::sync::Arc;

use indicatif::MultiProgress;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::category::Category;
use crate::config::{Config, Source};
use crate::deduplicate::deduplicate;
use crate::demo::Demo;
use crate::exit::Exit;
use crate::fetch::transport::Http;
use crate::fetch::{Plan, Start, fetch};
use crate::model::{Report, Request};
use crate::output::progress::Progress;
use crate::output::{self, OutputError};
use crate::secret::ApiKey;
use crate::stats;
use crate::verdict::verdict;

/// A run that could not begin.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An output cannot be used.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The simulation found no port.
    #[error("the demo cannot listen on 127.0.0.1: {0}; is loopback up?")]
    Demo(std::io::Error),
    /// TLS or a proxy.
    #[error(
        "cannot prepare for the network: {0}; install the system's certificates (ca-certificates), or set SSL_CERT_FILE"
    )]
    Network(String),
}

/// Does one run. `cancelled` ends the fetching early; what arrived is still written.
///
/// # Errors
/// When nothing could begin; nothing was sent then. Everything later is in the [`Exit`] and the log.
pub async fn run(
    config: Config,
    wall_clock: Timestamp,
    screen: MultiProgress,
    cancelled: impl Future<Output = ()>,
) -> Result<Exit, StartError> {
    let Some(source) = &config.source else {
        output::print(&output::price(&config.plan))?;
        return Ok(Exit::Complete);
    };
    let start = Start { instant: Instant::now(), timestamp: wall_clock };
    output::check(&config.outputs)?;

    let progress = Arc::new(Progress::new(screen, &config.plan.regions));
    let (transport, _demo) = connect(&config, source, start).await?;
    let fetching = fetch(config.plan.clone(), start, transport, progress.clone(), cancelled);
    let fetched = progress.during(fetching).await;

    let (videos, outcomes) = deduplicate(fetched.charts);
    let stats = stats::count(&outcomes, &videos, start.instant.elapsed(), fetched.held);
    let report = Report::new(start.timestamp, source.name(), request(&config.plan), stats, videos);
    let outputs = config.outputs;
    // Beside the runtime, so that a signal still ends a write that hangs.
    let written = tokio::task::spawn_blocking(move || {
        let errors = output::write(&outputs, &report);
        (report, errors)
    });
    let (report, errors) = written.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));

    errors.iter().for_each(|error| tracing::error!("{error}"));
    if let Some(line) = verdict(&report, start.now()) {
        tracing::error!("{line}");
    }
    Ok(Exit::of(&report, !errors.is_empty()))
}

/// The way to the source; for the demo, with the server that must live as long.
async fn connect(config: &Config, source: &Source, start: Start) -> Result<(Http, Option<Demo>), StartError> {
    let http = |url, key| Http::new(url, key, config.timeout).map_err(StartError::Network);
    match source {
        Source::Api { base_url, key } => Ok((http(base_url, key)?, None)),
        Source::Demo(mode) => {
            let plan = &config.plan;
            let demo = Demo::start(*mode, &plan.regions, plan.pages_per_region(), start.timestamp)
                .await
                .map_err(StartError::Demo)?;
            Ok((http(demo.base_url(), &ApiKey::for_demo())?, Some(demo)))
        }
    }
}

fn request(plan: &Plan) -> Request {
    Request {
        regions: plan.regions.clone(),
        max_results: plan.max_results,
        category_id: plan.category.map(Category::id),
    }
}
