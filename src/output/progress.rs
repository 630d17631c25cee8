//! Progress on standard error: a line for each region, or for each of several categories, that is being fetched, and a
//! bar for all.

use std::io;
use std::ops::Range;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use console::Term;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};
use tokio::time::Instant;

use crate::fetch::{Event, Observer};
use crate::model::Request;
use crate::model::error::ErrorKind;

/// How often the remaining waits are redrawn.
const TICK: Duration = Duration::from_millis(100);

/// When to show progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgressMode {
    Always,
    OnTerminal,
    Never,
}

/// The progress display. Log lines must be written through the same [`MultiProgress`], or they would be overwritten.
pub struct Progress {
    bars: MultiProgress,
    overall: ProgressBar,
    state: Mutex<ProgressState>,
}

struct ProgressState {
    /// All charts, in the order of the plan.
    charts: Vec<ChartProgress>,
    lines: Vec<Line>,
    held_until: Option<Instant>,
}

#[derive(Clone, Default)]
struct ChartProgress {
    attempts: u32,
    videos: usize,
    is_done: bool,
}

struct Line {
    /// A region, or a category.
    name: String,
    /// The charts that the line is about.
    charts: Range<usize>,
    /// Exists while one of them is being fetched.
    bar: Option<ProgressBar>,
    phase: Phase,
}

enum Phase {
    Fetching,
    /// Until when, and why.
    Retrying(Instant, &'static str),
}

/// The bars on standard error, which are shared with logging.
pub fn bars(mode: ProgressMode) -> MultiProgress {
    MultiProgress::with_draw_target(match mode {
        ProgressMode::Always => ProgressDrawTarget::term_like(Box::new(NotATerminal(Term::stderr()))),
        ProgressMode::OnTerminal => ProgressDrawTarget::stderr(),
        ProgressMode::Never => ProgressDrawTarget::hidden(),
    })
}

impl Progress {
    pub fn new(bars: MultiProgress, requests: &[Request]) -> Progress {
        let charts: usize = requests.iter().map(|request| request.regions.len()).sum();
        let unit = if requests.len() > 1 { "charts" } else { "regions" };
        let template = format!("[{{bar:16}}] {{pos}}/{{len}} {unit} {{elapsed}} {{wide_msg}}");
        let overall = bars.add(ProgressBar::new(charts as u64).with_style(style(&template)));
        let state =
            ProgressState { charts: vec![ChartProgress::default(); charts], lines: lines(requests), held_until: None };
        Progress { bars, overall, state: Mutex::new(state) }
    }

    /// Redraws the remaining waits until `work` is done, then removes the lines.
    pub async fn during<F: Future>(&self, work: F) -> F::Output {
        let mut work = pin!(work);
        let mut ticks = tokio::time::interval(TICK);
        let done = loop {
            tokio::select! {
                done = &mut work => break done,
                _ = ticks.tick(), if !self.bars.is_hidden() => self.draw(),
            }
        };
        self.overall.finish_and_clear();
        done
    }

    fn draw(&self) {
        self.with(|state| {
            let hold = state.held_until.and_then(remaining);
            self.overall.set_message(
                hold.as_ref().map(|remaining| format!("rate-limited for {remaining}")).unwrap_or_default(),
            );
            state.lines.iter().for_each(|line| line.draw(&state.charts, hold.as_deref()));
        });
    }

