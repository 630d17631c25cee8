//! The controls of the `report` page: search, filters, switch, sorting, plots, folds.

use super::*;

#[test]
fn charts_can_be_sorted_by_keyboard() {
    in_a_browser("-r US", async |browser, page| {
        browser.open(page, View::DESKTOP).await;
        let column = |column: usize| {
            format!(
                "[...document.querySelector('.chart').tBodies[0].rows].map((row) => row.cells[{column}].textContent)"
            )
        };
        let ranks = browser.value(&column(0)).await;
        assert_eq!(ranks[0], "1");
        let views = browser.client.find(Locator::XPath("//table[contains(@class, 'chart')]//button[.='Views']"));
        let views = views.await.unwrap();
        // Tab moves on from the heading before.
        browser
            .value("[...document.querySelectorAll('.chart button')].find((b) => b.textContent === 'Category').focus()")
            .await;
        let active = browser.client.active_element().await.unwrap();
        active.send_keys(&Key::Tab.to_string()).await.unwrap();
        let active = browser.client.active_element().await.unwrap();
        assert_eq!(active.element_id(), views.element_id());
        let number = |text: &Value| text.as_str().unwrap().replace(',', "").parse::<u64>().unwrap();
        for (order, is_ascending) in [("descending", false), ("ascending", true)] {
            views.send_keys(&Key::Enter.to_string()).await.unwrap();
            let shown: Vec<u64> = browser.value(&column(4)).await.as_array().unwrap().iter().map(number).collect();
            let mut sorted = shown.clone();
            sorted.sort_unstable();
            if !is_ascending {
                sorted.reverse();
            }
            assert_eq!(shown, sorted);
            let sort = browser.value("document.querySelector('.chart [aria-sort]').getAttribute('aria-sort')").await;
            assert_eq!(sort, order);
        }
        assert_eq!(browser.value("document.querySelectorAll('.chart [aria-sort]').length").await, 1);
        // Sorting by rank, which is numeric, restores the order.
        let rank = browser.client.find(Locator::XPath("//table[contains(@class, 'chart')]//button[.='Rank']"));
        let rank = rank.await.unwrap();
        rank.send_keys(" ").await.unwrap();
        rank.send_keys(" ").await.unwrap();
        assert_eq!(browser.value(&column(0)).await, ranks);
    });
}

/// The titles of the visible rows of all charts.
const ROWS: &str = "[...document.querySelectorAll('.chart tbody tr')].filter((row) => row.checkVisibility())\
                    .map((row) => row.querySelector('.wide a').textContent)";

const STATUS: &str = "document.querySelector('[role=status]').textContent";

