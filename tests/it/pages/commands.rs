//! Runs the commands of each page, from top to bottom: those of the README in a fresh clone, those of the other pages
//! where the README was followed.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Page, ROOT, in_folder, path_with};
use crate::databases::{Cluster, programs};
use crate::harness::{Answer, Server};
use crate::tools::{are_installed, skip};

const KEY: &str = "AIza-of-the-pages";

/// Scripts that would take minutes.
const BENCHES: [&str; 5] = [
    "clone/benches/bucket",
    "clone/benches/compare",
    "clone/benches/lake",
    "clone/benches/fetchers",
    "clone/benches/install",
];

/// A home and a clone in a temporary folder, with stand-ins for programs that would change the machine or take minutes.
struct Machine {
    folder: TempDir,
    server: Server,
}

impl Machine {
    fn new() -> Machine {
        let machine = Machine { folder: TempDir::new().unwrap(), server: Server::of_pages(&["a", "b"]) };
        for folder in ["home", "bin", "clone/benches", "clone/tests", "root/usr/local/bin", "root/etc/default"] {
            fs::create_dir_all(machine.path(folder)).unwrap();
        }
        fs::create_dir_all(machine.path("root/etc/systemd/system")).unwrap();
        fs::create_dir_all(machine.path("root/var/lib/prometheus/node-exporter")).unwrap();
        fs::copy(Path::new(ROOT).join(".env.example"), machine.path("clone/.env.example")).unwrap();
        fs::create_dir_all(machine.path("clone/packaging/github-actions")).unwrap();
        for name in [
            "trendfetch.service",
            "trendfetch.timer",
            "trendfetch.default",
            "compose.yaml",
            "github-actions/trends.yml",
        ] {
            let (from, to) = (Path::new(ROOT).join("packaging"), machine.path("clone/packaging"));
            fs::copy(from.join(name), to.join(name)).unwrap();
        }
        symlink(Path::new(ROOT).join("tests/fuzz"), machine.path("clone/tests/fuzz")).unwrap();

        let log = machine.path("log").display().to_string();
        // As root one writes into another tree, and as postgres one asks the tests' own server.
        let root = machine.path("root").display().to_string();
        machine.stand_in(
            "bin/sudo",
            &format!(
                "[ \"$1\" = -u ] && shift 2
             for word; do
                 case \"$word\" in /etc/*|/usr/local/*|/var/lib/*) word={root}$word ;; esac
                 set -- \"$@\" \"$word\"; shift
             done
             exec \"$@\""
            ),
        );
        machine.stand_in("bin/apt-get", &format!("echo \"apt-get $*\" >> {log}; [ -e \"$2\" ]"));
        machine
            .stand_in("bin/crontab", "case $1 in -l) cat ~/crontab ;; -) cat > ~/.new && mv ~/.new ~/crontab ;; esac");
        machine.stand_in("bin/edit", &format!("echo YOUTUBE_API_KEY={KEY} > \"$1\""));
        let logged = ["bin/cargo", "bin/systemctl", "bin/journalctl", "bin/sudoedit"];
        for name in logged.iter().chain(&BENCHES) {
            machine.stand_in(name, &format!("echo \"${{0##*/}} $*\" >> {log}"));
        }
        // .ci/run builds the packages.
        for name in ["deb", "static", "wheel"] {
            machine.stand_in(&format!("clone/packaging/{name}"), &format!("echo \"packaging/{name}\" >> {log}"));
        }
        // What packaging/wheel builds.
        fs::create_dir_all(machine.path("clone/target/wheels")).unwrap();
        fs::write(machine.path("clone/target/wheels/trendfetch-1-py3-none-any.whl"), "").unwrap();
        machine
    }

    /// The program is installed. The tests of the packages run the lines that do this.
    fn with_program(self) -> Machine {
        fs::create_dir_all(self.path("home/.cargo/bin")).unwrap();
        symlink(env!("CARGO_BIN_EXE_trendfetch"), self.path("home/.cargo/bin/trendfetch")).unwrap();
        self
    }

