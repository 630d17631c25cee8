//! The word lists of `words.txt`, and titles made of them.

use std::collections::HashMap;

use super::rng::Dice;

const TEXT: &str = include_str!("words.txt");

/// The word lists of one section of the file: a language, or `world`.
#[derive(Debug)]
pub(super) struct Words {
    /// ISO 639-1 code that the words are in.
    pub language: &'static str,
    lists: HashMap<&'static str, Vec<&'static str>>,
}

impl Words {
    /// The lists of a language; of English for one that the file does not have.
    pub(super) fn of(language: &str) -> Words {
        section(language).or_else(|| section("en")).unwrap_or(Words { language: "en", lists: HashMap::new() })
    }

    /// Everything under this key.
    pub(super) fn list(&self, key: &str) -> &[&'static str] {
        self.lists.get(key).map(Vec::as_slice).unwrap_or_default()
    }

    /// One of the list, empty where there is no such list.
    pub(super) fn pick(&self, key: &str, dice: &mut Dice) -> &'static str {
        dice.pick(self.list(key)).unwrap_or_default()
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

/// Fills in a template. `artist` comes from outside, for the channel bears the same name.
pub(super) fn fill(template: &str, artist: &str, words: &Words, world: &Words, dice: &mut Dice) -> String {
    // Russian, Ukrainian and Polish nouns take the same form after every one of these.
    let round = dice.pick(&[15, 20, 30, 50, 100, 200, 500]).unwrap_or(100);
    let mut teams = words.list("teams").to_vec();
    dice.shuffle(&mut teams);
    let mut teams = teams.into_iter();
    let fillers = [
        ("{game}", world.pick("games", dice).to_owned()),
        ("{n}", round.to_string()),
        ("{k}", dice.between(2, 40).to_string()),
        ("{artist}", artist.to_owned()),
        ("{title}", words.pick("titles", dice).to_owned()),
        ("{place}", words.pick("places", dice).to_owned()),
        ("{team}", teams.next().unwrap_or_default().to_owned()),
        ("{other}", teams.next().unwrap_or_default().to_owned()),
    ];
    fillers.iter().fold(template.to_owned(), |title, (slot, filler)| title.replace(slot, filler))
}

/// The languages that the file has.
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
    fn every_language_has_every_list_and_no_other() {
        assert_eq!(languages().count(), 21);
        for language in languages() {
            let words = Words::of(language);
            assert_eq!(words.language, language);
            assert_eq!(words.lists.len(), KEYS.len(), "{language}");
            assert!(KEYS.iter().all(|key| !words.list(key).is_empty()), "{language}");
            assert!(words.list("teams").len() > 1 && words.list("gaming").len() > 8, "{language}");
        }
    }

    #[test]
    fn every_slot_is_filled() {
        let world = Words::of("world");
        for language in languages() {
            let words = Words::of(language);
            let mut dice = Dice::named(&[language]);
            for template in words.lists.values().flatten() {
                let title = fill(template, "A", &words, &world, &mut dice);
                assert!(!title.is_empty() && !title.contains(['{', '}', ';']), "{language}: {title}");
                assert!(title.chars().count() <= 100, "YouTube allows no longer one: {title}");
            }
        }
    }

    #[test]
    fn another_language_falls_back_to_english() {
        assert_eq!(Words::of("da").language, "en");
    }
}
