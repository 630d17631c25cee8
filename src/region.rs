//! The regions that YouTube offers a chart for, with the language that a chart usually speaks;
//! and the reading of what a person types for `--regions`.
//!
//! Source of the codes: YouTube's own location menu (public copies of 2025-06) and `AM`, which
//! joined in 2026-05: 111. `i18nRegions.list` is the authority, so a code outside the table is
//! asked for all the same. The language is a guess of the dominant one and only a fallback: a video's declared
//! language comes first.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::error::UsageError;
use crate::language::UNDETERMINED;

/// Two upper-case letters: a well-formed ISO 3166-1 alpha-2 code, in the table or not.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Region([u8; 2]);

impl Region {
    /// Reads two letters in any case.
    pub fn new(code: &str) -> Option<Region> {
        let &[first, second] = code.as_bytes() else { return None };
        let letters = [first.to_ascii_uppercase(), second.to_ascii_uppercase()];
        letters.iter().all(u8::is_ascii_uppercase).then_some(Region(letters))
    }

    /// `"US"`
    pub fn code(&self) -> &str {
        // Only ASCII letters get in, so the fallback is never taken.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Whether YouTube is known to offer it.
    pub fn is_known(self) -> bool {
        self.row().is_some()
    }

    fn row(self) -> Option<&'static Row> {
        TABLE.binary_search_by_key(&self.code(), |(code, ..)| code).ok().map(|index| &TABLE[index])
    }

    /// English name, or the code itself outside the table.
    pub fn name(&self) -> &str {
        self.row().map_or(self.code(), |(_, name, _)| name)
    }

