//! What `--dry-run` prints.

use super::UNITS_PER_DAY;
use crate::fetch::Plan;
use crate::model::category::Category;

/// What a run of the plan would request, and its cost in quota units.
pub fn describe_plan(plan: &Plan) -> String {
    let codes: Vec<&str> = plan.request.regions.iter().map(|region| region.code()).collect();
    let category = plan.request.category_id.map(|id| format!(", {}", Category::new(id))).unwrap_or_default();
    format!(
        "Regions      {}\n\
         Videos       up to {} per region{category}\n\
         Requests     {} ({} of up to 50 videos per region)\n\
         Quota units  {} without retries, of the default {UNITS_PER_DAY} a day\n",
        codes.join(","),
        plan.request.max_results,
        plan.requests(),
        plan.pages_per_region(),
        plan.requests(),
    )
}
