//! YouTube's video categories: number and English name.
//!
//! Source: `videoCategories.list`, with the same ids and English titles in all eleven regions that public data sets
//! have captured. Of the numbers below 30, all but 18 and 21 can be assigned to new videos.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A category by its number. An unknown number is kept as it is. `Display` shows its name, `Comedy (34)` for the second
/// one with a name, or `Category 99`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Category(u32);

impl Category {
    pub fn new(id: u32) -> Category {
        Category(id)
    }

    pub fn id(self) -> u32 {
        self.0
    }

    /// YouTube's English name, if the number is known.
    pub fn name(self) -> Option<&'static str> {
        TABLE.iter().find(|(id, _)| *id == self.0).map(|(_, name)| *name)
    }

    /// Finds a category by its number or its English name in any case, in which `and` is `&`. Two categories are named
    /// Comedy: 23 is returned, since 34 is for films and cannot be assigned.
    pub fn find(text: &str) -> Option<Category> {
        if let Ok(id) = text.trim().parse() {
            return (id > 0).then_some(Category(id));
        }
        let name = normalized(text);
        TABLE.iter().find(|(_, known)| known.eq_ignore_ascii_case(&name)).map(|(id, _)| Category(*id))
    }

    /// The name that a misspelt or shortened one probably means.
    pub fn nearest(text: &str) -> Option<&'static str> {
        let typed = normalized(text);
        let names = || TABLE.iter().map(|(_, name)| *name);
        let has_word = |name: &&str| name.to_ascii_lowercase().split([' ', '/']).any(|word| word == typed);
        let similarity = |name: &str| strsim::jaro(&name.to_ascii_lowercase(), &typed);
        let most_similar = names().max_by(|one, other| similarity(one).total_cmp(&similarity(other)));
        names().find(has_word).or(most_similar.filter(|name| similarity(name) >= MIN_SIMILARITY))
    }

    /// Every known category, by number.
    pub fn all() -> impl Iterator<Item = Category> {
        TABLE.iter().map(|(id, _)| Category(*id))
    }

    /// The categories that new videos can have.
    pub fn assignable() -> impl Iterator<Item = Category> {
        Category::all().filter(|category| category.id() < 30 && !matches!(category.id(), 18 | 21))
    }
}

/// How similar two words must be for one to be suggested for the other, from 0 to 1. clap suggests options from 0.7.
const MIN_SIMILARITY: f64 = 0.75;

fn normalized(text: &str) -> String {
    text.trim().to_lowercase().replace(" and ", " & ")
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            // Two categories are named Comedy.
            Some(name) if Category::find(name) != Some(*self) => write!(f, "{name} ({})", self.0),
            Some(name) => f.write_str(name),
            None => write!(f, "Category {}", self.0),
        }
    }
}

/// Selects a region's chart: that of all categories, or that of one. `Display` shows `all categories`, or the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChartCategory {
    All,
    One(Category),
}

impl ChartCategory {
    /// Finds a category as [`Category::find`] does, or all of them by `all` or `0`.
    pub fn find(text: &str) -> Option<ChartCategory> {
        let text = text.trim();
        if text == "0" || text.eq_ignore_ascii_case("all") {
            return Some(ChartCategory::All);
        }
        Category::find(text).map(ChartCategory::One)
    }

    /// `None` for the chart of all categories.
    pub fn category(self) -> Option<Category> {
        match self {
            ChartCategory::All => None,
            ChartCategory::One(category) => Some(category),
        }
    }

    /// The id as in the document, in which `None` is all categories.
    pub fn id(self) -> Option<u32> {
        self.category().map(Category::id)
    }

    pub fn from_id(id: Option<u32>) -> ChartCategory {
        id.map_or(ChartCategory::All, |id| ChartCategory::One(Category::new(id)))
    }

    /// Sorts the chart of all categories first and the others by name.
    pub fn sort_key(self) -> Option<(String, u32)> {
        self.category().map(|category| (category.to_string(), category.id()))
    }

