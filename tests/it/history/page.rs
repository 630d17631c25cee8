//! The text of the `report` page.

use super::*;

on_both_engines! {
    alerts_come_first
    a_page_shows_moves_and_time_in_chart
    videos_that_entered_are_listed_over_all_regions
    peaks_and_runs_count_complete_charts_only
    regions_and_category_can_be_selected
    a_run_dated_in_the_future_is_not_shown
    the_old_page_is_kept_when_there_is_nothing_to_show
}

const PAGE: &str = "page.html";

/// Runs `report` on a history.
fn report_history(store: &Store, options: &str) -> Outcome {
    command(store, &format!("report -o {PAGE} {options}")).file(PAGE, "old").finish()
}

/// Runs `report` on the document of one run.
fn report_document(run: &Document, options: &str) -> Outcome {
    let document = serde_json::to_string(run).unwrap();
    let arguments = format!("report --from document.json -o {PAGE} {options}");
    let run = Run::new(&arguments.split_whitespace().collect::<Vec<_>>());
    run.file("document.json", &document).file(PAGE, "old").finish()
}

/// The text without the tags, each piece on its own line.
fn text_of(html: &str) -> String {
    let pieces = html.split('<').map(|piece| piece.split_once('>').map_or(piece, |(_, text)| text).trim());
    pieces.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n")
}

/// The text above the charts.
fn header(html: &str) -> String {
    text_of(between(html, "<header>", "</header>"))
}

/// The text of a region's section.
fn section(html: &str, code: &str) -> String {
    text_of(&section_html(html, code))
}

fn section_html(html: &str, code: &str) -> String {
    between(html, &format!("<div class=\"body\" id=\"{code}\">"), "</div>\n</details>\n").to_owned()
}

#[track_caller]
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let (_, after) = text.split_once(from).unwrap_or_else(|| panic!("no {from:?} in {text}"));
    after.split_once(to).unwrap_or_else(|| panic!("no {to:?} after {from:?}")).0
}

fn alerts_come_first(store: Store) {
    let now = now();
    record(&store, &document(days(now, -3), vec![chart("GB", &["a"])]));
    let first = vec![chart("US", &["a", "b"]), chart("PL", &["a"]), failed("AT", ErrorKind::Timeout)];
    record(&store, &document(hours(now, -7), first));
    let second =
        vec![chart("US", &["b", "a"]), partial("PL", &["c"], ErrorKind::RateLimited), failed("AT", ErrorKind::Timeout)];
    record(&store, &document(now, second));

    let html = report_history(&store, "").exits(0).read(PAGE);
    let expected = "Needs attention\nFailed last time (no response in time):\nAT\nabout timeout\nIncomplete last time \
                (too many requests):\nPL\nabout rate_limited\nNo chart at all:\nAT\nCharts more than a day old:\nGB (";
    assert!(header(&html).contains(expected), "{}", header(&html));
    // The region's section repeats it and shows the last complete chart.
    let poland = section(&html, "PL");
    assert!(poland.contains("was not complete: partial: too many requests."), "{poland}");
    assert!(poland.contains("Title of a") && !poland.contains("Title of c"), "{poland}");
    assert!(section(&html, "AT").contains("No complete chart yet; failed: no response in time."));
}