/// Waits until the status is this text, since the search waits for the end of the typing.
async fn wait_for_status(browser: &Browser, expected: &str) {
    for _ in 0..100 {
        if browser.value(STATUS).await == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{} instead of {expected}", browser.value(STATUS).await);
}

#[test]
fn videos_can_be_found_by_title_and_channel() {
    in_a_browser("", async |browser, page| {
        browser.open(page, View::DESKTOP).await;
        let search = browser.client.find(Locator::Css("#search")).await.unwrap();
        // Marks are optional, and the words may be anywhere.
        search.send_keys("JAZN zazolc").await.unwrap();
        let count = format!(
            "[...document.querySelectorAll('.chart .wide > a')].filter((link) => link.textContent === {})",
            json!(TITLES[0])
        );
        let count = browser.value(&format!("{count}.length")).await;
        wait_for_status(browser, &format!("{count} entries in 4 charts")).await;
        let rows = browser.value(ROWS).await;
        let rows = rows.as_array().unwrap();
        assert!(rows.len() as u64 == count && rows.iter().all(|title| title == TITLES[0]), "{rows:?}");
        assert_eq!(browser.value("document.querySelector('.overview').checkVisibility()").await, false);
        // Clearing shows everything again and folds what was folded.
        let clear = browser.client.find(Locator::Css(".controls button")).await.unwrap();
        clear.send_keys(&Key::Enter.to_string()).await.unwrap();
        wait_for_status(browser, "").await;
        assert_eq!(browser.value(CHARTS).await, 0);
        assert_eq!(browser.value("document.querySelector('.overview').checkVisibility()").await, true);
        // The channel, and a word of the title.
        search.send_keys("a channel averyvery").await.unwrap();
        let count = browser.value("[...document.querySelectorAll('.chart .wide > a')].filter((link) => link.textContent.startsWith('Avery')).length").await;
        wait_for_status(browser, &format!("{count} entries in 4 charts")).await;
        search.clear().await.unwrap();
        search.send_keys("nothing like this").await.unwrap();
        wait_for_status(browser, "0 entries in 0 charts").await;
        assert_eq!(browser.log().await, [""; 0]);
    });
}

#[test]
fn videos_can_be_filtered_by_category() {
    in_a_browser("", async |browser, page| {
        browser.open(page, View::PHONE).await;
        let kind = browser.client.find(Locator::Css("#kind")).await.unwrap();
        kind.send_keys("Sports").await.unwrap();
        assert_eq!(browser.value("document.querySelector('#kind').value").await, "Sports");
        let kinds = "[...new Set([...document.querySelectorAll('.chart tbody tr')].filter((row) => row.checkVisibility())\
                    .map((row) => row.querySelector('.kind').textContent))]";
        assert_eq!(browser.value(kinds).await, json!(["Sports"]));
        let region = browser.client.find(Locator::Css("#region")).await.unwrap();
        region.send_keys("Poland").await.unwrap();
        let shown = "[...document.querySelectorAll('details.region')].filter((part) => part.checkVisibility())\
                    .map((part) => part.dataset.region)";
        assert_eq!(browser.value(shown).await, json!(["PL"]));
        let status = browser.value(STATUS).await;
        assert!(status.as_str().unwrap().ends_with(" in 1 chart"), "{status}");
    });
}

/// Two categories, of which one has a failed region.
fn history_of_categories() -> Store {
    let store = Store::sqlite();
    let now = now();
    for hour in [7, 0] {
        record(&store, &document(hours(now, -hour), vec![chart("US", &["a", "b"]), chart("PL", &["b"])]));
        let mut music =
            document(hours(now, -hour), vec![chart("US", &["song", "b"]), failed("PL", ErrorKind::Timeout)]);
        music.request.category_id = Some(10);
        record(&store, &music);
    }
    store
}

#[test]
fn one_category_is_shown_at_a_time() {
    in_a_browser_with(&history_of_categories(), "", async |browser, page| {
        browser.open(page, View::DESKTOP).await;
        let shown = "[...document.querySelectorAll('section.category')].filter((part) => part.checkVisibility())\
                    .map((part) => part.id)";
        let current = "[...document.querySelectorAll('.switch [aria-current]')].map((link) => link.textContent)";
        assert_eq!(browser.value(shown).await, json!(["all"]));
        assert_eq!(browser.value(current).await, json!(["All categories"]));
        let music = browser.client.find(Locator::Css(".switch a[href='#music']")).await.unwrap();
        music.send_keys(&Key::Enter.to_string()).await.unwrap();
        assert_eq!(browser.value(shown).await, json!(["music"]));
        assert_eq!(browser.value(current).await, json!(["Music 2 problems"]));
        // A link to a region leads to its category, and back leads back.
        browser.value("location.hash = '#all-US'").await;
        browser.client.back().await.unwrap();
        assert_eq!(browser.value(shown).await, json!(["music"]));
        browser.client.forward().await.unwrap();
        assert_eq!(browser.value(shown).await, json!(["all"]));
        for width in [360, 1200] {
            browser.open(page, View { width, is_dark: width == 360, has_scripts: true }).await;
            assert_eq!(browser.axe().await, [""; 0], "{width}");
            assert_eq!(browser.value("document.documentElement.scrollWidth <= innerWidth").await, true, "{width}");
        }
        // Without scripts, the categories follow each other.
        browser.open(page, View { has_scripts: false, ..View::DESKTOP }).await;
        assert_eq!(browser.value(shown).await, json!(["all", "music"]));
    });
}

#[test]
fn a_line_can_be_followed_by_pointing_at_its_label() {
    in_a_browser("-r US", async |browser, page| {
        browser.open(page, View::DESKTOP).await;
        // The opacity of each coloured line.
        let opacities = "[0, 1, 2].map((line) => getComputedStyle(document.querySelector(`.lines .c${line}:not(.hit, .bridge)`)).opacity)";
        assert_eq!(browser.value(opacities).await, json!(["1", "1", "1"]));
        let label = browser.client.find(Locator::Css(".labels .c1 a")).await.unwrap();
        browser.value("document.querySelector('.labels .c0 a').focus()").await;
        browser.client.active_element().await.unwrap().send_keys(&Key::Tab.to_string()).await.unwrap();
        assert_eq!(browser.client.active_element().await.unwrap().element_id(), label.element_id());
        assert_eq!(browser.value(opacities).await, json!(["0.15", "1", "0.15"]));
        // Each line has its title, and so has each grey one whose title is known.
        let titles = "[...document.querySelectorAll('.labels li[class]')].every((label) =>
            document.querySelector(`.lines .hit.${label.className} title`).textContent === label.textContent)";
        assert_eq!(browser.value(titles).await, true);
        assert_ne!(browser.value("document.querySelectorAll('.others title').length").await, 0);
        let axes =
            "[document.querySelectorAll('.axis li').length, document.querySelectorAll('.ticks text').length > 1]";
        assert_eq!(browser.value(axes).await, json!([10, true]));
    });
}