    /// The name for file names and addresses: `all`, `music`, `news-politics`. A category without a name of its own has
    /// its number: an unknown one, and the second of the two that are named Comedy.
    pub fn slug(self) -> String {
        let ChartCategory::One(category) = self else { return "all".to_owned() };
        let Some(name) = category.name().filter(|name| Category::find(name) == Some(category)) else {
            return category.id().to_string();
        };
        let words = name.split(|char: char| !char.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join("-").to_ascii_lowercase()
    }
}

impl fmt::Display for ChartCategory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChartCategory::All => f.write_str("all categories"),
            ChartCategory::One(category) => category.fmt(f),
        }
    }
}

const TABLE: &[(u32, &str)] = &[
    (1, "Film & Animation"),
    (2, "Autos & Vehicles"),
    (10, "Music"),
    (15, "Pets & Animals"),
    (17, "Sports"),
    (18, "Short Movies"),
    (19, "Travel & Events"),
    (20, "Gaming"),
    (21, "Videoblogging"),
    (22, "People & Blogs"),
    (23, "Comedy"),
    (24, "Entertainment"),
    (25, "News & Politics"),
    (26, "Howto & Style"),
    (27, "Education"),
    (28, "Science & Technology"),
    (29, "Nonprofits & Activism"),
    (30, "Movies"),
    (31, "Anime/Animation"),
    (32, "Action/Adventure"),
    (33, "Classics"),
    (34, "Comedy"),
    (35, "Documentary"),
    (36, "Drama"),
    (37, "Family"),
    (38, "Foreign"),
    (39, "Horror"),
    (40, "Sci-Fi/Fantasy"),
    (41, "Thriller"),
    (42, "Shorts"),
    (43, "Shows"),
    (44, "Trailers"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn found_by_number_and_by_name() {
        assert_eq!(Category::find("comedy").map(Category::id), Some(23));
        assert_eq!(Category::find("34").and_then(Category::name), Some("Comedy"));
        assert_eq!(Category::find("99").map(|c| (c.id(), c.name())), Some((99, None)));
        assert_eq!([10, 99].map(|id| Category::new(id).to_string()), ["Music", "Category 99"]);
        assert_eq!(Category::find("0"), None);
        assert_eq!(Category::find("Cats"), None);
        assert_eq!(Category::find(" news and politics ").map(Category::id), Some(25));
    }

    #[test]
    fn a_misspelt_name_has_a_suggestion() {
        for (typed, meant) in [
            ("Musik", "Music"),
            ("gamming", "Gaming"),
            ("News", "News & Politics"),
            ("politics", "News & Politics"),
            ("Science", "Science & Technology"),
            ("Entertainement", "Entertainment"),
            ("sport", "Sports"),
            ("Film", "Film & Animation"),
        ] {
            assert_eq!(Category::nearest(typed), Some(meant), "{typed}");
        }
        for typed in ["", "x", "Cats", "Weather"] {
            assert_eq!(Category::nearest(typed), None, "{typed}");
        }
    }

    #[test]
    fn fifteen_categories_can_be_assigned() {
        let ids: Vec<u32> = Category::assignable().map(Category::id).collect();
        assert_eq!(ids, [1, 2, 10, 15, 17, 19, 20, 22, 23, 24, 25, 26, 27, 28, 29]);
    }

    #[test]
    fn every_category_has_a_slug_of_its_own() {
        let slug = |text: &str| ChartCategory::find(text).unwrap().slug();
        for (text, expected) in [
            ("all", "all"),
            ("Music", "music"),
            ("News & Politics", "news-politics"),
            ("Howto & Style", "howto-style"),
            ("Sci-Fi/Fantasy", "sci-fi-fantasy"),
            ("23", "comedy"),
            ("34", "34"),
            ("99", "99"),
        ] {
            assert_eq!(slug(text), expected);
        }
        let mut slugs: Vec<String> = Category::all().map(|category| ChartCategory::One(category).slug()).collect();
        slugs.sort();
        slugs.dedup();
        assert_eq!(slugs.len(), Category::all().count());
    }
}
