//! Values that completions suggest for options that accept others too. clap calls them possible values.

use std::ffi::OsStr;
use std::iter;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Command, CommandFactory};

use super::Cli;
use super::run_args::Categories;
use super::value_parsers::{EVERY, category_names, chart_category};
use crate::config::region_list::SETS;
use crate::model::category::ChartCategory;
use crate::model::region::Region;

/// An item of `--regions`, which `config` checks.
pub(super) fn region() -> impl TypedValueParser<Value = String> {
    let suggestions = || {
        let sets = SETS.iter().map(|(name, codes)| PossibleValue::new(*name).help(codes.join(" ")));
        let all = PossibleValue::new("all").help("Every region");
        let regions = Region::all().map(|region| PossibleValue::new(region.to_string()).help(region.name().to_owned()));
        sets.chain([all]).chain(regions).collect()
    };
    Suggesting { parser: StringValueParser::new(), suggestions }
}

pub(super) fn category() -> impl TypedValueParser<Value = ChartCategory> {
    let suggestions = || iter::once("all").chain(category_names()).map(PossibleValue::new).collect();
    Suggesting { parser: chart_category, suggestions }
}

/// An item of the list of `--category`.
pub(super) fn categories() -> impl TypedValueParser<Value = Categories> {
    let suggestions = || {
        let every = PossibleValue::new(EVERY).help("Each of these categories, as a run of its own");
        let all = PossibleValue::new("all").help("The chart of all categories");
        [all, every].into_iter().chain(category_names().into_iter().map(PossibleValue::new)).collect()
    };
    Suggesting { parser: super::value_parsers::categories, suggestions }
}

/// The name of a command, which `man` checks.
pub(super) fn command() -> impl TypedValueParser<Value = String> {
    let suggestions = || {
        let program = Cli::command();
        let commands = program.get_subcommands().filter(|command| !command.is_hide_set());
        commands.map(|command| PossibleValue::new(command.get_name().to_owned())).collect()
    };
    Suggesting { parser: StringValueParser::new(), suggestions }
}

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
