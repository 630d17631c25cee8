//! What is going on, on standard error: a line for each region at work, and a bar for all.

use std::io;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use console::Term;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};
use tokio::time::Instant;

use crate::fetch::{Event, Observer};
use crate::model::error::ErrorKind;
use crate::model::region::Region;

/// How often the waiting times are drawn anew.
const TICK: Duration = Duration::from_millis(100);

/// When to show progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Show {
    /// Whatever standard error is.
    Always,
    /// On a terminal.
    OnTerminal,
    /// Not at all.
    Never,
}

/// The lines. Log lines must go through the same screen lest they be drawn over.
pub struct Progress {
    screen: MultiProgress,
    overall: ProgressBar,
    state: Mutex<State>,
}

struct State {
    regions: Vec<Line>,
    held_until: Option<Instant>,
}

struct Line {
    region: Region,
    /// There while the region is at work.
    bar: Option<ProgressBar>,
    phase: Phase,
    attempts: u32,
    videos: usize,
}

enum Phase {
    Asking,
    Retrying(Instant, &'static str),
}

/// A screen on standard error.
pub fn screen(show: Show) -> MultiProgress {
    MultiProgress::with_draw_target(match show {
        Show::Always => ProgressDrawTarget::term_like(Box::new(AnyStream(Term::stderr()))),
        Show::OnTerminal => ProgressDrawTarget::stderr(),
        Show::Never => ProgressDrawTarget::hidden(),
    })
}

impl Progress {
    /// Lines for these regions on `screen`.
    pub fn new(screen: MultiProgress, regions: &[Region]) -> Progress {
        let overall = screen.add(
            ProgressBar::new(regions.len() as u64)
                .with_style(style("[{bar:16}] {pos}/{len} regions {elapsed} {wide_msg}")),
        );
        let line = |region: &Region| Line { region: *region, bar: None, phase: Phase::Asking, attempts: 0, videos: 0 };
        let state = State { regions: regions.iter().map(line).collect(), held_until: None };
        Progress { screen, overall, state: Mutex::new(state) }
    }

    /// Keeps the waiting times current until `work` is done, then takes the lines away.
    pub async fn during<F: Future>(&self, work: F) -> F::Output {
        let mut work = pin!(work);
        let mut ticks = tokio::time::interval(TICK);
        let done = loop {
            tokio::select! {
                done = &mut work => break done,
                _ = ticks.tick(), if !self.screen.is_hidden() => self.draw(),
            }
        };
        self.overall.finish_and_clear();
        done
    }

    fn draw(&self) {
        self.with(|state| {
            let hold = state.held_until.and_then(left);
            self.overall.set_message(hold.as_ref().map(|left| format!("rate limited: {left}")).unwrap_or_default());
            state.regions.iter().for_each(|line| line.draw(hold.as_deref()));
        });
    }

    fn with(&self, change: impl FnOnce(&mut State)) {
        // A poisoned lock would mean a panic in drawing; the lines are still good enough to draw.
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Observer for Progress {
    fn observe(&self, index: usize, event: &Event<'_>) {
        if self.screen.is_hidden() {
            return;
        }
        self.with(|state| {
            if let Event::Held(wait) = event {
                state.held_until = state.held_until.max(Some(Instant::now() + *wait));
            }
            let Some(line) = state.regions.get_mut(index) else { return };
            match event {
                Event::Sent { attempts } => {
                    (line.phase, line.attempts) = (Phase::Asking, *attempts);
                    line.bar.get_or_insert_with(|| {
                        self.screen
                            .insert_before(
                                &self.overall,
                                ProgressBar::new_spinner().with_style(style("{prefix} {wide_msg}")),
                            )
                            .with_prefix(line.region.to_string())
                    });
                    line.draw(None);
                }
                Event::Arrived { videos } => line.videos = *videos,
                Event::Retrying(wait, error) => {
                    line.phase = Phase::Retrying(Instant::now() + *wait, error.kind.as_str())
                }
                Event::Held(_) => line.phase = Phase::Retrying(Instant::now(), ErrorKind::RateLimited.as_str()),
                Event::Ended => {
                    self.overall.inc(1);
                    if let Some(bar) = line.bar.take() {
                        bar.finish_and_clear();
                        self.screen.remove(&bar);
                    }
                }
            }
        });
    }
}

impl Line {
    fn draw(&self, hold: Option<&str>) {
        let Some(bar) = &self.bar else { return };
        let doing = match &self.phase {
            Phase::Asking => "asking".to_owned(),
            Phase::Retrying(until, why) => match left(*until).or(hold.map(str::to_owned)) {
                Some(left) => format!("{why}, again in {left}"),
                None => format!("{why}, waiting for its turn"),
            },
        };
        bar.set_message(format!("{doing:<32} try {:<3} {} videos", self.attempts, self.videos));
    }
}

/// `1.3 s`, until then; `None` afterwards.
fn left(until: Instant) -> Option<String> {
    let left = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
    Some(format!("{:.1} s", left.as_secs_f64()))
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner()).progress_chars("=> ")
}

/// Standard error, drawn on although it is no terminal: `--progress always`.
#[derive(Debug)]
struct AnyStream(Term);

impl TermLike for AnyStream {
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
