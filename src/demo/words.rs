//! The word lists of `words.txt`, and titles made from them.

use std::collections::HashMap;

use super::rng::Rng;

const TEXT: &str = include_str!("words.txt");

/// The word lists of one section of the file: of a language, or of `world`, the names used in all languages.
#[derive(Debug)]
pub(super) struct Words {
    /// ISO 639-1 code of the words.
    pub language: &'static str,
    lists: HashMap<&'static str, Vec<&'static str>>,
}

impl Words {
    /// The lists of a language. Languages that the file does not have use English.
    pub(super) fn load(language: &str) -> Words {
        section(language).or_else(|| section("en")).unwrap_or(Words { language: "en", lists: HashMap::new() })
    }

    pub(super) fn list(&self, key: &str) -> &[&'static str] {
        self.lists.get(key).map(Vec::as_slice).unwrap_or_default()
    }

    /// A random item of a list; empty if there is no such list.
    pub(super) fn choose(&self, key: &str, rng: &mut Rng) -> &'static str {
        rng.choose(self.list(key)).unwrap_or_default()
    }
}

fn section(language: &str) -> Option<Words> {
    let mut lines = TEXT.lines();
    let name = lines.find_map(|line| heading(line).filter(|found| *found == language))?;
    let mut lists = HashMap::<_, Vec<_>>::new();
    for (key, items) in lines.take_while(|line| heading(line).is_none()).filter_map(|line| line.split_once(": ")) {
        lists.entry(key).or_default().extend(items.split("; "));
    }
    Some(Words { language: name, lists })
}

fn heading(line: &'static str) -> Option<&'static str> {
    line.strip_prefix('[')?.strip_suffix(']')
}

/// Fills in a title template. `artist` is an argument because the channel has the same name.
pub(super) fn fill_template(template: &str, artist: &str, words: &Words, world: &Words, rng: &mut Rng) -> String {
    // Russian and Polish nouns have the same form after each of these numbers.
    let round_number = rng.choose(&[15, 20, 30, 50, 100, 200, 500]).unwrap_or(100);
    let mut teams = words.list("teams").to_vec();
    rng.shuffle(&mut teams);
    let mut teams = teams.into_iter();
    let values = [
        ("{game}", world.choose("games", rng).to_owned()),
        ("{n}", round_number.to_string()),
        ("{k}", rng.between(2, 40).to_string()),
        ("{artist}", artist.to_owned()),
        ("{title}", words.choose("titles", rng).to_owned()),
        ("{place}", words.choose("places", rng).to_owned()),
        ("{team}", teams.next().unwrap_or_default().to_owned()),
        ("{other}", teams.next().unwrap_or_default().to_owned()),
    ];
    values.iter().fold(template.to_owned(), |title, (placeholder, value)| title.replace(placeholder, value))
}

/// The languages of the file.
#[cfg(test)]
pub(super) fn languages() -> impl Iterator<Item = &'static str> {
    TEXT.lines().filter_map(heading).filter(|found| *found != "world")
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &[&str] = &[
        "audio",
        "gaming",
        "live",
        "music",
        "titles",
        "artists",
        "entertainment",
        "people",
        "sports",
        "teams",
        "comedy",
        "film",
        "news",
        "places",
        "gamers",
        "creators",
        "sport_channels",
        "newsrooms",
    ];

    #[test]
    fn every_language_has_exactly_these_lists() {
        assert_eq!(languages().count(), 14);
        for language in languages() {
            let words = Words::load(language);
            assert_eq!(words.language, language);
            assert_eq!(words.lists.len(), KEYS.len(), "{language}");
            assert!(KEYS.iter().all(|key| !words.list(key).is_empty()), "{language}");
            assert!(words.list("teams").len() > 1 && words.list("gaming").len() > 8, "{language}");
        }
    }

    #[test]
    fn every_placeholder_is_filled() {
        let world = Words::load("world");
        for language in languages() {
            let words = Words::load(language);
            let mut rng = Rng::seeded(&[language]);
            for template in words.lists.values().flatten() {
                let title = fill_template(template, "A", &words, &world, &mut rng);
                assert!(!title.is_empty() && !title.contains(['{', '}', ';']), "{language}: {title}");
                assert!(title.chars().count() <= 100, "longer than YouTube allows: {title}");
            }
        }
    }

    #[test]
    fn another_language_falls_back_to_english() {
        assert_eq!(Words::load("da").language, "en");
    }
}
