//! How a run ended: if something went wrong, a line for people with the cause and the remedy; and a line for monitoring.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::history::change_summary::RegionChanges;
use crate::model::error::{ErrorKind, RegionError, Remedy};
use crate::model::{ChartId, Documents, RegionStats, RunStatus, Status};
use crate::output::exit_status::ExitStatus;

/// The most regions that the line names.
const MAX_NAMED: usize = 6;

/// The target of the line of [`log_summary`].
pub const SUMMARY_TARGET: &str = "trendfetch::summary";

/// Logs the run in one line of fields, which `--log-format json` shows unless `-q` is given. If there is a history, it
/// also counts what entered and left.
pub fn log_summary(run: &Documents, changes: &HashMap<String, Vec<RegionChanges>>, exit: ExitStatus) {
    let Some(document) = run.iter().next() else { return };
    let stats = &document.stats;
    let changes = changes.get(&document.run_id).filter(|changes| !changes.is_empty());
    let sum = |count: fn(&RegionChanges) -> usize| changes.map(|changes| changes.iter().map(count).sum::<usize>());
    tracing::info!(
        target: SUMMARY_TARGET,
        run_id = document.run_id,
        category = run.category_of(document),
        outcome = outcome(RunStatus::of(document), exit),
        regions_ok = stats.regions_ok.len(),
        regions_failed = stats.regions_failed.len(),
        raw = stats.raw,
        unique = stats.unique,
        multi_region = stats.multi_region,
        skipped = stats.skipped,
        entered = sum(|changes| changes.entered),
        left = sum(|changes| changes.left),
        requests = stats.requests,
        retries = stats.retries,
        rate_limited = stats.rate_limited,
        quota_units = stats.quota_units,
        elapsed_ms = stats.elapsed_ms,
        held_ms = stats.held_ms,
        "run ended"
    );
}

fn outcome(run: RunStatus, exit: ExitStatus) -> &'static str {
    match exit {
        _ if run.is_interrupted => "interrupted",
        ExitStatus::Signal(_) => "interrupted",
        ExitStatus::Complete => "complete",
        ExitStatus::Partial => "partial",
        ExitStatus::Refused => "refused",
        _ => "failed",
    }
}

/// A chart that failed or is incomplete.
struct Failed<'a> {
    chart: ChartId,
    is_partial: bool,
    error: &'a RegionError,
}

/// The line for runs in which something is missing; `None` if every region answered and a video arrived. Among several
/// runs, a chart of a category that YouTube does not have is not missing.
pub fn diagnose(documents: &Documents, remedies: &HashMap<ChartId, Remedy>, now: Timestamp) -> Option<String> {
    let failed: Vec<Failed<'_>> = documents.expected_charts().filter_map(failed).collect();
    let total = documents.charts().count();
    let videos = documents.video_count();
    let Some(first) = failed.iter().min_by_key(|failed| priority(failed.error)) else {
        return (videos == 0).then(|| match documents.absent_charts().next() {
            Some(_) => {
                "no video arrived: YouTube has none of these charts -> request other categories or regions".to_owned()
            }
            None => "no video arrived: no chart has a usable one".to_owned(),
        });
    };
    let arrived = match videos {
        0 => "no video arrived".to_owned(),
        1 => "1 video arrived".to_owned(),
        videos => format!("{videos} videos arrived"),
    };
    let is_partial = failed.iter().any(|failed| failed.is_partial);
    let what = if is_partial { "failed or are incomplete" } else { "failed" };
    let unit = if documents.are_several() { "charts" } else { "regions" };
    // A single category needs no name.
    let name = |failed: &Failed<'_>| match documents.are_several() {
        false => failed.chart.region.to_string(),
        true => failed.chart.full_name(),
    };
    let mut line = format!("{} of {total} {unit} {what}, {arrived}: ", failed.len());
    // A cause that is common to all is given once.
    if failed.iter().all(|failed| failed.error.kind == first.error.kind) && failed.len() > 1 {
        let all = if failed.len() == total { "all".to_owned() } else { names(failed.iter().map(name)) };
        line.push_str(&format!("{all} {}", first.error));
    } else {
        let each: Vec<String> =
            failed.iter().take(MAX_NAMED).map(|failed| format!("{} {}", name(failed), failed.error)).collect();
        line.push_str(&each.join("; "));
        if failed.len() > MAX_NAMED {
            line.push_str(&format!("; and {} more", failed.len() - MAX_NAMED));
        }
    }
    if let Some(remedy) = remedy_of(first, remedies.get(&first.chart), now) {
        line.push_str(" -> ");
        line.push_str(&remedy);
    }
    Some(line)
}

