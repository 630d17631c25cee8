//! What a person sees: the statistics of a run, and the table of its videos.

use std::process::Command;

use console::measure_text_width;
use serde_json::json;

use crate::harness::{Answer, KEY, Outcome, Run, Server, item};
use crate::tools::are_installed;

fn demo(arguments: &str) -> Outcome {
    Run::new(&arguments.split_whitespace().collect::<Vec<_>>()).without_key().finish()
}

/// The first column of the statistics' counts.
fn labels(stats: &str) -> Vec<&str> {
    let counts = stats.split("\n\n").nth(2).unwrap();
    counts.lines().map(|line| line.split("  ").next().unwrap()).collect()
}

#[test]
fn counts_of_zero_are_left_out() {
    let calm = demo("--demo=calm -r US").exits(0).stdout;
    assert_eq!(labels(&calm), ["Chart entries", "Distinct videos", "Requests", "Quota units", "Time"]);
    let limited = demo("--demo -r US,GB,PL").exits(0).stdout;
    assert_eq!(
        labels(&limited),
        [
            "Chart entries",
            "Distinct videos",
            "In two or more regions",
            "Most shared",
            "Requests",
            "Retries",
            "Rate limits",
            "Quota units",
            "Time"
        ]
    );
    for key in ["raw", "unique", "multi_region", "rate_limited"] {
        assert!(!limited.contains(key), "{key}");
    }
    // Without a video there is neither a count nor a list of them.
    let refused = demo("--demo=quota -r US").exits(4).stdout;
    let counts: Vec<&str> =
        refused.split("\n\n").nth(1).unwrap().lines().map(|line| line.split("  ").next().unwrap()).collect();
    assert_eq!(counts, ["Requests", "Quota units", "Time"]);
    assert!(!refused.contains("Top videos"), "{refused}");
}

/// Charts in which videos share their best rank, and some of these the number of regions and the views.
fn ordered_server() -> Server {
    Server::start(|hit| {
        let (chart, views): (&[&str], u32) = match hit.region() {
            "US" => (&["c", "a", "e", "f"], 5),
            "GB" => (&["b", "a", "d", "f"], 9),
            _ => (&["a", "e", "g"], 1),
        };
        let video = |id: &&str| {
            let mut video = item(id);
            video["statistics"]["viewCount"] = json!(views.to_string());
            if *id == "g" {
                video["statistics"] = json!({});
            }
            video
        };
        Answer::json(&json!({ "items": chart.iter().map(video).collect::<Vec<_>>() }))
    })
}

#[test]
fn top_videos_and_table_are_ordered_by_best_rank_regions_and_views() {
    let server = ordered_server();
    let stats = Run::on(&server, "-r US,GB,PL").finish().exits(0).stdout;
    let top = stats.split("\n\n").nth(1).unwrap();
    assert_eq!(
        top,
        "Top videos\n\
         Title of a  A channel  PL 1, US 2, +1\n\
         Title of b  A channel  GB 1\n\
         Title of c  A channel  US 1"
    );
    let table = Run::on(&server, "-r US,GB,PL -q -f table").finish().exits(0).stdout;
    assert_eq!(
        table,
        "#  Title       Channel    Views  Ranks             Video\n\
         1  Title of a  A channel      9  PL 1, US 2, GB 2  a\n\
         2  Title of b  A channel      9  GB 1              b\n\
         3  Title of c  A channel      5  US 1              c\n\
         4  Title of e  A channel      5  PL 2, US 3        e\n\
         5  Title of d  A channel      9  GB 3              d\n\
         6  Title of g  A channel      -  PL 3              g\n\
         7  Title of f  A channel      9  US 4, GB 4        f\n"
    );
}

#[test]
fn many_regions_share_a_row() {
    let all = demo("--demo=calm -r all -c 0 --timeout 60s").exits(0).stdout;
    let rows: Vec<&str> = all.split("\n\n").next().unwrap().lines().collect();
    assert_eq!(rows.len(), 2, "{all}");
    assert!(rows[1].starts_with("all 111") && rows[1].contains("5,550") && rows[1].ends_with("ok"), "{all}");
    let outage = demo("--demo=outage -r all -c 0 --retries 0 --timeout 60s").exits(3).stdout;
    let rows: Vec<&str> = outage.split("\n\n").next().unwrap().lines().collect();
    assert!(rows[1].starts_with("ZW") && rows[1].contains("failed: ") && rows[2].starts_with("110 others"), "{outage}");
}

