//! Parses `--regions`: country codes, named sets, and suggestions for likely mistakes.

use crate::model::error::UsageError;
use crate::model::region::Region;
use crate::support::sanitize::one_line;

/// Parses codes and named sets in any case, separated by commas. Of repeated regions the first one counts.
///
/// # Errors
/// For an empty list, a malformed item or a known mistake. The message suggests what was probably meant.
pub fn parse(text: &str) -> Result<Vec<Region>, UsageError> {
    let mut regions = Vec::new();
    for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        for region in parse_item(item)? {
            if !regions.contains(&region) {
                regions.push(region);
            }
        }
    }
    if regions.is_empty() {
        return Err(UsageError("the list of regions is empty; name some, for example --regions US,GB,PL".into()));
    }
    Ok(regions)
}

fn parse_item(item: &str) -> Result<Vec<Region>, UsageError> {
    let lower = item.to_lowercase();
    if lower == "all" {
        return Ok(Region::all().collect());
    }
    if let Some((_, codes)) = SETS.iter().find(|(name, _)| *name == lower) {
        return Ok(codes.iter().filter_map(|code| Region::new(code)).collect());
    }
    if let Some((_, meant)) = MISTAKES.iter().find(|(mistake, _)| *mistake == lower) {
        return Err(UsageError(format!("'{item}' is not an ISO 3166-1 country code; did you mean {meant}?")));
    }
    if let Some(region) = Region::new(item) {
        return Ok(vec![region]);
    }
    let shown = one_line(item, 40);
    if let Some(region) = Region::all().find(|region| region.name().to_lowercase() == lower) {
        return Err(UsageError(format!("'{shown}' is a name; use the region's code: {region}")));
    }
    if let Some(list) = with_commas(item) {
        return Err(UsageError(format!("'{shown}' is not one region; separate regions with commas: {list}")));
    }
    let sets: Vec<&str> = SETS.iter().map(|(name, _)| *name).collect();
    Err(UsageError(format!(
        "'{shown}' is neither a two-letter country code nor a set ({}, all); `trendfetch regions` lists the codes",
        sets.join(", ")
    )))
}

/// The list that is meant, if the item is one with other separators.
fn with_commas(item: &str) -> Option<String> {
    let is_separator = |character: char| {
        character.is_whitespace() || matches!(character, ';' | '/' | '|' | '+' | ':' | '，' | '、' | '،')
    };
    let parts: Vec<&str> = item.split(is_separator).filter(|part| !part.is_empty()).collect();
    let meant: Option<Vec<String>> = parts.iter().map(|part| meant(part)).collect();
    meant.filter(|_| item.contains(is_separator)).map(|meant| meant.join(","))
}

/// What an item of a list means, including what is refused with a suggestion.
fn meant(item: &str) -> Option<String> {
    let lower = item.to_lowercase();
    let is_set = lower == "all" || SETS.iter().any(|(name, _)| *name == lower);
    let mistake = || MISTAKES.iter().find(|(mistake, _)| *mistake == lower).map(|(_, meant)| (*meant).to_owned());
    let code = || Region::new(item).map(|region| region.to_string());
    let named = || Region::all().find(|region| region.name().to_lowercase() == lower).map(|region| region.to_string());
    if is_set { Some(lower.clone()) } else { mistake().or_else(code).or_else(named) }
}

/// The named sets. They come from the two pipelines that this program replaces.
pub const SETS: &[(&str, &[&str])] = &[
    ("dailywatch", &["US", "GB", "DE", "FR", "IN", "BR", "AU", "CA"]),
    ("viralvidvault", &["US", "GB", "PL", "NL", "SE", "NO", "AT"]),
];

/// Common mistakes and the codes that are meant. None of the mistakes of two letters is an assigned code.
const MISTAKES: &[(&str, &str)] = &[
    ("uk", "GB"),
    ("eng", "GB"),
    ("england", "GB"),
    ("en", "GB or US"),
    ("usa", "US"),
    ("america", "US"),
    ("el", "GR"),
    ("ja", "JP"),
    ("ko", "KR"),
    ("korea", "KR"),
    ("cs", "CZ"),
    ("da", "DK"),
    ("hi", "IN"),
    ("zh", "TW or HK"),
    ("eu", "single countries, such as DE,FR,PL"),
    ("ww", "all"),
    ("world", "all"),
    ("*", "all"),
    ("ger", "DE"),
    ("pol", "PL"),
    ("holland", "NL"),
    ("turkiye", "TR"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<String> {
        parse(text).unwrap().iter().map(Region::to_string).collect()
    }

    #[test]
    fn sets_contain_known_regions() {
        assert!(SETS.iter().flat_map(|(_, codes)| *codes).all(|code| Region::new(code).unwrap().is_known()));
    }

    #[test]
    fn lists_take_any_case_and_sets_and_drop_repeats() {
        assert_eq!(codes("us, gb,US,pl"), ["US", "GB", "PL"]);
        assert_eq!(codes("PL,viralvidvault"), ["PL", "US", "GB", "NL", "SE", "NO", "AT"]);
        assert_eq!(codes("ALL").len(), 111);
        assert_eq!(codes("xx"), ["XX"]);
    }

    #[test]
    fn a_mistake_is_refused_with_a_suggestion() {
        for (typed, meant) in
            [("UK", "GB"), ("usa", "US"), ("Poland", "PL"), ("dailywach", "dailywatch"), ("U1", "codes")]
        {
            let error = parse(typed).unwrap_err().to_string();
            assert!(error.contains(meant), "{typed}: {error}");
        }
        for empty in ["", " , ", ",,"] {
            assert!(parse(empty).unwrap_err().to_string().contains("is empty"), "{empty:?}");
        }
    }

    #[test]
    fn other_separators_than_commas_are_refused_with_the_right_list() {
        for (typed, meant) in [
            ("US GB", ": US,GB"),
            ("us;gb;pl", ": US,GB,PL"),
            ("US/GB", ": US,GB"),
            ("US|dailywatch", ": US,dailywatch"),
            ("US，GB", ": US,GB"),
            ("US、GB", ": US,GB"),
            ("PL,US Poland", ": US,PL"),
            ("US+UK", ": US,GB"),
            ("US;", ": US"),
            ("US\nGB\n", ": US,GB"),
        ] {
            let error = parse(typed).unwrap_err().to_string();
            assert!(error.contains("separate regions with commas") && error.ends_with(meant), "{typed}: {error}");
        }
        // A comma at an end, or two in a row, change nothing.
        assert_eq!(codes("US,GB,"), ["US", "GB"]);
        assert_eq!(codes(",US,,GB"), ["US", "GB"]);
        assert!(parse("South Korea").unwrap_err().to_string().contains("use the region's code: KR"));
        assert!(!parse("some text").unwrap_err().to_string().contains("commas"));
    }
}