fn failed<'a>((chart, row): (ChartId, &'a RegionStats)) -> Option<Failed<'a>> {
    Some(Failed { chart, is_partial: row.status == Status::Partial, error: row.error.as_ref()? })
}

/// The error with the smallest priority gives the remedy: those that end the run, then those with an HTTP status, since
/// errors without one may merely follow from them.
fn priority(error: &RegionError) -> (bool, bool) {
    let ends_run = matches!(
        error.kind,
        ErrorKind::KeyRejected
            | ErrorKind::QuotaExceeded
            | ErrorKind::BadParameter
            | ErrorKind::ProxyLogin
            | ErrorKind::Budget
    );
    (!ends_run, error.status.is_none())
}

fn names(charts: impl ExactSizeIterator<Item = String>) -> String {
    let total = charts.len();
    let mut named = charts.take(MAX_NAMED).collect::<Vec<_>>().join(",");
    if total > MAX_NAMED {
        named.push_str(&format!(" and {} more", total - MAX_NAMED));
    }
    named
}

fn remedy_of(failed: &Failed<'_>, remedy: Option<&Remedy>, now: Timestamp) -> Option<String> {
    let error = failed.error;
    match remedy {
        Some(remedy) => Some(remedy_text(*remedy)),
        None if error.kind == ErrorKind::QuotaExceeded => Some(quota_returns(now)),
        None if error.kind == ErrorKind::RegionUnsupported && failed.chart.category.is_none() => {
            Some("leave the region out; `trendfetch regions` lists those that YouTube offers".to_owned())
        }
        None => default_remedy(error.kind).map(str::to_owned),
    }
}

fn remedy_text(remedy: Remedy) -> String {
    let text = match remedy {
        Remedy::ReplaceKey => "make a new key at https://console.cloud.google.com/apis/credentials",
        Remedy::AllowAddress => {
            "add this machine's public IP address to the restrictions of the key at https://console.cloud.google.com/apis/credentials, or run where it allows"
        }
        Remedy::AllowProgram => {
            "set the application restriction of the key to 'None', or to 'IP addresses' with that of this machine, at https://console.cloud.google.com/apis/credentials: this program is neither a website nor an app"
        }
        Remedy::AllowApi => {
            "add 'YouTube Data API v3' to the API restrictions of the key at https://console.cloud.google.com/apis/credentials"
        }
        Remedy::EnableApi => {
            "enable 'YouTube Data API v3' for the key's project at https://console.cloud.google.com/apis/library/youtube.googleapis.com and wait a few minutes"
        }
        Remedy::AppealSuspension => {
            "Google has suspended the key or its project; look for the reason and a way to appeal at https://console.cloud.google.com"
        }
        Remedy::RestoreProject => {
            "the key's project is deleted; restore it within 30 days at https://console.cloud.google.com/cloud-resource-manager, or make a key in another one"
        }
        Remedy::EnableBilling => "look at the billing of the key's project at https://console.cloud.google.com/billing",
        Remedy::AskAdministrator => {
            "a policy of Google or of the project's organization forbids it; ask the organization's administrator, or run elsewhere"
        }
        Remedy::CheckProject => "look at the key's project at https://console.cloud.google.com",
        Remedy::RaiseQuota => {
            "the quota of the key's project allows nothing and does not come back by itself; ask for more at https://console.cloud.google.com/apis/api/youtube.googleapis.com/quotas"
        }
        Remedy::CheckQuotas => {
            "see which limit it is at https://console.cloud.google.com/apis/api/youtube.googleapis.com/quotas, and whether another program uses the key; run again later"
        }
        Remedy::RaiseMaxWait => "raise --max-wait, or run again later",
        Remedy::LogInToNetwork => {
            "log in to the network with a browser; if it asks for no login, check --base-url, and whether a proxy is in between"
        }
        Remedy::CheckNetwork => {
            "a firewall or a proxy may block the request; check --base-url and the proxy settings, or try another network"
        }
        Remedy::CheckProxy(variable) => {
            return format!("check {variable} in the environment; hosts in NO_PROXY are contacted without it");
        }
        Remedy::LogInToProxy(variable) => {
            return format!("write the login into {variable}, as in http://name:password@host:port");
        }
    };
    text.to_owned()
}