fn a_page_shows_moves_and_time_in_chart(store: Store) {
    let now = now();
    record(&store, &document(hours(now, -31), vec![chart("PL", &["c", "a"])]));
    record(&store, &document(hours(now, -7), vec![chart("PL", &["a", "b", "c", "d", "f"])]));
    record(&store, &document(now, vec![chart("PL", &["e", "c", "b", "d", "g"])]));
    let html = report_history(&store, "").exits(0).read(PAGE);
    let poland = section(&html, "PL");
    assert!(poland.contains("\n: 2 new, 0 returned, 2 left, 1 rose, 1 fell, 0 pushed."), "{poland}");
    let lists = "New\n2\n1\nTitle of e\n5\nTitle of g\nLeft\n2\nwas 1\nTitle of a\nwas 5\nTitle of f\n\
                 Rose\n1\n3 → 2\nTitle of c\nFell\n1\n2 → 3\nTitle of b\n";
    assert!(poland.contains(lists), "{poland}");
    let rows = "1\nnew\nTitle of e\nA channel\n–\n1,000\n–\n1\n1\nnow\n\
                2\n+1\nTitle of c\nA channel\n–\n1,000\n0\n1\n3\n1d 7h ago\n\
                3\n−1\nTitle of b\nA channel\n–\n1,000\n0\n2\n2\n7h 0m ago\n4\n–\nTitle of d";
    assert!(poland.contains(rows), "{poland}");
    // The rank plot, and its table.
    let table =
        "Title of e\n–\n–\n1\nTitle of c\n1\n3\n2\nTitle of b\n–\n2\n3\nTitle of d\n–\n4\n4\nTitle of g\n–\n–\n5";
    assert!(poland.contains(table), "{poland}");
    assert!(html.contains(r#" d="M12 1l756 4l220 -2"/>"#), "{html}");
}

fn videos_that_entered_are_listed_over_all_regions(store: Store) {
    let now = now();
    record(&store, &document(hours(now, -14), vec![chart("PL", &["back", "a"]), chart("US", &["a", "b"])]));
    record(&store, &document(hours(now, -7), vec![chart("PL", &["a", "gone"]), chart("US", &["a", "b"])]));
    let mut run = document(now, vec![chart("PL", &["back", "a", "hit"]), chart("US", &["hit", "a", "b"])]);
    let hit = run.videos.iter_mut().find(|merged| merged.video.id == "a").unwrap();
    (hit.video.views, hit.video.channel_id) = (Some(13_345), Some("UC123".into()));
    record(&store, &run);
    let html = report_history(&store, "").exits(0).read(PAGE);
    let facts = text_of(between(&html, "<dl class=\"facts\">", "</dl>"));
    assert_eq!(facts, "Regions\n2\nVideos\n4\nNew videos\n1\nReturned\n1\nLeft a chart\n1");
    let part = |id: &str| text_of(between(&html, &format!("<h2 id=\"{id}\">"), "</section>"));
    let rows = "Title of hit\nA channel\n2\n1\n1,000\nUS 1, PL 3\nTitle of back\nA channel\n1\n1\n1\n1,000\nPL 1";
    assert!(part("entered").ends_with(rows), "{}", part("entered"));
    let row = "Title of a\nA channel\n2\n2\n13,345\n+12,345\nPL 2, US 2";
    assert!(part("widespread").contains(row), "{}", part("widespread"));
    let poland = section(&html, "PL");
    assert!(poland.contains("1\nreturned\nTitle of back\nA channel\n–\n1,000\n–\n1\n2\n14h 0m ago\n"), "{poland}");
    assert!(poland.contains("2\n−1\nTitle of a\nA channel\n–\n13,345\n+12,345\n1\n3\n14h 0m ago\n"), "{poland}");
    assert!(html.contains("<a dir=auto href=\"https://www.youtube.com/channel/UC123\">A channel</a>"));
}

/// Partial and failed runs count neither for the peak nor for the runs, and no other category does.
fn peaks_and_runs_count_complete_charts_only(store: Store) {
    let now = now();
    record(&store, &document(hours(now, -28), vec![chart("PL", &["a", "b", "c"])]));
    record(&store, &document(hours(now, -21), vec![partial("PL", &["c"], ErrorKind::Timeout)]));
    let mut music = document(hours(now, -15), vec![chart("PL", &["c"])]);
    music.request.category_id = Some(10);
    record(&store, &music);
    record(&store, &document(hours(now, -14), vec![chart("PL", &["a", "c", "b"])]));
    record(&store, &document(now, vec![chart("PL", &["b", "a", "c"])]));
    let html = report_history(&store, "--category all").exits(0).read(PAGE);
    let rows = text_of(between(&section_html(&html, "PL"), "<tbody>\n<tr><td class=rank>", "</table>"));
    let facts: Vec<&str> = rows.lines().filter(|line| line.chars().all(|char| char.is_ascii_digit())).collect();
    // Rank, gained views, peak, runs of each of b, a and c.
    assert_eq!(facts, ["1", "0", "1", "3", "2", "0", "1", "3", "3", "0", "2", "3"], "{rows}");
    assert!(section(&html, "PL").contains("the last 3 complete charts"), "{}", section(&html, "PL"));
}

fn regions_and_category_can_be_selected(store: Store) {
    let now = now();
    let mut music = document(hours(now, -2), vec![chart("PL", &["song"])]);
    music.request.category_id = Some(10);
    record(&store, &music);
    record(&store, &document(hours(now, -1), vec![chart("GB", &["a"]), chart("PL", &["b"]), chart("US", &["c"])]));

    // By default every category, and its regions by name.
    let html = report_history(&store, "").exits(0).read(PAGE);
    let position = |html: &str, code: &str| html.find(&format!(" id=\"{code}\">"));
    let sections = ["all-PL", "all-GB", "all-US", "music-PL"].map(|id| position(&html, id).unwrap());
    assert!(sections.is_sorted(), "{sections:?}");
    assert!(header(&html).ends_with("All categories\nMusic"), "{}", header(&html));
    // The given regions, in that order.
    let outcome = report_history(&store, "-r us,AT,GB --category all").exits(0);
    assert!(outcome.stderr.contains("AT: not requested by any run of the last 30 days"), "{}", outcome.stderr);
    let html = outcome.read(PAGE);
    assert!(
        position(&html, "US") < position(&html, "GB")
            && position(&html, "PL").is_none()
            && position(&html, "AT").is_none()
    );
    // A single category looks as if there were no others.
    let html = report_history(&store, "--category music").exits(0).read(PAGE);
    assert!(
        html.contains("<h1>YouTube’s most popular videos: Music</h1>")
            && section(&html, "PL").contains("Title of song")
    );
    let outcome = report_history(&store, "--category 23").exits(1);
    assert!(outcome.stderr.contains("the history has no run of that category"), "{}", outcome.stderr);
    assert_eq!(outcome.read(PAGE), "old");
}

/// A job that runs every seven hours, last an hour ago, and dropped PL this many runs ago.
fn job_that_dropped_poland(runs_ago: i64) -> Store {
    let store = Store::sqlite();
    for run in (0..runs_ago + 8).rev() {
        let mut charts = vec![chart("US", &["a"]), chart("GB", &["b"])];
        charts.extend((run >= runs_ago).then(|| chart("PL", &["c"])));
        record(&store, &document(hours(now(), -1 - 7 * run), charts));
    }
    store
}

#[test]
fn a_region_dropped_from_a_job_does_not_make_others_overdue() {
    let html = report_history(&job_that_dropped_poland(10), "").exits(0).read(PAGE);
    assert!(header(&html).contains("\nPL: no run since "), "{}", header(&html));
    assert!(!header(&html).contains("US") && !header(&html).contains("GB"), "{}", header(&html));
    // After a week it is only a note, and so is a region that failed once and was not requested again.
    let store = job_that_dropped_poland(26);
    record(&store, &document(hours(now(), -200), vec![failed("XX", ErrorKind::RegionUnsupported)]));
    let html = report_history(&store, "").exits(0).read(PAGE);
    let header = header(&html);
    assert!(!header.contains("Needs attention") && header.contains("\nNo longer fetched: PL, XX (last "), "{header}");
    assert!(section(&html, "PL").contains("Title of c"));
}

#[test]
fn ranks_below_the_limit_of_a_run_are_unknown() {
    let store = Store::sqlite();
    for (hour, depth, ids) in [(3, 50, "a b c d e"), (2, 2, "a b"), (1, 50, "a b d c f")] {
        let ids: Vec<&str> = ids.split(' ').collect();
        let mut run = document(hours(now(), -hour), vec![chart("PL", &ids)]);
        run.request.max_results = depth;
        record(&store, &run);
    }
    let html = report_history(&store, "").exits(0).read(PAGE);
    let table = "Title of b\n2\n2\n2\nTitle of d\n4\n?\n3\nTitle of c\n3\n?\n4\nTitle of f\n–\n?\n5";
    assert!(section(&html, "PL").contains(table), "{}", section(&html, "PL"));
    assert!(html.contains(r#"<rect class="unknown" x="256" y="4" width="488" height="16"/>"#), "{html}");
}

fn a_run_dated_in_the_future_is_not_shown(store: Store) {
    record(&store, &document(hours(now(), -1), vec![chart("PL", &["a"])]));
    record(&store, &document(days(now(), 2), vec![chart("PL", &["b"])]));
    let html = report_history(&store, "").exits(0).read(PAGE);
    assert!(section(&html, "PL").contains("Title of a") && !html.contains("Title of b"));
}

fn the_old_page_is_kept_when_there_is_nothing_to_show(store: Store) {
    wait(async { drop(history::open(&location(&store), Access::Create).await.unwrap()) });
    let outcome = report_history(&store, "").exits(1);
    assert_eq!(outcome.stderr, "error: the history has no run yet; a run with --store adds one\n");
    assert_eq!(outcome.read(PAGE), "old");
    record(&store, &document(now(), vec![failed("PL", ErrorKind::Timeout), chart::<&str>("US", &[])]));
    for options in ["", "-r PL", "-r AT"] {
        let outcome = report_history(&store, options).exits(1);
        assert!(
            outcome.stderr.ends_with("error: there is no chart to show; page.html is left as it was\n"),
            "{options}"
        );
        assert_eq!(outcome.read(PAGE), "old");
    }
}

#[test]
fn both_backends_produce_the_same_page() {
    let Some(postgres) = Store::postgres() else { return };
    let sqlite = Store::sqlite();
    let now = now();
    let rotated = |count: usize, by: usize| -> Vec<String> {
        (0..count).map(|index| format!("v{}", (index * 7 + by * 3) % 30)).collect()
    };
    for hour in [35, 28, 21, 14, 7, 0] {
        let by = hour as usize;
        let mut charts = vec![chart("US", &rotated(25, by)), chart("PL", &rotated(20, by + 1))];
        charts.push(if hour == 14 { failed("GB", ErrorKind::ServerError) } else { chart("GB", &rotated(30, by)) });
        let mut run = document(hours(now, -hour), charts);
        for (index, video) in run.videos.iter_mut().enumerate() {
            video.video.category = [None, Some(Category::new(10)), Some(Category::new(20))][index % 3];
            video.video.declared_language = [None, Language::new("pl")][index % 2];
            video.video.thumbnail = Some("https://i.ytimg.com/vi/x/maxresdefault.jpg".into());
        }
        record(&sqlite, &run);
        record(&postgres, &run);
    }
    // Apart from the time when it was generated.
    let page = |store: &Store| {
        let html = report_history(store, "--thumbnails").exits(0).read(PAGE);
        let made = between(&html, "Generated ", " from").to_owned();
        html.replace(&format!("Generated {made}"), "Generated then")
    };
    assert_eq!(page(&sqlite), page(&postgres));
}

#[test]
fn a_document_makes_a_page_without_changes() {
    let mut charts =
        vec![chart("US", &["a", "b"]), partial("PL", &["a"], ErrorKind::ServerError), failed("AT", ErrorKind::Connect)];
    charts[1].entries[0].rank = 3;
    let run = document(hours(now(), -1), charts);
    let html = report_document(&run, "").exits(0).read(PAGE);
    assert!(header(&html).contains(&format!("({}). Changes between runs require a history.", run.run_id)));
    assert!(
        header(&html).contains("Incomplete last time (the server reported an error):\nPL\nabout server_error"),
        "{}",
        header(&html)
    );
    assert!(header(&html).contains("Failed last time (no connection):\nAT"), "{}", header(&html));
    // A partial chart is shown with its ranks. Nothing refers to earlier charts.
    assert!(section(&html, "PL").contains("3\nTitle of a\nA channel"), "{}", section(&html, "PL"));
    let main = text_of(between(&html, "<main", "</main>"));
    assert!(!main.contains("Change\n") && !main.contains("Entered") && !main.contains("Returned"), "{main}");
    assert!(text_of(&html).contains("US 1, PL 3"), "{}", text_of(&html));
    // Standard input and standard output work too.
    let mut piped = Run::new(&["report", "--from", "-", "-o", "-", "-r", "pl,SE"]);
    piped = piped.file("document.json", &serde_json::to_string(&run).unwrap());
    piped.command.stdin(fs::File::open(piped.path("document.json")).unwrap());
    let outcome = piped.finish().exits(0);
    assert!(outcome.stdout.starts_with("<!doctype html>") && !outcome.stdout.contains("id=\"US\""));
    assert!(outcome.stderr.contains("SE: not in the document"), "{}", outcome.stderr);
    let nothing = Run::new(&["report", "--from", "-", "-o", PAGE]).finish().exits(1);
    assert!(nothing.stderr.contains("standard input is not a trendfetch JSON document"), "{}", nothing.stderr);
    // A run without videos, and a file that is not a document.
    let outcome = report_document(&document(now(), vec![failed("US", ErrorKind::Connect)]), "").exits(1);
    assert_eq!(outcome.read(PAGE), "old");
    let broken = Run::new(&["report", "--from", "x.json", "-o", PAGE]).file("x.json", "{").file(PAGE, "old").finish();
    assert_eq!(broken.exits(1).read(PAGE), "old");
}

#[test]
fn a_page_names_its_source_and_the_date_to_delete_it() {
    let mut run = document(at("2026-11-20T12:00:00Z"), vec![chart("US", &["a"])]);
    let footer =
        |run: &Document| text_of(between(&report_document(run, "").exits(0).read(PAGE), "<footer>", "</footer>"));
    let youtube = footer(&run);
    assert!(youtube.starts_with("Source of all charts: YouTube,"), "{youtube}");
    assert!(youtube.contains("YouTube Terms of Service\n·\nGoogle Privacy Policy\n"), "{youtube}");
    assert!(youtube.contains("Delete this page, or generate it again, by 2026-12-20."), "{youtube}");
    run.source = "demo".into();
    let demo = footer(&run);
    let html = report_document(&run, "").exits(0).read(PAGE);
    assert!(header(&html).starts_with("Demo charts (invented data)\n"), "{}", header(&html));
    assert!(demo.contains("They are invented") && !demo.contains("Terms of Service"), "{demo}");
    run.source = "127.0.0.1".into();
    assert!(footer(&run).starts_with("Source of all charts: the server 127.0.0.1."));
}

#[test]
fn a_page_loads_nothing() {
    let mut run = document(now(), vec![chart("US", &["a", "b"])]);
    run.videos[0].video.thumbnail = Some("https://i.ytimg.com/vi/a/maxresdefault.jpg".into());
    run.videos[1].video.thumbnail = Some("https://i.ytimg.com.example.org/b.jpg".into());
    let html = report_document(&run, "").exits(0).read(PAGE);
    let policy = |html: &str| between(html, "Content-Security-Policy\" content=\"", "\"").to_owned();
    let hash = |policy: &str, kind: &str| between(policy, &format!("{kind}-src '"), "'").to_owned();
    let without = policy(&html);
    let expected = format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'",
        hash(&without, "style"),
        hash(&without, "script")
    );
    assert_eq!(without, expected);
    for remote in [" src=", "url(", "@import", "<link", "<iframe", "<object", "<embed", "<base", "style=", " on"] {
        let tags: Vec<&str> =
            html.split('<').filter(|tag| !tag.starts_with("script") && !tag.starts_with("style")).collect();
        assert!(!tags.iter().any(|tag| tag.split('>').next().unwrap().contains(remote)), "{remote}");
    }
    // Thumbnails come from one host, which the policy names.
    let html = report_document(&run, "--thumbnails").exits(0).read(PAGE);
    assert_eq!(policy(&html), without.replace("; base-uri", "; img-src https://i.ytimg.com; base-uri"));
    let thumbnails: Vec<&str> = html.split("<img src=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(thumbnails, ["https://i.ytimg.com/vi/a/maxresdefault.jpg"]);
}

#[test]
fn a_page_stays_small_and_says_what_it_omits() {
    let charts = |depth: usize| -> Vec<RegionChart> {
        let ids = |region: Region| (0..depth).map(move |index| format!("{region}_{index}"));
        Region::all().map(|region| chart(region.code(), &ids(region).collect::<Vec<_>>())).collect()
    };
    let mut run = document(now(), charts(200));
    run.request.max_results = 200;
    run.videos.iter_mut().for_each(|video| video.video.title = "Zażółć gęślą jaźń ".repeat(5).into());
    let html = report_document(&run, "").exits(0).read(PAGE);
    assert!(html.len() < 2_000_000, "{}", html.len());
    assert!(header(&html).contains("this page shows only the first 50 of up to 200 entries"), "{}", header(&html));
    assert!(section(&html, "PL").contains("The first 50 of 200 entries"));
    // With fewer regions it shows everything.
    let html = report_document(&run, "-r PL,US").exits(0).read(PAGE);
    assert!(!header(&html).contains("To stay small") && html.matches("<td class=entries>200<").count() == 2);
}

#[test]
fn wrong_arguments_are_rejected() {
    for (arguments, message) in [
        ("report --store x.db", "--output <FILE>"),
        ("report -o page.html", "no history given; use --store or TRENDFETCH_STORE"),
        ("report --from a.json --store x.db -o page.html", "cannot be used with"),
        ("report --from a.json --category 10 -o page.html", "cannot be used with"),
        ("report --from a.json -r UK -o page.html", "did you mean GB?"),
    ] {
        let outcome = Run::new(&arguments.split_whitespace().collect::<Vec<_>>()).finish().exits(2);
        assert!(outcome.stderr.contains(message), "{arguments}: {}", outcome.stderr);
        assert_eq!(outcome.files(), [""; 0]);
    }
    let outcome = Run::new(&["report", "--store", "x.db", "-o", PAGE]).finish().exits(1);
    assert!(outcome.stderr.contains("there is no such file") && outcome.files().is_empty(), "{}", outcome.stderr);
    // A missing folder.
    let run = document(now(), vec![chart("US", &["a"])]);
    let mut missing = Run::new(&["report", "--from", "document.json", "-o", "there/page.html"]);
    missing = missing.file("document.json", &serde_json::to_string(&run).unwrap());
    let outcome = missing.finish().exits(1);
    assert!(
        outcome.stderr.contains("cannot write there/page.html") && outcome.stderr.contains("create the folder first")
    );
}

#[test]
fn a_history_and_a_document_are_never_overwritten() {
    let store = Store::sqlite();
    record(&store, &document(now(), vec![chart("US", &["a"])]));
    let before = fs::read(&store.url).unwrap();
    let link = store.folder.path().join("link.html");
    std::os::unix::fs::symlink(&store.url, &link).unwrap();
    for output in [store.url.as_str(), link.to_str().unwrap()] {
        let outcome = command(&store, &format!("report -o {output}")).finish().exits(2);
        assert!(outcome.stderr.contains("is what the page is made from"), "{}", outcome.stderr);
        let outcome = command(&store, &format!("--demo=calm -r US -q -o {output}")).finish().exits(2);
        assert!(outcome.stderr.contains("is the history itself"), "{}", outcome.stderr);
        assert_eq!(fs::read(&store.url).unwrap(), before);
    }
    let document = serde_json::to_string(&document(now(), vec![chart("US", &["a"])])).unwrap();
    let run = Run::new(&["report", "--from", "a.json", "-o", "./a.json"]).file("a.json", &document);
    assert_eq!(run.finish().exits(2).read("a.json"), document);
    // A file that does not exist yet.
    let outcome = Run::new(&["--demo=calm", "-r", "US", "-q", "--store", "new.db", "-o", "./new.db"]).finish().exits(2);
    assert_eq!(outcome.files(), [""; 0]);
}
