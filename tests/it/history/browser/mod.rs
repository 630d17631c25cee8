//! The `report` page in Chromium.

mod controls;

use fantoccini::Locator;
use fantoccini::key::Key;

use super::*;
use crate::webdriver::{Browser, View};

const VIEWS: [View; 3] = [View::DESKTOP, View::PHONE, View { width: 768, is_dark: false, has_scripts: true }];

/// A title that tries to break out of any markup around it.
const HOSTILE: &str = r#"</script><img src=x onerror=document.title='got'>'"--><svg onload=document.title='got'>"#;

/// Runs `test` with a browser and a page generated with these options. Skipped if there is no browser.
fn in_a_browser(options: &str, test: impl AsyncFnOnce(&Browser, &Path)) {
    in_a_browser_with(&history(), options, test);
}

fn in_a_browser_with(store: &Store, options: &str, test: impl AsyncFnOnce(&Browser, &Path)) {
    let made = command(store, &format!("report -o page.html {options}")).finish().exits(0);
    let page = made.folder.path().join("page.html");
    wait(async {
        if let Some(browser) = Browser::start().await {
            test(&browser, &page).await;
            browser.client.close().await.unwrap();
        }
    });
}

/// Titles in many scripts, and the hostile one.
const TITLES: [&str; 8] = [
    "Zażółć gęślą jaźń",
    "हिन्दी में एक शीर्षक",
    "عنوان باللغة العربية من اليمين إلى اليسار",
    "한국어 제목",
    "👩‍👩‍👧‍👦 emoji 🎵",
    HOSTILE,
    "Averyveryveryveryveryverylongwordthatdoesnotendandhasnowheretobreakandgoesonandonandon",
    "",
];

/// A history with everything that a page can show: moves, a failed region, a missing run, categories.
fn history() -> Store {
    let store = Store::sqlite();
    let now = now();
    for hour in [42, 35, 28, 14, 7, 0] {
        let ids = |by: i64| -> Vec<String> {
            (0..24).map(|index| format!("v{}", (index * 7 + (42 - hour) / 7 * by) % 30)).collect()
        };
        let mut charts = vec![chart("US", &ids(1)), chart("GB", &ids(2)), chart("PL", &ids(3))];
        charts.push(if hour % 14 == 0 { failed("AT", ErrorKind::RateLimited) } else { chart("AT", &ids(1)) });
        let mut run = document(hours(now, -hour), charts);
        for video in &mut run.videos {
            let number: usize = video.video.id[1..].parse().unwrap();
            video.video.title = TITLES[number % TITLES.len()].into();
            video.video.channel = if number == 5 { HOSTILE.into() } else { "A channel".into() };
            video.video.category = Some(Category::new([10, 20, 24, 1, 2, 17, 22, 23, 25, 26, 27][number % 11]));
            video.video.channel_id = Some(format!("UC{number}").into());
            video.video.views = Some(number as u64 * 1_234_567);
            video.video.thumbnail = Some("https://i.ytimg.com/vi/x/maxresdefault.jpg".into());
        }
        record(&store, &run);
    }
    store
}

/// How many charts are unfolded.
const CHARTS: &str = "[...document.querySelectorAll('.chart')].filter((chart) => chart.checkVisibility()).length";

#[test]
fn a_page_loads_nothing_and_logs_no_errors() {
    in_a_browser("", async |browser, page| {
        for view in VIEWS {
            browser.requests().await;
            browser.open(page, view).await;
            assert_eq!(browser.requests().await, [url::Url::from_file_path(page).unwrap().to_string()]);
            assert_eq!(browser.log().await, [""; 0], "{view:?}");
        }
    });
}