fn default_remedy(kind: ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::KeyRejected => "check the key against those at https://console.cloud.google.com/apis/credentials",
        ErrorKind::QuotaExceeded => "the quota returns at midnight Pacific time",
        ErrorKind::Budget => "raise --max-units, or ask for fewer regions or videos; --dry-run shows the cost",
        ErrorKind::Deadline => "raise --deadline, or --concurrency",
        ErrorKind::Forbidden => {
            "YouTube gave no known reason; check the key's restrictions at https://console.cloud.google.com/apis/credentials"
        }
        ErrorKind::Connect => "check the network, and the proxy settings of the environment",
        ErrorKind::RegionUnsupported => {
            "leave the region out, or try without --category; `trendfetch regions` lists those that YouTube offers"
        }
        ErrorKind::BadParameter => "check --category; if it is right, please report this",
        ErrorKind::RateLimited => "run again later, or with a smaller --concurrency",
        ErrorKind::ServerError | ErrorKind::Truncated => "run again later",
        ErrorKind::ProxyLogin => "write the login into HTTPS_PROXY or ALL_PROXY, as in http://name:password@host:port",
        ErrorKind::Proxy => "check HTTPS_PROXY or ALL_PROXY in the environment",
        ErrorKind::Tls | ErrorKind::BadRequest | ErrorKind::BadResponse | ErrorKind::TooLarge => {
            "check --base-url, and whether a proxy is in between"
        }
        ErrorKind::Timeout | ErrorKind::Certificate | ErrorKind::Cancelled => return None,
    })
}

/// Quota returns at midnight Pacific time (YouTube Data API, "Quota costs").
fn quota_returns(now: Timestamp) -> String {
    // The rule in POSIX form, so that no time zone database is needed.
    let midnight = TimeZone::posix("PST8PDT,M3.2.0,M11.1.0")
        .and_then(|pacific| now.to_zoned(pacific).tomorrow())
        .and_then(|tomorrow| tomorrow.start_of_day());
    match midnight {
        Ok(midnight) => {
            let local = TimeZone::system();
            let in_zone = |zone: TimeZone| midnight.with_time_zone(zone).strftime("%Y-%m-%d %H:%M").to_string();
            let utc = format!("the quota returns at midnight Pacific time: {} UTC", in_zone(TimeZone::UTC));
            // A container often has no time zone database, and so no local time.
            if local.is_unknown() { utc } else { format!("{utc}, {} local time", in_zone(local)) }
        }
        Err(_) => "the quota returns at midnight Pacific time".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn midnight_pacific_follows_daylight_saving() {
        for (now, returns) in [
            ("2026-11-22T21:00:00Z", "2026-11-23 08:00 UTC"),
            ("2026-07-01T06:59:59Z", "2026-07-01 07:00 UTC"),
            ("2026-07-01T07:00:00Z", "2026-07-02 07:00 UTC"),
            // The day of the change has 25 hours.
            ("2026-11-01T07:30:00Z", "2026-11-02 08:00 UTC"),
        ] {
            let text = quota_returns(now.parse().unwrap());
            assert!(text.contains(returns), "{now}: {text}");
        }
    }
}
