//! The regions for which YouTube has a chart, with the usual language of each.
//!
//! Source of the codes: YouTube's own location menu (public copies of 2025-06) and `AM`, which joined in 2026-05: 111.
//! `i18nRegions.list` is the authority, so a code outside the table is requested all the same. The language is a guess,
//! and only a fallback: a video's declared language comes first.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error};
use serde::{Serialize, Serializer};

use crate::model::language::UNDETERMINED;

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
        // The bytes are ASCII letters, so the fallback is never used.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Whether YouTube is known to offer it.
    pub fn is_known(self) -> bool {
        self.row().is_some()
    }

    fn row(self) -> Option<&'static Row> {
        TABLE
            .binary_search_by_key(&Some(&self.0), |(code, ..)| code.as_bytes().first_chunk())
            .ok()
            .map(|index| &TABLE[index])
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

/// Reads the code as it is written: two upper-case letters.
impl<'de> Deserialize<'de> for Region {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Region, D::Error> {
        let code = Cow::<'de, str>::deserialize(deserializer)?;
        let region = Region::new(&code).filter(|region| region.code() == code);
        region.ok_or_else(|| D::Error::custom(format_args!("{code:?} is not a region")))
    }
}

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

    #[test]
    fn the_table_is_sorted_and_whole() {
        assert!(TABLE.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(Region::all().count(), 111);
    }

    #[test]
    fn each_region_of_the_table_has_a_language() {
        for (code, language) in [("PL", "pl"), ("AT", "de"), ("NO", "no"), ("XX", UNDETERMINED)] {
            assert_eq!(Region::new(code).unwrap().language(), language);
        }
    }
}