#[test]
fn thumbnails_are_loaded_from_one_host_only() {
    in_a_browser("--thumbnails -r US", async |browser, page| {
        browser.requests().await;
        browser.open(page, View::DESKTOP).await;
        let requests = browser.requests().await;
        let (files, thumbnails): (Vec<_>, Vec<_>) = requests.iter().partition(|url| url.starts_with("file:"));
        assert_eq!(files.len(), 1);
        assert!(!thumbnails.is_empty());
        assert!(thumbnails.iter().all(|url| url.starts_with("https://i.ytimg.com/")), "{thumbnails:?}");
    });
}

#[test]
fn hostile_titles_are_inert() {
    in_a_browser("", async |browser, page| {
        browser.open(page, View::DESKTOP).await;
        assert!(browser.client.title().await.unwrap().starts_with("YouTube’s most popular videos, "));
        assert_eq!(browser.value("document.querySelectorAll('img, [onerror], [onload]').length").await, 0);
        let shown =
            format!("[...document.querySelectorAll('a')].some((link) => link.textContent === {})", json!(HOSTILE));
        assert_eq!(browser.value(&shown).await, true);
    });
}

#[test]
fn nothing_overflows_the_screen() {
    in_a_browser("--thumbnails", async |browser, page| {
        for width in [320, 360, 768, 1200] {
            let view = View { width, is_dark: false, has_scripts: true };
            browser.open(page, view).await;
            // With all details open. Content of scrolling elements may be wider, and long labels are cut.
            let wide = "(() => {
                for (const part of document.querySelectorAll('details')) part.open = true;
                const all = [...document.querySelectorAll('body *:not(.skip)')].filter((e) => !e.closest('.scroll *, svg *, .rank-plot li *, form [hidden]'));
                return all.filter((e) => e.getBoundingClientRect().right > innerWidth + 0.5).map((e) => e.outerHTML.slice(0, 80));
            })()";
            assert_eq!(browser.value(wide).await, json!([]), "{width}");
            assert_eq!(browser.value("document.documentElement.scrollWidth <= innerWidth").await, true, "{width}");
        }
    });
}

#[test]
fn axe_finds_no_serious_violation() {
    in_a_browser("--thumbnails", async |browser, page| {
        for width in [360, 1200] {
            for is_dark in [false, true] {
                browser.open(page, View { width, is_dark, has_scripts: true }).await;
                browser.value("[...document.querySelectorAll('details')].forEach((part) => part.open = true)").await;
                assert_eq!(browser.axe().await, [""; 0], "{width}, dark: {is_dark}");
            }
        }
    });
}

#[test]
fn without_scripts_everything_is_shown_except_controls() {
    in_a_browser("", async |browser, page| {
        browser.open(page, View { has_scripts: false, ..View::DESKTOP }).await;
        assert_eq!(browser.value("document.querySelectorAll('details.region').length").await, 4);
        assert_eq!(browser.value("document.querySelector('.controls').checkVisibility()").await, false);
        assert_eq!(browser.value("document.querySelectorAll('button:not(.controls *)').length").await, 0);
        // Folded parts can be unfolded.
        let summary = browser.client.find(Locator::Css("details.full summary")).await.unwrap();
        assert_eq!(browser.value(CHARTS).await, 0);
        summary.send_keys(&Key::Enter.to_string()).await.unwrap();
        assert_eq!(browser.value(CHARTS).await, 1);
    });
}

#[test]
fn a_printed_page_has_all_charts_and_no_controls() {
    in_a_browser("", async |browser, page| {
        browser.open(page, View::DESKTOP).await;
        // Printing uses the light theme even if the screen is dark.
        let dark = json!({"name": "prefers-color-scheme", "value": "dark"});
        browser.devtools("Emulation.setEmulatedMedia", json!({"media": "print", "features": [dark]})).await;
        assert_eq!(browser.value("document.querySelector('.controls').checkVisibility()").await, false);
        assert_eq!(browser.value(CHARTS).await, 4);
        assert_eq!(browser.value("document.querySelector('details.data').checkVisibility()").await, false);
        let paper = "getComputedStyle(document.body).backgroundColor";
        assert_eq!(browser.value(paper).await, "rgb(253, 253, 252)");
    });
}