#[test]
fn numbers_have_labels_on_a_phone() {
    in_a_browser("", async |browser, page| {
        browser.open(page, View::PHONE).await;
        browser.value("document.querySelector('#PL').closest('details').querySelector('.full').open = true").await;
        // Every cell of a number but those of the rank and the change, in each table of cards.
        let without = "[...document.querySelectorAll('.cards tbody td')]
            .filter((cell) => cell.checkVisibility() && /^[\\d,+−]+$/.test(cell.textContent))
            .filter((cell) => !cell.matches('.rank, .up, .down, .same'))
            .filter((cell) => getComputedStyle(cell, '::before').content === 'none').map((cell) => cell.outerHTML)";
        assert_eq!(browser.value(without).await, json!([]));
        let views = "getComputedStyle(document.querySelector('#PL .chart .views'), '::before').content";
        assert_eq!(browser.value(views).await, "\"Views \"");
        browser.open(page, View::DESKTOP).await;
        assert_eq!(browser.value(views).await, "none");
    });
}

#[test]
fn local_times_stand_beside_utc() {
    in_a_browser("", async |browser, page| {
        browser.devtools("Emulation.setTimezoneOverride", json!({"timezoneId": "Asia/Kolkata"})).await;
        browser.open(page, View::DESKTOP).await;
        let wrong = "[...document.querySelectorAll('time')].filter((time) => {
            const there = new Date(new Date(time.dateTime).getTime() + 5.5 * 3600 * 1000).toISOString();
            return !time.textContent.includes(there.slice(11, 16) + ' local)');
        }).length";
        assert_eq!(browser.value(wrong).await, 0);
        assert_ne!(browser.value("document.querySelectorAll('time').length").await, 0);
        browser.devtools("Emulation.setTimezoneOverride", json!({"timezoneId": "UTC"})).await;
        browser.open(page, View::DESKTOP).await;
        assert_eq!(browser.value("document.querySelectorAll('time small').length").await, 0);
    });
}

#[test]
fn links_unfold_what_they_lead_to() {
    let store = Store::sqlite();
    let regions = ["AT", "DE", "FR", "GB", "IT", "PL", "SE", "US"];
    record(&store, &document(now(), regions.map(|code| chart(code, &["a", code])).into()));
    in_a_browser_with(&store, "", async |browser, page| {
        browser.open(page, View::DESKTOP).await;
        assert_eq!(browser.value(CHARTS).await, 0);
        let link = browser.client.find(Locator::LinkText("Poland (PL)")).await.unwrap();
        link.send_keys(&Key::Enter.to_string()).await.unwrap();
        assert_eq!(browser.value(CHARTS).await, 1);
        assert_eq!(browser.value(ROWS).await, json!(["Title of a", "Title of PL"]));
    });
}

#[test]
fn a_region_can_be_selected_by_keyboard() {
    in_a_browser("", async |browser, page| {
        browser.open(page, View::PHONE).await;
        let visible = "[...document.querySelectorAll('details.region')].filter((part) => part.checkVisibility())\
                    .map((part) => part.dataset.region)";
        assert_eq!(browser.value(visible).await, json!(["AT", "PL", "GB", "US"]));
        let select = browser.client.find(Locator::Css("#region")).await.unwrap();
        select.send_keys(&Key::Down.to_string()).await.unwrap();
        select.send_keys(&Key::Down.to_string()).await.unwrap();
        assert_eq!(browser.value(visible).await, json!(["PL"]));
        assert_eq!(browser.value(STATUS).await, "Showing Poland (PL) only");
        select.send_keys(&Key::Home.to_string()).await.unwrap();
        assert_eq!(browser.value(visible).await, json!(["AT", "PL", "GB", "US"]));
    });
}