#[test]
fn written_files_are_named_after_the_statistics() {
    let server = Server::start(|hit| match hit.region() {
        "PL" => Answer::new(503, ""),
        region => Answer::page(&["shared", region], None),
    });
    let last_lines = |arguments: &str, exit| {
        let outcome = Run::on(&server, &format!("-r US,GB {arguments}")).finish().exits(exit);
        outcome.stdout.rsplit_once("\n\n").unwrap().1.to_owned()
    };
    assert_eq!(
        last_lines("-o trends.json -o rows.csv --rows entries", 0),
        "wrote trends.json (3 videos)\nwrote rows.csv (4 entries)\n"
    );
    // A file that is left as it was, or cannot be written, is not named.
    assert_eq!(last_lines("-o /dev/full -o a.json", 1), "wrote a.json (3 videos)\n");
    assert!(last_lines("-r PL --retries 0 -o a.json --all-or-nothing", 3).contains("Time  "));
    // Beside data on standard output, they are on standard error.
    let outcome = Run::on(&server, "-r US -f ndjson -o - -o a.json").finish().exits(0);
    assert!(outcome.stdout.starts_with('{') && outcome.stderr.ends_with("\n\nwrote a.json (2 videos)\n"));
    let quiet = Run::on(&server, "-r US -q -o a.json").finish().exits(0);
    assert_eq!((&*quiet.stdout, &*quiet.stderr), ("", ""));
}

/// Titles that take more, or fewer, columns than characters.
const TITLES: [&str; 9] = [
    "日本語の題名がとても長い場合にも表の幅を越えてはならない、という話をもう少しだけ続けます",
    "❤\u{fe0f}❤\u{fe0f}❤\u{fe0f} ☀\u{fe0f}☀\u{fe0f}☀\u{fe0f} ❤\u{fe0f}❤\u{fe0f}❤\u{fe0f} ☀\u{fe0f}☀\u{fe0f}☀\u{fe0f} ❤\u{fe0f}❤\u{fe0f}❤\u{fe0f} ☀\u{fe0f}☀\u{fe0f}☀\u{fe0f}",
    "🇵🇱🇩🇪🇫🇷🇵🇱🇩🇪🇫🇷🇵🇱🇩🇪🇫🇷🇵🇱🇩🇪🇫🇷🇵🇱🇩🇪🇫🇷🇵🇱🇩🇪🇫🇷🇵🇱🇩🇪🇫🇷",
    "👩\u{200d}👩\u{200d}👧 family 👩🏽\u{200d}🚀 and 👨🏿\u{200d}🎤 on a stage, with 👩\u{200d}👩\u{200d}👧 again and again",
    "e\u{301}a\u{300}o\u{302}u\u{308} combining e\u{301}a\u{300}o\u{302}u\u{308} marks e\u{301}a\u{300}o\u{302}u\u{308} in a long title e\u{301}a\u{300}o\u{302}",
    "→ ambiguous ○●◎★☆ width ※§¶ → ambiguous ○●◎★☆ width ※§¶ → ambiguous ○●◎★☆ width",
    "क्षत्रिय मराठी गाणे, आणि खूप लांब शीर्षक जे टर्मिनलमध्ये मावत नाही, पुन्हा पुन्हा",
    "مرحبا بالعالم لا لا لا ﷺ ﷺ ﷺ هذا عنوان طويل جدا لا يناسب عرض الطرفية أبدا",
    "한국어 제목이 아주 길어서 터미널 너비를 넘으면 안 되는 경우를 확인하는 제목입니다",
];

fn titled_server() -> Server {
    Server::start(|_| {
        let video = |(index, title): (usize, &&str)| {
            let mut video = item(&format!("video-{index}"));
            video["snippet"]["title"] = json!(title);
            video["snippet"]["channelTitle"] = json!("世界の音楽チャンネル公式🎵");
            video
        };
        Answer::json(&json!({ "items": TITLES.iter().enumerate().map(video).collect::<Vec<_>>() }))
    })
}

/// What a run prints on a terminal that is this wide.
fn on_terminal(server: &Server, columns: usize, settings: &str, options: &str) -> String {
    let run =
        format!("{} -r US --progress never --base-url {} {options}", env!("CARGO_BIN_EXE_trendfetch"), server.base_url);
    let command = format!("stty rows 40 cols {columns}; env {settings} {run}");
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &command, "/dev/null"]).current_dir(std::env::temp_dir());
    script.env_clear().env("PATH", "/usr/bin:/bin").env("TERM", "xterm").env("YOUTUBE_API_KEY", KEY);
    let ended = script.output().unwrap();
    assert!(ended.status.success(), "{settings} {options}");
    String::from_utf8(ended.stdout).unwrap().replace("\r\n", "\n")
}

