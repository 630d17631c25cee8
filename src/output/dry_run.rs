//! What `--dry-run` says.

use super::UNITS_PER_DAY;
use crate::fetch::Plan;
use crate::model::category::Category;

/// What the plan would ask, and its price.
pub fn price(plan: &Plan) -> String {
    let codes: Vec<&str> = plan.request.regions.iter().map(|region| region.code()).collect();
    let category = match plan.request.category_id.map(|id| (id, Category::new(id).name())) {
        None => String::new(),
        Some((id, None)) => format!(", category {id}"),
        Some((id, Some(name))) => format!(", category {id} ({name})"),
    };
    format!(
        "regions      {}\n\
         videos       up to {} per region{category}\n\
         requests     {} ({} of up to 50 videos per region)\n\
         quota_units  {} without retries, of the {UNITS_PER_DAY} a day that a project has by default\n",
        codes.join(","),
        plan.request.max_results,
        plan.requests(),
        plan.pages_per_region(),
        plan.requests(),
    )
}