    fn with(&self, change: impl FnOnce(&mut ProgressState)) {
        // After a panic while drawing, the state is still good enough to draw.
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Observer for Progress {
    fn observe(&self, index: usize, event: &Event<'_>) {
        if self.bars.is_hidden() {
            return;
        }
        self.with(|state| {
            if let Event::Held(wait) = event {
                state.held_until = state.held_until.max(Some(Instant::now() + *wait));
            }
            let Some(line) = state.lines.iter_mut().find(|line| line.charts.contains(&index)) else { return };
            let Some(chart) = state.charts.get_mut(index) else { return };
            match event {
                Event::Sent { attempts } => {
                    (line.phase, chart.attempts) = (Phase::Fetching, *attempts);
                    line.bar.get_or_insert_with(|| {
                        self.bars
                            .insert_before(
                                &self.overall,
                                ProgressBar::new_spinner().with_style(style("{prefix} {wide_msg}")),
                            )
                            .with_prefix(line.name.clone())
                    });
                    line.draw(&state.charts, None);
                }
                Event::Arrived { videos } => chart.videos = *videos,
                Event::Retrying(wait, error) => {
                    line.phase = Phase::Retrying(Instant::now() + *wait, error.kind.as_str())
                }
                Event::Held(_) => line.phase = Phase::Retrying(Instant::now(), ErrorKind::RateLimited.as_str()),
                Event::Ended => {
                    self.overall.inc(1);
                    chart.is_done = true;
                    let is_done = line.of(&state.charts).iter().all(|chart| chart.is_done);
                    if let Some(bar) = line.bar.take_if(|_| is_done) {
                        bar.finish_and_clear();
                        self.bars.remove(&bar);
                    }
                }
            }
        });
    }
}

/// A line for each region of a single request, and otherwise for each category.
fn lines(requests: &[Request]) -> Vec<Line> {
    let line = |name: String, charts: Range<usize>| Line { name, charts, bar: None, phase: Phase::Fetching };
    if let [request] = requests {
        let regions = request.regions.iter().enumerate();
        return regions.map(|(index, region)| line(region.to_string(), index..index + 1)).collect();
    }
    let width = requests.iter().map(|request| request.category_name().len()).max().unwrap_or(0);
    let mut start = 0;
    let of_category = |request: &Request| {
        let charts = start..start + request.regions.len();
        start = charts.end;
        line(format!("{:<width$}", request.category_name()), charts)
    };
    requests.iter().map(of_category).collect()
}

impl Line {
    fn of<'a>(&self, charts: &'a [ChartProgress]) -> &'a [ChartProgress] {
        charts.get(self.charts.clone()).unwrap_or_default()
    }

    fn draw(&self, charts: &[ChartProgress], hold: Option<&str>) {
        let Some(bar) = &self.bar else { return };
        let phase = match &self.phase {
            Phase::Fetching => "fetching".to_owned(),
            Phase::Retrying(until, why) => match remaining(*until).or(hold.map(str::to_owned)) {
                Some(remaining) => format!("{why}, retry in {remaining}"),
                None => format!("{why}, queued"),
            },
        };
        let charts = self.of(charts);
        let videos: usize = charts.iter().map(|chart| chart.videos).sum();
        let count = match charts {
            [chart] => format!("attempt {:<3}", chart.attempts),
            _ => format!("{} of {} regions", charts.iter().filter(|chart| chart.is_done).count(), charts.len()),
        };
        bar.set_message(format!("{phase:<32} {count} {videos} videos"));
    }
}

/// `1.3 s`; `None` if the time has passed.
fn remaining(until: Instant) -> Option<String> {
    let remaining = until.checked_duration_since(Instant::now()).filter(|remaining| !remaining.is_zero())?;
    Some(format!("{:.1} s", remaining.as_secs_f64()))
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner()).progress_chars("=> ")
}

/// Standard error for `--progress always`. indicatif hides its bars on a `console::Term` that is not a terminal, and a
/// separate type is the only way around that.
#[derive(Debug)]
struct NotATerminal(Term);

impl TermLike for NotATerminal {
    fn width(&self) -> u16 {
        80
    }
    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_up(n)
    }
    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_down(n)
    }
    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_right(n)
    }
    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_left(n)
    }
    fn write_line(&self, line: &str) -> io::Result<()> {
        self.0.write_line(line)
    }
    fn write_str(&self, text: &str) -> io::Result<()> {
        self.0.write_str(text)
    }
    fn clear_line(&self) -> io::Result<()> {
        self.0.clear_line()
    }
    fn flush(&self) -> io::Result<()> {
        self.0.flush()
    }
}
