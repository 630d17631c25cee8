//! Progress and colours on a terminal, and the settings that turn them off.

use std::process::Command;
use std::thread;

use crate::tools::are_installed;

/// The output of the program on a terminal, with these environment variables.
fn output(settings: &[&str], options: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let program = format!("{} --demo -r US,GB {options}", env!("CARGO_BIN_EXE_trendfetch"));
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--command", &program, "/dev/null"]).current_dir(&folder);
    command.env_clear().env("PATH", "/usr/bin:/bin").env("TERM", "xterm");
    command.envs(settings.iter().map(|setting| setting.split_once('=').unwrap()));
    let ended = command.output().unwrap();
    assert!(ended.status.success(), "{settings:?}");
    String::from_utf8(ended.stdout).unwrap()
}

#[test]
fn a_terminal_gets_progress_and_colours_unless_turned_off() {
    if !are_installed(&["script"], "what a terminal gets") {
        return;
    }
    // The settings, whether lines are erased, and whether text has a style.
    let cases: [(&[&str], &str, bool, bool); 7] = [
        (&[], "", true, true),
        (&["CI=true"], "", false, true),
        (&["CI=true"], "--progress always", true, true),
        (&["NO_COLOR=1"], "", true, false),
        (&[], "--progress never", false, true),
        // A dumb terminal, or a screen reader, gets plain text.
        (&["TERM=dumb"], "", false, false),
        (&["NO_COLOR=1"], "--progress never", false, false),
    ];
    thread::scope(|scope| {
        for (settings, options, moves, is_coloured) in cases {
            scope.spawn(move || {
                let shown = output(settings, options);
                // Erase in line, and select graphic rendition (ECMA-48).
                let found = (shown.contains("\u{1b}[2K"), shown.contains("\u{1b}[1m"));
                assert_eq!(found, (moves, is_coloured), "{settings:?} {options}: {shown:?}");
                assert!(moves || is_coloured || !shown.contains('\u{1b}'), "{shown:?}");
                assert!(shown.contains("Distinct videos"), "{shown:?}");
            });
        }
    });
}
