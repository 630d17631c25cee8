//! Parses the values of options. Each error says what to write instead.

use std::ffi::OsStr;
use std::iter;
use std::time::Duration;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Command, CommandFactory};
use jiff::{Span, SpanRelativeTo, Unit};

use super::Cli;
use crate::config::region_list::SETS;
use crate::model::category::{Category, ChartCategory};
use crate::model::region::Region;

/// Parses `500ms`, `10s`, `5m`, `7h`, `30d`. A day has 24 hours.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let error = || "give a positive number and a unit, at most 3650d: 500ms, 10s, 5m, 7h or 30d".to_owned();
    let is_plain = text.starts_with(|first: char| first.is_ascii_digit())
        && text.ends_with(|last: char| last.is_ascii_alphabetic());
    let span: Span = is_plain.then(|| text.parse().ok()).flatten().ok_or_else(error)?;
    let nanoseconds = span.total((Unit::Nanosecond, SpanRelativeTo::days_are_24_hours())).map_err(|_| error())?;
    // jiff's spans reach 20,000 years; the limit keeps every sum of times in range.
    let duration = Duration::try_from_secs_f64(nanoseconds / 1e9).map_err(|_| error())?;
    if duration.is_zero() || duration > Duration::from_secs(3650 * 86_400) { Err(error()) } else { Ok(duration) }
}

fn number(text: &str, from: u32, to: u32, remedy: &str) -> Result<u32, String> {
    text.parse().ok().filter(|number| (from..=to).contains(number)).ok_or_else(|| remedy.to_owned())
}

pub(super) fn max_results(text: &str) -> Result<u32, String> {
    number(text, 1, 200, "give a whole number from 1 to 200; YouTube's charts have no more entries")
}

pub(super) fn concurrency(text: &str) -> Result<usize, String> {
    number(text, 0, 1000, "give a whole number from 1 to 1000, or 0 for no limit").map(|number| number as usize)
}

pub(super) fn retries(text: &str) -> Result<u32, String> {
    number(text, 0, 100, "give a whole number from 0 to 100")
}

pub(super) fn max_units(text: &str) -> Result<u32, String> {
    number(text, 1, u32::MAX, "give a whole number of 1 or more; each attempt costs one unit")
}

pub(super) fn category() -> impl TypedValueParser<Value = Category> {
    let parse = |text: &str| {
        Category::find(text).ok_or_else(|| format!("give a number, or one of: {}", category_names().join(", ")))
    };
    Suggesting { parser: parse, suggestions: || category_names().into_iter().map(PossibleValue::new).collect() }
}

pub(super) fn chart_category() -> impl TypedValueParser<Value = ChartCategory> {
    let names = || iter::once("all").chain(category_names());
    let parse = move |text: &str| {
        let error = || format!("give a number, or one of: {}", names().collect::<Vec<_>>().join(", "));
        ChartCategory::find(text).ok_or_else(error)
    };
    Suggesting { parser: parse, suggestions: move || names().map(PossibleValue::new).collect() }
}

fn category_names() -> Vec<&'static str> {
    Category::all().filter(|category| category.id() < 30).filter_map(Category::name).collect()
}

/// An item of `--regions`, which `config` parses.
pub(super) fn region_names() -> impl TypedValueParser<Value = String> {
    let suggestions = || {
        let sets = SETS.iter().map(|(name, codes)| PossibleValue::new(*name).help(codes.join(" ")));
        let all = PossibleValue::new("all").help("Every region");
        let regions = Region::all().map(|region| PossibleValue::new(region.to_string()).help(region.name().to_owned()));
        sets.chain([all]).chain(regions).collect()
    };
    Suggesting { parser: StringValueParser::new(), suggestions }
}

/// The name of a command, which `man` checks.
pub(super) fn command_names() -> impl TypedValueParser<Value = String> {
    let suggestions = || {
        let program = Cli::command();
        let commands = program.get_subcommands().filter(|command| !command.is_hide_set());
        commands.map(|command| PossibleValue::new(command.get_name().to_owned())).collect()
    };
    Suggesting { parser: StringValueParser::new(), suggestions }
}

/// A parser with values that completions suggest. It accepts others too.
#[derive(Clone)]
struct Suggesting<P, S> {
    parser: P,
    suggestions: S,
}

impl<P, S> TypedValueParser for Suggesting<P, S>
where
    P: TypedValueParser,
    S: Fn() -> Vec<PossibleValue> + Clone + Send + Sync + 'static,
{
    type Value = P::Value;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<P::Value, clap::Error> {
        self.parser.parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new((self.suggestions)().into_iter()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_number_and_a_unit() {
        for (text, milliseconds) in [
            ("500ms", 500),
            ("10s", 10_000),
            ("1.5s", 1500),
            ("5m", 300_000),
            ("7h", 25_200_000),
            ("30d", 2_592_000_000),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in
            ["", "10", "s", "-5s", "0s", "5 parsecs", "1mo", "1y", "PT5S", "5s ago", "99999999999d", "1e3s", "٣s"]
        {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
