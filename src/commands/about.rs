//! `regions`: what the program prints about itself.

use std::fmt::Write as _;

use crate::config::region_list;
use crate::model::language::search_config;
use crate::model::region::Region;

pub(super) fn regions() -> String {
    let mut text = format!("{:<4}  {:<22}  {:<8}  {}\n", "Code", "Name", "Language", "Search configuration");
    for region in Region::all() {
        let language = region.language();
        let _ = writeln!(text, "{region:<4}  {:<22}  {language:<8}  {}", region.name(), search_config(language));
    }
    for (name, codes) in region_list::SETS {
        let _ = writeln!(text, "\n{name}: {}", codes.join(","));
    }
    text
}
