//! Progress and colours on a terminal, and the settings that turn them off.

use std::process::Command;

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
    // An erased line, and a style (ECMA-48, EL and SGR).
    let (moves, is_coloured) = (|text: &str| text.contains("\u{1b}[2K"), |text: &str| text.contains("\u{1b}[1m"));
    let default = output(&[], "");
    assert!(moves(&default) && is_coloured(&default), "{default:?}");
    let in_ci = output(&["CI=true"], "");
    assert!(!moves(&in_ci) && is_coloured(&in_ci), "{in_ci:?}");
    let without_colour = output(&["NO_COLOR=1"], "");
    assert!(moves(&without_colour) && !is_coloured(&without_colour), "{without_colour:?}");
    let steady = output(&[], "--progress never");
    assert!(!moves(&steady) && is_coloured(&steady), "{steady:?}");
    // A dumb terminal, or a screen reader, gets plain text.
    for (settings, options) in [(&["TERM=dumb"][..], ""), (&["NO_COLOR=1"], "--progress never")] {
        let plain = output(settings, options);
        assert!(!plain.contains('\u{1b}') && plain.contains("Distinct videos"), "{plain:?}");
    }
    assert!(moves(&output(&["CI=true"], "--progress always")));
}
