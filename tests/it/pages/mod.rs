//! Compares the pages with the program: their lists are complete, their commands run, and their links lead somewhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

mod callers;
mod commands;
mod links;
mod recipes;
mod reference;
mod troubleshooting;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Info strings of the fenced blocks that tests run or compare.
const BLOCKS: [&str; 29] = [
    "crontab",
    "ini",
    "js call",
    "jsonc",
    "php call",
    "python bucket",
    "python bucket spark",
    "python call",
    "python delta",
    "python iceberg",
    "python lake",
    "python recipe",
    "python spark",
    "sh",
    "sh container",
    "sh deb",
    "sh feed",
    "sh question",
    "sh recipe",
    "sh source",
    "sh static",
    "sh wheel",
    "sql",
    "sql bucket",
    "sql lake",
    "sql question",
    "sql recipe",
    "yaml",
    "yaml job",
];

/// A page of the repository.
pub struct Page {
    /// Its path from the root, such as `docs/data.md`.
    pub name: String,
    pub text: String,
}

impl Page {
    pub fn read(name: &str) -> Page {
        let text = fs::read_to_string(Path::new(ROOT).join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        Page { name: name.to_owned(), text }
    }

    /// Every page that is written for people.
    pub fn all() -> Vec<Page> {
        let in_folder = |folder: &str| {
            let mut names: Vec<String> = fs::read_dir(Path::new(ROOT).join(folder))
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .filter(|name| name.ends_with(".md"))
                .map(|name| format!("{folder}{name}"))
                .collect();
            names.sort();
            names
        };
        ["", "docs/", ".github/"].into_iter().flat_map(in_folder).map(|name| Page::read(&name)).collect()
    }

    /// The text under a heading of the second level, up to the next one.
    pub fn section(&self, heading: &str) -> &str {
        let Some((_, rest)) = self.text.split_once(&format!("\n## {heading}\n")) else {
            panic!("{} has no heading '{heading}'", self.name)
        };
        rest.split("\n## ").next().unwrap_or(rest)
    }

    /// The fenced blocks with this info string.
    pub fn blocks(&self, info: &str) -> Vec<&str> {
        let fence = format!("\n```{info}\n");
        self.text.split(&fence).skip(1).filter_map(|rest| rest.split("\n```").next()).collect()
    }

    /// The fenced blocks with this info string that a test can run. The others follow a comment that gives the reason:
    /// `<!-- not tried: there is no release yet -->`.
    pub fn blocks_to_try(&self, info: &str) -> Vec<&str> {
        let fence = format!("\n```{info}\n");
        let parts: Vec<&str> = self.text.split(&fence).collect();
        let is_tried = |before: &str| !before.lines().last().is_some_and(|line| line.starts_with("<!-- not tried: "));
        let following = parts.windows(2).filter(|pair| is_tried(pair[0]));
        following.filter_map(|pair| pair[1].split("\n```").next()).collect()
    }

    /// The only block with this info string.
    pub fn block(&self, info: &str) -> &str {
        let [block] = self.blocks(info)[..] else { panic!("{} has not one block '{info}'", self.name) };
        block
    }

    /// The text without its fenced blocks.
    fn prose(&self) -> String {
        let mut is_code = false;
        let mut prose = String::new();
        for line in self.text.lines() {
            is_code ^= line.starts_with("```");
            if !is_code && !line.starts_with("```") {
                prose.push_str(line);
                prose.push('\n');
            }
        }
        prose
    }
}

#[test]
fn every_block_is_of_a_kind_that_a_test_looks_at() {
    for page in Page::all() {
        let mut is_code = false;
        for fence in page.text.lines().filter_map(|line| line.strip_prefix("```")) {
            is_code = !is_code;
            let is_known = BLOCKS.contains(&fence) || fence == "text";
            assert_eq!(is_code, is_known, "{}: ```{fence}", page.name);
        }
        assert!(!is_code, "{}: a block is not closed", page.name);
    }
}

/// `tests/packages/lines KIND` prints the blocks `sh KIND` for the test of a package.
#[test]
fn the_test_of_each_package_types_its_install_lines() {
    let types_lines = |kind: &str| {
        let test = fs::read_to_string(Path::new(ROOT).join("tests/packages").join(kind)).unwrap_or_default();
        test.contains("tests/packages/lines")
    };
    for page in Page::all() {
        let is_for_installing = ["README.md", "docs/installing.md"].contains(&page.name.as_str());
        for kind in ["container", "deb", "source", "static", "wheel"] {
            let has_lines = !page.blocks_to_try(&format!("sh {kind}")).is_empty();
            assert!(!has_lines || is_for_installing && types_lines(kind), "{}: `sh {kind}`", page.name);
        }
    }
}

#[test]
fn the_readme_stays_short() {
    let lines = Page::read("README.md").text.lines().count();
    assert!(lines <= 250, "README.md has {lines} lines; move what is not needed first to docs/");
}

fn program(folder: &Path) -> Command {
    in_folder(env!("CARGO_BIN_EXE_trendfetch"), folder)
}

/// A program in a folder, whatever the environment of the one who runs the tests says of ours.
fn in_folder(program: &str, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder);
    for name in [
        "YOUTUBE_API_KEY",
        "TRENDFETCH_REGIONS",
        "TRENDFETCH_STORE",
        "TRENDFETCH_BASE_URL",
        "CREDENTIALS_DIRECTORY",
        "STATE_DIRECTORY",
        "RUST_LOG",
    ] {
        command.env_remove(name);
    }
    command
}

/// `PATH` with these folders first.
fn path_with(folders: &[PathBuf]) -> std::ffi::OsString {
    let system = ["/usr/local/bin", "/usr/bin", "/bin"].map(PathBuf::from);
    std::env::join_paths(folders.iter().cloned().chain(system)).unwrap()
}

fn printed(arguments: &[&str]) -> String {
    let folder = TempDir::new().unwrap();
    let output = program(folder.path()).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The cells of each row of the first table in a text.
fn rows(text: &str) -> Vec<Vec<&str>> {
    text.lines()
        .skip_while(|line| !line.starts_with("| ---"))
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect()
}

/// Every word between backticks in a text.
fn code_words(text: &str) -> BTreeSet<&str> {
    text.split('`').skip(1).step_by(2).collect()
}