/// The text without its links (OSC 8), and their addresses.
fn without_links(text: &str) -> (String, Vec<String>) {
    let (mut plain, mut links) = (String::new(), Vec::new());
    for (index, part) in text.split("\u{1b}]8;;").enumerate() {
        match part.split_once("\u{1b}\\") {
            Some((link, text)) => {
                links.extend((!link.is_empty()).then(|| link.to_owned()));
                plain.push_str(text);
            }
            None => assert_eq!((index, plain.push_str(part)), (0, ())),
        }
    }
    (plain, links)
}

#[test]
fn the_table_is_never_wider_than_the_terminal() {
    if !are_installed(&["script", "stty"], "the table on a terminal") {
        return;
    }
    let server = titled_server();
    for columns in [30, 40, 60, 80, 140, 300] {
        for settings in ["", "VTE_VERSION=7000"] {
            let table = on_terminal(&server, columns, settings, "-q -f table");
            let (plain, links) = without_links(&table);
            assert_eq!(plain.lines().count(), 1 + TITLES.len(), "{table}");
            for line in plain.lines() {
                assert!(measure_text_width(line) <= columns, "{columns}: {line}");
            }
            let has_ids = plain.lines().skip(1).all(|line| line.contains("video-"));
            assert_eq!((has_ids, links.len()), if settings.is_empty() { (true, 0) } else { (false, TITLES.len()) });
            assert!(columns < 300 || !plain.contains('…'), "a wide terminal shows everything");
            let (stats, _) = without_links(&on_terminal(&server, columns, &format!("{settings} NO_COLOR=1"), ""));
            for line in stats.lines() {
                assert!(measure_text_width(line) <= columns.max(40), "{columns}: {line}");
            }
        }
    }
    let table = on_terminal(&server, 80, "VTE_VERSION=7000", "-q -f table");
    assert_eq!(without_links(&table).1[8], "https://www.youtube.com/watch?v=video-8");
}

#[test]
fn links_are_only_for_terminals_that_show_them() {
    if !are_installed(&["script", "stty"], "links on a terminal") {
        return;
    }
    let server = Server::of_pages(&["a"]);
    let has_link = |settings: &str, options: &str| {
        let table = on_terminal(&server, 80, settings, &format!("-q -f table {options}"));
        assert!(table.contains("Title of US-a"), "{table}");
        let has_link = table.contains("\u{1b}]8;;https://www.youtube.com/watch?v=US-a\u{1b}\\");
        assert_ne!(has_link, table.contains("  US-a\n"), "either a link or an id: {table}");
        has_link
    };
    assert!(
        has_link("VTE_VERSION=7000", "") && has_link("TERM=xterm-kitty", "") && has_link("TERM_PROGRAM=vscode", "")
    );
    assert!(has_link("VTE_VERSION=7000 NO_COLOR=1", "--color always"));
    for (settings, options) in [
        ("", ""),
        ("VTE_VERSION=7000 NO_COLOR=1", ""),
        ("VTE_VERSION=7000 TERM=dumb", ""),
        ("VTE_VERSION=7000", "--color never"),
        ("VTE_VERSION=7000 FORCE_HYPERLINK=0", ""),
    ] {
        assert!(!has_link(settings, options), "{settings} {options}");
    }
    // The statistics have them too.
    let is_linked = |settings: &str| on_terminal(&server, 80, settings, "").contains("\u{1b}]8;;https:");
    assert!(is_linked("VTE_VERSION=7000") && !is_linked("VTE_VERSION=7000 NO_COLOR=1"));
    // Never in a pipe or a file.
    let run = Run::on(&server, "-r US -f table -o - -o table.txt --color always");
    let outcome = run.env("FORCE_HYPERLINK", "1").finish().exits(0);
    assert!(!outcome.stdout.contains('\u{1b}') && outcome.stdout == outcome.read("table.txt"), "{}", outcome.stdout);
}

#[test]
fn a_table_in_a_pipe_is_whole_and_aligned() {
    let table = Run::on(&titled_server(), "-r US -q -f table").finish().exits(0).stdout;
    assert!(!table.contains('…'), "{table}");
    let position = |line: &str, text: &str| measure_text_width(line.split_once(text).unwrap().0);
    let mut lines = table.lines();
    let expected = position(lines.next().unwrap(), "Video");
    for (index, line) in lines.enumerate() {
        assert!(line.contains(&TITLES[index].replace('\u{200d}', "")), "{line}");
        assert_eq!(position(line, "video-"), expected, "{line}");
    }
}
