//! What a terminal gets: movement and colours, and neither where somebody asked for that.

use std::process::Command;

use crate::tools::are_there;

/// What the program writes to a terminal, under these settings.
fn shown(settings: &[&str], options: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let program = format!("{} --demo -r US,GB {options}", env!("CARGO_BIN_EXE_trendfetch"));
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--command", &program, "/dev/null"]).current_dir(&folder);
    command.env_clear().env("PATH", "/usr/bin:/bin").env("TERM", "xterm");
    command.envs(settings.iter().map(|setting| setting.split_once('=').unwrap()));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{settings:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_terminal_is_moved_and_coloured_unless_somebody_asked_for_peace() {
    if !are_there(&["script"], "what a terminal gets") {
        return;
    }
    // A line that is taken back, and a colour (ECMA-48, EL and SGR).
    let (moves, is_coloured) = (|text: &str| text.contains("\u{1b}[2K"), |text: &str| text.contains("\u{1b}[1m"));
    let usual = shown(&[], "");
    assert!(moves(&usual) && is_coloured(&usual), "{usual:?}");
    let in_ci = shown(&["CI=true"], "");
    assert!(!moves(&in_ci) && is_coloured(&in_ci), "{in_ci:?}");
    let without_colour = shown(&["NO_COLOR=1"], "");
    assert!(moves(&without_colour) && !is_coloured(&without_colour), "{without_colour:?}");
    let steady = shown(&[], "--progress never");
    assert!(!moves(&steady) && is_coloured(&steady), "{steady:?}");
    // A dumb terminal, or one that is read aloud, gets nothing but text.
    for (settings, options) in [(&["TERM=dumb"][..], ""), (&["NO_COLOR=1"], "--progress never")] {
        let plain = shown(settings, options);
        assert!(!plain.contains('\u{1b}') && plain.contains("Distinct videos"), "{plain:?}");
    }
    assert!(moves(&shown(&["CI=true"], "--progress always")), "who asks for it gets it");
}
