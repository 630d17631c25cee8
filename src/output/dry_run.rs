//! What `--dry-run` prints.

use std::fmt::Write as _;

use super::UNITS_PER_DAY;
use crate::fetch::{Plan, pages_per_chart};
use crate::history::run_history::RequestState;
use crate::model::Request;
use crate::support::human::count;

/// What the requests of a plan would send, and their cost in quota units. `states` says which of them would start.
pub fn describe_plan(plan: &Plan, states: &[RequestState]) -> String {
    let Some(first) = plan.requests.first() else { return String::new() };
    let codes: Vec<&str> = first.regions.iter().map(|region| region.code()).collect();
    let is_single = plan.requests.len() == 1;
    let category = match first.category_id {
        _ if !is_single => " and category".to_owned(),
        Some(_) => format!(", {}", first.category_name()),
        None => String::new(),
    };
    let mut text = format!("Regions      {}\n", codes.join(","));
    let _ = writeln!(text, "Videos       up to {} per region{category}", first.max_results);
    let requests: Vec<(&Request, RequestState)> = plan.requests.iter().zip(states.iter().copied()).collect();
    let is_noted = |(request, state): &(&Request, RequestState)| note(plan, request, *state).is_some();
    if !is_single || requests.iter().any(is_noted) {
        text.push_str(&categories(plan, &requests));
    }
    let pages: u32 = requests.iter().map(|(request, state)| cost(plan, request, *state)).fold(0, u32::saturating_add);
    let chart = if is_single { "region" } else { "chart" };
    let _ = writeln!(
        text,
        "Requests     {pages} ({} of up to 50 videos per {chart})",
        count(pages_per_chart(first) as usize, "page", "pages")
    );
    let _ = writeln!(text, "Quota units  {pages} without retries, of the default {UNITS_PER_DAY} a day");
    text
}

/// A line for each category, with its cost.
fn categories(plan: &Plan, requests: &[(&Request, RequestState)]) -> String {
    let names: Vec<String> = requests.iter().map(|(request, _)| request.category_name()).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (nth, (name, (request, state))) in names.iter().zip(requests).enumerate() {
        let label = if nth == 0 { "Categories" } else { "" };
        let note = note(plan, request, *state).map(|note| format!("  {note}")).unwrap_or_default();
        let _ = writeln!(text, "{label:<12} {name:<width$}  {:>5}{note}", cost(plan, request, *state));
    }
    text
}

fn cost(plan: &Plan, request: &Request, state: RequestState) -> u32 {
    if state == RequestState::Due { plan.pages_of(request) } else { 0 }
}

/// Why a category costs less than usual.
fn note(plan: &Plan, request: &Request, state: RequestState) -> Option<String> {
    match state {
        RequestState::Busy => Some("another run is at work".to_owned()),
        RequestState::NotDue(began) => Some(format!("not due: answered by the run that began at {began}")),
        RequestState::Due => {
            let absent = request.charts().filter(|chart| plan.absent.contains_key(chart));
            let absent: Vec<String> = absent.map(|chart| chart.region.to_string()).collect();
            (!absent.is_empty()).then(|| format!("YouTube had no chart in {} within the last week", absent.join(",")))
        }
    }
}