    /// ISO 639-1 code of the chart's usual language; [`UNDETERMINED`] outside the table.
    pub fn language(self) -> &'static str {
        self.row().map_or(UNDETERMINED, |(.., language)| language)
    }

    /// Every region of the table, by code.
    pub fn all() -> impl Iterator<Item = Region> {
        TABLE.iter().filter_map(|(code, ..)| Region::new(code))
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Region {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

/// Reads what was typed for `--regions`: codes and named sets, separated by commas, any case. A
/// repeat keeps its first place.
///
/// # Errors
/// A malformed item, an empty list, or a code that is a known slip. The sentence suggests what was
/// probably meant.
pub fn parse_list(text: &str) -> Result<Vec<Region>, UsageError> {
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
    if let Some((_, meant)) = SLIPS.iter().find(|(slip, _)| *slip == lower) {
        return Err(UsageError(format!("'{item}' is not an ISO 3166-1 country code; did you mean {meant}?")));
    }
    if let Some(region) = Region::new(item) {
        return Ok(vec![region]);
    }
    let shown = crate::text::one_line(item, 40);
    let by_name = TABLE.iter().find(|(_, name, _)| name.to_lowercase() == lower).map(|(code, ..)| code);
    Err(UsageError(match by_name {
        Some(code) => format!("'{shown}' is a name; regions go by code: {code}"),
        None => format!(
            "'{shown}' is neither a two-letter country code nor a set (dailywatch, viralvidvault, all); `trendfetch regions` lists the codes"
        ),
    }))
}

/// The named sets, as the two pipelines that this program replaces had them.
pub const SETS: &[(&str, &[&str])] = &[
    ("dailywatch", &["US", "GB", "DE", "FR", "IN", "BR", "AU", "CA"]),
    ("viralvidvault", &["US", "GB", "PL", "NL", "SE", "NO", "AT"]),
];

/// What people type for a country and what ISO 3166-1 calls it. None of the slips of two letters is an
/// assigned code.
const SLIPS: &[(&str, &str)] = &[
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

/// Code, English name, language.
type Row = (&'static str, &'static str, &'static str);

/// Sorted by code.
const TABLE: &[Row] = &[
    ("AE", "United Arab Emirates", "ar"),
    ("AM", "Armenia", "hy"),
    ("AR", "Argentina", "es"),
    ("AT", "Austria", "de"),
    ("AU", "Australia", "en"),
    ("AZ", "Azerbaijan", "az"),
    ("BA", "Bosnia and Herzegovina", "bs"),
    ("BD", "Bangladesh", "bn"),
    ("BE", "Belgium", "nl"),
    ("BG", "Bulgaria", "bg"),
    ("BH", "Bahrain", "ar"),
    ("BO", "Bolivia", "es"),
    ("BR", "Brazil", "pt"),
    ("BY", "Belarus", "ru"),
    ("CA", "Canada", "en"),
    ("CH", "Switzerland", "de"),
    ("CL", "Chile", "es"),
    ("CO", "Colombia", "es"),
    ("CR", "Costa Rica", "es"),
    ("CY", "Cyprus", "el"),
    ("CZ", "Czechia", "cs"),
    ("DE", "Germany", "de"),
    ("DK", "Denmark", "da"),
    ("DO", "Dominican Republic", "es"),
    ("DZ", "Algeria", "ar"),
    ("EC", "Ecuador", "es"),
    ("EE", "Estonia", "et"),
    ("EG", "Egypt", "ar"),
    ("ES", "Spain", "es"),
    ("FI", "Finland", "fi"),
    ("FR", "France", "fr"),
    ("GB", "United Kingdom", "en"),
    ("GE", "Georgia", "ka"),
    ("GH", "Ghana", "en"),
    ("GR", "Greece", "el"),
    ("GT", "Guatemala", "es"),
    ("HK", "Hong Kong", "zh"),
    ("HN", "Honduras", "es"),
    ("HR", "Croatia", "hr"),
    ("HU", "Hungary", "hu"),
    ("ID", "Indonesia", "id"),
    ("IE", "Ireland", "en"),
    ("IL", "Israel", "he"),
    ("IN", "India", "hi"),
    ("IQ", "Iraq", "ar"),
    ("IS", "Iceland", "is"),
    ("IT", "Italy", "it"),
    ("JM", "Jamaica", "en"),
    ("JO", "Jordan", "ar"),
    ("JP", "Japan", "ja"),
    ("KE", "Kenya", "en"),
    ("KH", "Cambodia", "km"),
    ("KR", "South Korea", "ko"),
    ("KW", "Kuwait", "ar"),
    ("KZ", "Kazakhstan", "ru"),
    ("LA", "Laos", "lo"),
    ("LB", "Lebanon", "ar"),
    ("LI", "Liechtenstein", "de"),
    ("LK", "Sri Lanka", "si"),
    ("LT", "Lithuania", "lt"),
    ("LU", "Luxembourg", "fr"),
    ("LV", "Latvia", "lv"),
    ("LY", "Libya", "ar"),
    ("MA", "Morocco", "ar"),
    ("MD", "Moldova", "ro"),
    ("ME", "Montenegro", "sr"),
    ("MK", "North Macedonia", "mk"),
    ("MT", "Malta", "en"),
    ("MX", "Mexico", "es"),
    ("MY", "Malaysia", "ms"),
    ("NG", "Nigeria", "en"),
    ("NI", "Nicaragua", "es"),
    ("NL", "Netherlands", "nl"),
    ("NO", "Norway", "no"),
    ("NP", "Nepal", "ne"),
    ("NZ", "New Zealand", "en"),
    ("OM", "Oman", "ar"),
    ("PA", "Panama", "es"),
    ("PE", "Peru", "es"),
    ("PG", "Papua New Guinea", "en"),
    ("PH", "Philippines", "tl"),
    ("PK", "Pakistan", "ur"),
    ("PL", "Poland", "pl"),
    ("PR", "Puerto Rico", "es"),
    ("PT", "Portugal", "pt"),
    ("PY", "Paraguay", "es"),
    ("QA", "Qatar", "ar"),
    ("RO", "Romania", "ro"),
    ("RS", "Serbia", "sr"),
    ("RU", "Russia", "ru"),
    ("SA", "Saudi Arabia", "ar"),
    ("SE", "Sweden", "sv"),
    ("SG", "Singapore", "en"),
    ("SI", "Slovenia", "sl"),
    ("SK", "Slovakia", "sk"),
    ("SN", "Senegal", "fr"),
    ("SV", "El Salvador", "es"),
    ("TH", "Thailand", "th"),
    ("TN", "Tunisia", "ar"),
    ("TR", "Turkey", "tr"),
    ("TW", "Taiwan", "zh"),
    ("TZ", "Tanzania", "sw"),
    ("UA", "Ukraine", "uk"),
    ("UG", "Uganda", "en"),
    ("US", "United States", "en"),
    ("UY", "Uruguay", "es"),
    ("VE", "Venezuela", "es"),
    ("VN", "Vietnam", "vi"),
    ("YE", "Yemen", "ar"),
    ("ZA", "South Africa", "en"),
    ("ZW", "Zimbabwe", "en"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<String> {
        parse_list(text).unwrap().iter().map(Region::to_string).collect()
    }

    #[test]
    fn the_table_is_sorted_and_whole() {
        assert!(TABLE.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(Region::all().count(), 111);
        assert!(SETS.iter().flat_map(|(_, codes)| *codes).all(|code| Region::new(code).unwrap().is_known()));
    }

    #[test]
    fn a_list_takes_any_case_sets_and_keeps_first_places() {
        assert_eq!(codes("us, gb,US,pl"), ["US", "GB", "PL"]);
        assert_eq!(codes("PL,viralvidvault"), ["PL", "US", "GB", "NL", "SE", "NO", "AT"]);
        assert_eq!(codes("ALL").len(), 111);
        assert_eq!(codes("xx"), ["XX"]);
    }

    #[test]
    fn a_slip_is_refused_with_a_suggestion() {
        for (typed, meant) in
            [("UK", "GB"), ("usa", "US"), ("Poland", "PL"), ("dailywach", "dailywatch"), ("U1", "codes")]
        {
            let error = parse_list(typed).unwrap_err().to_string();
            assert!(error.contains(meant), "{typed}: {error}");
        }
        assert!(parse_list(" , ").is_err());
    }

    #[test]
    fn each_region_of_the_table_has_a_language() {
        for (code, language) in [("PL", "pl"), ("AT", "de"), ("NO", "no"), ("XX", UNDETERMINED)] {
            assert_eq!(Region::new(code).unwrap().language(), language);
        }
    }
}
