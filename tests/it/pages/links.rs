//! Follows the links between the pages: each file exists, and each anchor is a heading in it.

use std::collections::{BTreeSet, HashMap};
use std::path::{Component, Path, PathBuf};

use super::{Page, ROOT};

#[test]
fn every_relative_link_and_anchor_leads_somewhere() {
    let pages = Page::all();
    let anchors: HashMap<&str, BTreeSet<String>> =
        pages.iter().map(|page| (page.name.as_str(), anchors(page))).collect();
    let mut dead = Vec::new();
    let mut followed = 0;
    for page in &pages {
        for link in links(page).into_iter().filter(|link| !link.contains("://")) {
            followed += 1;
            let (file, anchor) =
                link.split_once('#').map_or((link.as_str(), None), |(file, anchor)| (file, Some(anchor)));
            let target = if file.is_empty() { page.name.clone() } else { beside(&page.name, file) };
            let is_there = Path::new(ROOT).join(&target).exists();
            let has_anchor = anchor
                .is_none_or(|anchor| anchors.get(target.as_str()).is_some_and(|headings| headings.contains(anchor)));
            if !is_there || !has_anchor {
                dead.push(format!("{}: {link}", page.name));
            }
        }
    }
    assert!(dead.is_empty(), "dead links: {dead:#?}");
    assert!(followed > 50, "only {followed} links were found");
}

#[test]
fn the_readme_leads_to_every_page() {
    let linked: BTreeSet<String> = links(&Page::read("README.md")).into_iter().collect();
    let missing: Vec<String> = Page::all()
        .into_iter()
        .map(|page| page.name)
        .filter(|name| name != "README.md" && !linked.contains(name))
        .collect();
    assert!(missing.is_empty(), "README.md does not lead to {missing:?}");
}

/// The targets of `[text](target)`.
fn links(page: &Page) -> Vec<String> {
    let prose = page.prose();
    prose.split("](").skip(1).filter_map(|rest| rest.split(')').next()).map(str::to_owned).collect()
}

/// The path from the root of a file that a page names relative to itself.
fn beside(page: &str, file: &str) -> String {
    let mut path = PathBuf::from(page);
    path.pop();
    for part in Path::new(file).components() {
        match part {
            Component::ParentDir => assert!(path.pop(), "{page}: {file} leads out of the repository"),
            part => path.push(part),
        }
    }
    path.display().to_string()
}

/// The anchors that GitHub gives to the headings of a page.
fn anchors(page: &Page) -> BTreeSet<String> {
    let is_kept = |character: &char| character.is_alphanumeric() || matches!(character, ' ' | '-' | '_');
    let mut anchors = BTreeSet::new();
    for heading in page.prose().lines().filter(|line| line.starts_with('#')) {
        let heading = heading.trim_start_matches('#').trim().to_lowercase();
        let anchor: String = heading.chars().filter(is_kept).map(|kept| if kept == ' ' { '-' } else { kept }).collect();
        assert!(anchors.insert(anchor.clone()), "{}: two headings have the anchor {anchor}", page.name);
    }
    anchors
}
