//! The commands, from top to bottom, as somebody types them who has just cloned the repository.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{blocks, in_folder};
use crate::databases::{Cluster, programs};
use crate::harness::{Answer, Server};
use crate::tools::{are_installed, skip};

const KEY: &str = "AIza-of-the-readme";
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A machine in a folder: a home, a clone, and stand-ins for what would change the real one, or take minutes.
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
        fs::copy(Path::new(ROOT).join(".env.example"), machine.path("clone/.env.example")).unwrap();
        fs::create_dir(machine.path("clone/packaging")).unwrap();
        for name in ["trendfetch.service", "trendfetch.timer", "trendfetch.default"] {
            let (from, to) = (Path::new(ROOT).join("packaging"), machine.path("clone/packaging"));
            fs::copy(from.join(name), to.join(name)).unwrap();
        }
        symlink(Path::new(ROOT).join("tests/fuzz"), machine.path("clone/tests/fuzz")).unwrap();

        let (log, program) = (machine.path("log").display().to_string(), env!("CARGO_BIN_EXE_trendfetch"));
        machine.stand_in(
            "bin/cargo",
            &format!(
                "echo \"cargo $*\" >> {log}
             case \"$1 $2 $3\" in
                 'run --release --') shift 3; exec {program} \"$@\" ;;
                 'install --path .') mkdir -p ~/.cargo/bin; ln -sf {program} ~/.cargo/bin/trendfetch ;;
             esac"
            ),
        );
        // As root one writes into another tree, and as postgres one asks the tests' own server.
        let root = machine.path("root").display().to_string();
        machine.stand_in(
            "bin/sudo",
            &format!(
                "[ \"$1\" = -u ] && shift 2
             for word; do
                 case \"$word\" in /etc/*|/usr/local/*) word={root}$word ;; esac
                 set -- \"$@\" \"$word\"; shift
             done
             exec \"$@\""
            ),
        );
        machine.stand_in("bin/apt-get", &format!("echo \"apt-get $*\" >> {log}; [ -e \"$2\" ]"));
        machine
            .stand_in("bin/crontab", "case $1 in -l) cat ~/crontab ;; -) cat > ~/.new && mv ~/.new ~/crontab ;; esac");
        machine.stand_in("bin/edit", &format!("sed -i 's/^YOUTUBE_API_KEY=$/&{KEY}/' \"$1\""));
        for name in ["bin/systemctl", "bin/journalctl", "bin/sudoedit", "clone/benches/compare"] {
            machine.stand_in(name, &format!("echo \"${{0##*/}} $*\" >> {log}"));
        }
        machine.stand_in("clone/packaging/deb", "mkdir -p target/debian && touch target/debian/trendfetch_1_amd64.deb");
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn stand_in(&self, name: &str, script: &str) {
        fs::write(self.path(name), format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Types a block: in the clone where it names files of it, else in the folder with the key. Whoever is asked for a
    /// key or a password answers with the key.
    fn types(&self, block: &str, cluster: Option<&Cluster>) -> Output {
        let of_clone = [".env.example", "packaging/", "benches/", "--path .", "cargo"];
        let is_of_clone = of_clone.iter().any(|word| block.contains(word));
        let folder = self.path(if is_of_clone { "clone" } else { "home/trends" });
        let mut command = in_folder("setsid", &folder);
        // A user without a crontab is told so, and goes on.
        command.args(["--wait", "sh", if block.contains("crontab -l") { "-c" } else { "-ec" }]);
        let mut folders = vec![self.path("bin"), self.path("home/.cargo/bin")];
        folders.extend(programs());
        folders.extend(["/usr/bin", "/bin"].map(PathBuf::from));
        command.env("PATH", std::env::join_paths(folders).unwrap());
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

    fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o777
    }
}

#[test]
fn every_command_runs_from_top_to_bottom() {
    if !are_installed(&["jq", "setsid"], "the commands of README.md") {
        return;
    }
    let machine = Machine::new();
    for block in blocks("sh") {
        let left_out = |why: &str| skip(why, block);
        let mut cluster = None;
        if block.contains("createdb") {
            cluster = Cluster::start("");
            if cluster.is_none() {
                continue;
            }
        }
        if block.contains("-f parquet") && !cfg!(feature = "parquet") {
            left_out("the program is built without its feature `parquet`");
            continue;
        }
        let output = machine.types(block, cluster.as_ref());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{block}\n{said}{}", String::from_utf8_lossy(&output.stdout));
        if block.contains("--demo --regions") {
            let shown = without_times(blocks("text")[0]);
            assert_eq!(without_times(&String::from_utf8(output.stdout).unwrap()), shown);
        }
    }

    let read = |name: &str| fs::read_to_string(machine.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    // The quick way ends in the very line that is explained below.
    let line = blocks("crontab")[0].lines().last().unwrap();
    assert_eq!(read("home/crontab"), format!("{line}\n"));
    assert!(read("home/trends/.env").contains(KEY));
    assert_eq!((machine.mode("home/trends/.env"), machine.mode("root/etc/trendfetch/key")), (0o600, 0o600));
    assert_eq!(
        (read("root/etc/trendfetch/key"), machine.mode("root/etc/trendfetch")),
        (format!("{KEY}\n{KEY}\n"), 0o700)
    );
    assert!(read("root/etc/systemd/system/trendfetch.service").contains("ExecStart=/usr/local/bin/trendfetch "));
    assert!(machine.path("root/usr/local/bin/trendfetch").exists());
    assert!(read("home/.local/share/man/man1/trendfetch.1").contains(".TH trendfetch"));
    assert!(read("home/.local/share/bash-completion/completions/trendfetch").contains("_trendfetch()"));
    let log = read("log");
    assert!(log.contains("systemctl enable --now trendfetch.timer"), "{log}");

    // What takes minutes is there under that name.
    let manifest = fs::read_to_string(Path::new(ROOT).join("Cargo.toml")).unwrap();
    for bench in log.split("cargo bench --bench ").skip(1).filter_map(|rest| rest.split_whitespace().next()) {
        assert!(manifest.contains(&format!("[[bench]]\nname = \"{bench}\"")), "{bench}");
    }
    assert!(Path::new(ROOT).join("benches/compare").exists() && Path::new(ROOT).join("packaging/deb").exists());
    assert!(log.contains("fuzz run") && Path::new(ROOT).join("tests/fuzz/targets/page.rs").exists());
}

/// systemd starts the unit of the README with its own hands; what the unit does is tried here.
#[test]
fn a_failure_is_told_by_mail() {
    let machine = Machine::new();
    machine.stand_in("bin/mail", "{ echo \"$*\"; cat; } > ~/mail");
    machine.stand_in("bin/journalctl", "echo \"$*\"");
    let command = blocks("ini")[0].lines().find_map(|line| line.strip_prefix("ExecStart=/bin/sh -c '")).unwrap();
    let command = command.strip_suffix('\'').unwrap().replace("%i", "trendfetch.service");
    fs::create_dir(machine.path("home/trends")).unwrap();
    assert!(machine.types(&command, None).status.success());
    let mail = fs::read_to_string(machine.path("home/mail")).unwrap();
    let expected = "-s trendfetch.service failed root\n--unit trendfetch.service --lines 20 --no-pager\n";
    assert_eq!(mail, expected);
}

/// A text with its seconds taken out, and the blanks before them, which depend on them.
fn without_times(text: &str) -> String {
    let is_time = |word: &&str| {
        let number = word.trim_start_matches('(').trim_end_matches('x');
        number.chars().all(|character| character.is_ascii_digit() || character == '.')
    };
    let words = |line: &str| {
        let words = line.split_whitespace().filter(|word| !word.contains('.') || !is_time(word));
        words.collect::<Vec<_>>().join(" ")
    };
    text.lines().map(words).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// The lines for cron, in a home with the program where they look for it: what they write is there, and whoever waits
/// for a call gets it after a run that went well and only then.
#[test]
fn the_lines_for_cron_do_what_the_readme_says() {
    if !are_installed(&["curl"], "the lines for cron of README.md") {
        return;
    }
    let commands: Vec<&str> = blocks("crontab")
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
fn a_log_of_json_is_asked_as_the_readme_says() {
    if !are_installed(&["jq"], "the question to a log of README.md") {
        return;
    }
    let server = Server::of_pages(&["a"]);
    let folder = TempDir::new().unwrap();
    let folder_of_program = Path::new(env!("CARGO_BIN_EXE_trendfetch")).parent().unwrap().to_owned();
    let said = blocks("sh").into_iter().find(|block| block.contains("run ended")).unwrap();
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