    /// The state after following the README: `~/trends` has the key and a document.
    fn with_trends(self) -> Machine {
        fs::create_dir(self.path("home/trends")).unwrap();
        fs::write(self.path("home/trends/.env"), format!("YOUTUBE_API_KEY={KEY}\n")).unwrap();
        assert!(self.run_block("trendfetch -q -r US,GB,PL -o trends.json", None).status.success());
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn stand_in(&self, name: &str, script: &str) {
        fs::write(self.path(name), format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Runs a block in the clone if it names files there, otherwise in the folder with the key. Standard input has the
    /// key, for commands that ask for a key or a password.
    fn run_block(&self, block: &str, cluster: Option<&Cluster>) -> Output {
        let of_clone = [".env.example", "packaging/", "benches/", "--path .", "cargo"];
        let is_of_clone = of_clone.iter().any(|word| block.contains(word));
        let folder = if is_of_clone { "clone" } else { "home/trends" };
        let folder = Some(self.path(folder)).filter(|folder| folder.exists()).unwrap_or_else(|| self.path("home"));
        let mut command = in_folder("setsid", &folder);
        // A user without a crontab is told so, and goes on.
        command.args(["--wait", "sh", if block.contains("crontab -l") { "-c" } else { "-ec" }]);
        let folders: Vec<PathBuf> =
            [self.path("bin"), self.path("home/.cargo/bin")].into_iter().chain(programs()).collect();
        command.env("PATH", path_with(&folders));
        command.env("HOME", self.path("home")).env("EDITOR", "edit").env("TRENDFETCH_BASE_URL", &self.server.base_url);
        match cluster {
            None => command.arg(block),
            Some(cluster) => {
                let port = cluster.port.to_string();
                command.env("PGHOST", "127.0.0.1").env("PGPORT", &port).env("PGUSER", "trend");
                command.arg(block.replace("PASSWORD@db.example.org", &format!("{KEY}@127.0.0.1:{port}")))
            }
        };
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Most read nothing.
        let _ = child.stdin.take().unwrap().write_all(format!("{KEY}\n{KEY}\n").as_bytes());
        child.wait_with_output().unwrap()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o777
    }
}

/// Runs the blocks of a page. Blocks that need a program or a feature which is missing are skipped.
fn run_blocks(machine: &Machine, page: &Page) {
    for block in page.blocks_to_try("sh") {
        let mut cluster = None;
        if block.contains("createdb") {
            cluster = Cluster::start("");
            if cluster.is_none() {
                continue;
            }
        }
        if block.contains("-f parquet") && !cfg!(feature = "parquet") {
            skip("the program is built without its feature `parquet`", block);
            continue;
        }
        let output = machine.run_block(block, cluster.as_ref());
        let (said, printed) = (String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
        assert!(output.status.success(), "{}\n{block}\n{said}{printed}", page.name);
        if block.contains("--demo --regions") {
            assert_eq!(shape(&printed), shape(page.block("text")));
        }
    }
}

#[test]
fn the_readme_leads_from_a_clone_to_cron() {
    if !are_installed(&["jq", "setsid"], "the commands of README.md") {
        return;
    }
    let machine = Machine::new().with_program();
    run_blocks(&machine, &Page::read("README.md"));
    let read = |name: &str| machine.read(name);
    // The line that it adds is the one that the page on scheduling explains.
    let scheduling = Page::read("docs/scheduling.md");
    let line = scheduling.blocks("crontab")[0].lines().last().unwrap();
    let program = machine.path("home/.cargo/bin/trendfetch").display().to_string();
    let line = line.replace("\"$HOME/.cargo/bin/trendfetch\"", &program);
    assert_eq!(read("home/crontab"), format!("{line}\n"));
    assert!(read("home/trends/.env").contains(KEY));
    assert_eq!(machine.mode("home/trends/.env"), 0o600);
}

#[test]
fn every_command_of_the_other_pages_runs() {
    if !are_installed(&["jq", "setsid", "sqlite3"], "the commands of docs/ and .github/") {
        return;
    }
    for page in Page::all().iter().filter(|page| page.name != "README.md") {
        let machine = Machine::new().with_program().with_trends();
        run_blocks(&machine, page);
        let read = |name: &str| machine.read(name);
        match page.name.as_str() {
            "docs/installing.md" => assert_completions_and_manual_pages(&machine),
            "docs/scheduling.md" => {
                assert_eq!(
                    (read("root/etc/trendfetch/key"), machine.mode("root/etc/trendfetch/key")),
                    (format!("{KEY}\n{KEY}\n"), 0o600)
                );
                assert_eq!(machine.mode("root/etc/trendfetch"), 0o700);
                assert!(
                    read("root/etc/systemd/system/trendfetch.service").contains("ExecStart=/usr/local/bin/trendfetch ")
                );
                assert!(machine.path("root/usr/local/bin/trendfetch").exists());
                assert!(machine.path("home/trends/copy.db").exists());
                assert_files_of_compose(&machine);
                let log = read("log");
                assert!(log.contains("systemctl enable --now trendfetch.timer"), "{log}");
            }
            "docs/benchmarks.md" | ".github/CONTRIBUTING.md" => assert_names_exist(&read("log")),
            _ => {}
        }
    }
}

/// The files that the Compose file names, in the format that each of its readers expects.
fn assert_files_of_compose(machine: &Machine) {
    let read = |name: &str| machine.read(&format!("home/trendfetch/{name}"));
    let password = read("secrets/postgres_password");
    assert!(password.len() == 48 && password.bytes().all(|byte| byte.is_ascii_hexdigit()), "{password}");
    assert_eq!(read("secrets/pgpass"), format!("postgres:5432:trendfetch:trendfetch:{password}\n"));
    assert!(read("secrets/youtube_api_key").starts_with(KEY));
    assert!(read("compose.yaml").contains("file: ./secrets/youtube_api_key"));
    assert!(read(".env").starts_with("RUN_AS="));
    for secret in ["postgres_password", "pgpass", "youtube_api_key"] {
        assert_eq!(machine.mode(&format!("home/trendfetch/secrets/{secret}")), 0o600, "{secret}");
    }
}

fn assert_completions_and_manual_pages(machine: &Machine) {
    for page in ["trendfetch", "trendfetch-changes"] {
        let file = machine.read(&format!("home/.local/share/man/man1/{page}.1"));
        assert!(file.contains(&format!(".TH {page} ")), "{page}");
    }
    for file in [
        ".local/share/bash-completion/completions/trendfetch",
        ".zfunc/_trendfetch",
        ".config/fish/completions/trendfetch.fish",
    ] {
        assert!(machine.read(&format!("home/{file}")).contains("max-results"), "{file}");
    }
}

/// Checks that the benchmarks and fuzz targets that a page names exist; running them would take minutes.
fn assert_names_exist(log: &str) {
    let manifest = fs::read_to_string(Path::new(ROOT).join("Cargo.toml")).unwrap();
    let benches: Vec<&str> =
        log.split("cargo bench --bench ").skip(1).filter_map(|rest| rest.split_whitespace().next()).collect();
    assert!(!benches.is_empty(), "{log}");
    for bench in benches {
        assert!(manifest.contains(&format!("[[bench]]\nname = \"{bench}\"")), "{bench}");
    }
    for target in log.split("fuzz run --fuzz-dir . ").skip(1).filter_map(|rest| rest.split_whitespace().next()) {
        assert!(Path::new(ROOT).join(format!("tests/fuzz/targets/{target}.rs")).exists(), "{target}");
    }
    assert!(BENCHES.iter().all(|bench| Path::new(ROOT).join(bench.strip_prefix("clone/").unwrap()).exists()));
}

/// systemd itself would start the unit of the page; this runs the command in it.
#[test]
fn a_failure_is_told_by_mail() {
    let machine = Machine::new();
    machine.stand_in("bin/mail", "{ echo \"$*\"; cat; } > ~/mail");
    machine.stand_in("bin/journalctl", "echo \"$*\"");
    let scheduling = Page::read("docs/scheduling.md");
    let command = scheduling.block("ini").lines().find_map(|line| line.strip_prefix("ExecStart=/bin/sh -c '")).unwrap();
    let command = command.strip_suffix('\'').unwrap().replace("%i", "trendfetch.service");
    fs::create_dir(machine.path("home/trends")).unwrap();
    assert!(machine.run_block(&command, None).status.success());
    let mail = fs::read_to_string(machine.path("home/mail")).unwrap();
    let expected = "-s trendfetch.service failed root\n--unit trendfetch.service --lines 20 --no-pager\n";
    assert_eq!(mail, expected);
}

/// What a run of the demo prints at any hour: the names of the figures, and whole numbers that do not depend on the
/// charts. The titles and the regions that share most are left out.
fn shape(text: &str) -> Vec<String> {
    const OF_CHARTS: [&str; 5] = ["Top videos", "Distinct videos", "In two or more regions", "Most shared", "Time"];
    let without_times = |line: &str| {
        let words = line.split_whitespace().filter(|word| {
            !word.trim_start_matches('(').starts_with(|first: char| first.is_ascii_digit() && word.contains('.'))
        });
        words.collect::<Vec<_>>().join(" ")
    };
    let shown = |line: &str| match OF_CHARTS.iter().find(|name| line.starts_with(*name)) {
        Some(name) => (*name).to_owned(),
        None => without_times(line),
    };
    let titles = text.lines().skip_while(|line| *line != "Top videos").skip(1).take_while(|line| !line.is_empty());
    let titles: Vec<&str> = titles.collect();
    assert_eq!(titles.len(), 3, "{text}");
    text.lines().filter(|line| !line.is_empty() && !titles.contains(line)).map(shown).collect()
}

/// The lines for cron, in a home with the program where they look for it: what they write is there, and whoever waits
/// for a call gets it after a run that went well and only then.
#[test]
fn the_lines_for_cron_do_what_the_page_says() {
    if !are_installed(&["curl"], "the lines for cron of docs/scheduling.md") {
        return;
    }
    let scheduling = Page::read("docs/scheduling.md");
    let commands: Vec<&str> = scheduling
        .blocks("crontab")
        .into_iter()
        .filter_map(|block| block.split_once("5 * * * *  "))
        .map(|(_, command)| command)
        .collect();
    assert_eq!(commands.len(), 4);
    for command in commands {
        for is_up in [true, false] {
            let server = Server::start(move |hit| match hit.path.as_str() {
                "/youtube/v3/videos" if !is_up => Answer::refusal(400, "keyInvalid"),
                _ => Answer::page(&["a"], None),
            });
            let home = TempDir::new().unwrap();
            fs::create_dir_all(home.path().join(".cargo/bin")).unwrap();
            fs::create_dir(home.path().join("trends")).unwrap();
            fs::write(home.path().join("trends/.env"), format!("YOUTUBE_API_KEY={KEY}")).unwrap();
            symlink(env!("CARGO_BIN_EXE_trendfetch"), home.path().join(".cargo/bin/trendfetch")).unwrap();
            // The hour that is due, and the address that is called, are the test's.
            let due =
                command.replace("-eq 0", "-ge 0").replace("https://ping.example", &server.base_url).replace("\\%", "%");
            let mut shell = in_folder("sh", home.path());
            shell.arg("-c").arg(due).env("HOME", home.path()).env("TRENDFETCH_BASE_URL", &server.base_url);
            let ran = shell.output().unwrap();
            let called = server.log().iter().any(|hit| hit.path.ends_with("/your-id"));
            assert_eq!(called, is_up && command.contains("ping.example"), "{command}");
            assert_eq!(ran.status.success(), is_up, "{}", String::from_utf8_lossy(&ran.stderr));
            assert_eq!(
                ran.stderr.is_empty() && ran.stdout.is_empty(),
                is_up,
                "silent where all went well, and only there"
            );
            assert_eq!(home.path().join("trends/trends.json").exists(), is_up);
        }
    }
}

#[test]
fn a_log_of_json_is_asked_as_the_page_says() {
    if !are_installed(&["jq"], "the question to a log of docs/scheduling.md") {
        return;
    }
    let server = Server::of_pages(&["a"]);
    let folder = TempDir::new().unwrap();
    let folder_of_program = Path::new(env!("CARGO_BIN_EXE_trendfetch")).parent().unwrap().to_owned();
    let scheduling = Page::read("docs/scheduling.md");
    let said = scheduling.blocks("sh").into_iter().find(|block| block.contains("run ended")).unwrap();
    let mut shell = in_folder("sh", folder.path());
    let commands = format!("set -e; PATH=\"{}:$PATH\"\n{said}", folder_of_program.display());
    shell.arg("-c").arg(commands).env("YOUTUBE_API_KEY", KEY);
    let asked = shell.env("TRENDFETCH_BASE_URL", &server.base_url).output().unwrap();
    assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
    let line: Value = serde_json::from_slice(&asked.stdout).unwrap();
    let answer = (&line["outcome"], &line["regions_failed"], &line["unique"], &line["quota_units"]);
    assert_eq!(answer, (&json!("complete"), &json!(0), &json!(3), &json!(3)));
    assert!(line["timestamp"].is_string() && line["run_id"].is_string(), "{line}");
    assert!(fs::read_to_string(folder.path().join("statistics.txt")).unwrap().contains("Distinct videos"));
}
