//! What a picture shows: the screen, and the options that `show` has for it.

use clap::Args;

use super::picture;
use crate::app::Page;
use crate::cli::show::args::{amount, ledger, one_of, score, slice, target, worth};
use crate::eval::analysis::{Ask, Score, Slice, Target};
use crate::headless::Failure;
use crate::train::params::CostLedger;

#[derive(Debug, Clone, Args)]
pub(super) struct ViewArgs {
    /// Which screen the picture is of [default: what-if with --value, --cost,
    /// --ledger or --rule, values with --worth, analysis with --score,
    /// --right-by, --by or --page,
    /// problems with --sort or --group, compare with --with-run, else inspector]
    #[arg(
        long,
        value_name = "NAME",
        requires = "svg",
        value_parser = clap::builder::PossibleValuesParser::new(picture::names())
    )]
    screen: Option<String>,
    /// The tree of branches: the same as --screen tree
    #[arg(long, conflicts_with = "screen", requires = "svg")]
    tree: bool,
    /// The step to show; the last where not given, 0 is the question
    #[arg(long, value_name = "N", requires = "svg")]
    pub step: Option<u32>,
    /// In `what-if`, the value of the router's parameter
    #[arg(long, value_name = "X", requires = "svg", allow_hyphen_values = true)]
    pub value: Option<f64>,
    /// In `what-if`, the value at which a problem costs at most this much
    /// (published ledger)
    #[arg(long, value_name = "C", requires = "svg", conflicts_with = "value",
        value_parser = amount, allow_hyphen_values = true)]
    pub cost: Option<f64>,
    /// In `what-if`, let another router decide, e.g. policy:path=DIR
    #[arg(long, value_name = "SPEC", requires = "svg")]
    pub rule: Option<String>,
    /// In `what-if`, the ledger that costs are in: published or full
    #[arg(long, value_name = "NAME", requires = "svg", value_parser = ledger)]
    pub ledger: Option<CostLedger>,
    /// In `values`, what a right answer is worth in the unit of the costs
    #[arg(long, value_name = "C", requires = "svg", value_parser = worth,
        allow_hyphen_values = true)]
    pub worth: Option<f64>,
    /// In `analysis`, the score of steps that is looked at: confidence, prob,
    /// logit, sampled, entropy, prm or judge
    #[arg(long, value_name = "NAME", requires = "svg", value_parser = score)]
    score: Option<Score>,
    /// In `analysis`, what says whether a step was right: verified, label or
    /// answer
    #[arg(long, value_name = "NAME", requires = "svg", value_parser = target)]
    right_by: Option<Target>,
    /// In `analysis`, take it apart by model, index, domain or difficulty
    #[arg(long, value_name = "NAME", requires = "svg", value_parser = slice)]
    by: Option<Slice>,
    /// In `analysis`, the page: calibration, distribution, escalation, cost,
    /// failures or rules
    #[arg(long, value_name = "NAME", requires = "svg", value_parser = page)]
    pub page: Option<Page>,
    /// In `problems`, sort by an expression, e.g. -cost
    #[arg(
        long,
        value_name = "EXPR",
        requires = "svg",
        allow_hyphen_values = true
    )]
    pub sort: Option<String>,
    /// In `problems`, group by an expression, e.g. area
    #[arg(
        long,
        value_name = "EXPR",
        requires = "svg",
        allow_hyphen_values = true
    )]
    pub group: Option<String>,
    /// In `compare`, the run that --run is compared with, problem by problem
    #[arg(long, value_name = "ID", requires_all = ["svg", "run"])]
    pub with_run: Option<String>,
}

/// Screens of one trajectory at one of its steps.
const OF_STEPS: &[&str] = &["inspector", "tree", "values"];

impl ViewArgs {
    /// The name of the screen.
    pub fn screen(&self) -> &str {
        let first = self.given().into_iter().find(|(name, given, _)| {
            // A step says nothing of which of its screens is meant.
            *given && *name != "--step"
        });
        match (&self.screen, first) {
            (Some(name), _) => name,
            (None, _) if self.tree => "tree",
            (None, Some((.., screens))) => screens.first().copied().unwrap_or("inspector"),
            (None, None) => "inspector",
        }
    }

    /// The options with the screens that they are of.
    fn given(&self) -> [(&'static str, bool, &'static [&'static str]); 13] {
        [
            ("--value", self.value.is_some(), &["what-if"]),
            ("--cost", self.cost.is_some(), &["what-if"]),
            ("--rule", self.rule.is_some(), &["what-if"]),
            ("--ledger", self.ledger.is_some(), &["what-if"]),
            ("--worth", self.worth.is_some(), &["values"]),
            ("--score", self.score.is_some(), &["analysis"]),
            ("--right-by", self.right_by.is_some(), &["analysis"]),
            ("--by", self.by.is_some(), &["analysis"]),
            ("--page", self.page.is_some(), &["analysis"]),
            ("--sort", self.sort.is_some(), &["problems"]),
            ("--group", self.group.is_some(), &["problems"]),
            ("--with-run", self.with_run.is_some(), &["compare"]),
            ("--step", self.step.is_some(), OF_STEPS),
        ]
    }

    /// Refuses options that say nothing on the screen.
    pub fn check(&self) -> Result<(), Failure> {
        let screen = self.screen();
        let mut given = self.given().into_iter();
        match given.find(|(_, given, on)| *given && !on.contains(&screen)) {
            None => Ok(()),
            Some((name, ..)) => Err(Failure::usage(format!(
                "{name} says nothing on the screen `{screen}`"
            ))
            .hint("`pointsman export --help` says what each screen takes")),
        }
    }

    /// What is asked of the analysis.
    pub fn ask(&self) -> Ask {
        Ask {
            score: self.score.unwrap_or_default(),
            target: self.right_by,
            slice: self.by.unwrap_or_default(),
        }
    }
}

fn page(name: &str) -> Result<Page, String> {
    let names = Page::ALL.map(|page| (page.title().to_lowercase(), page));
    let all: Vec<(&str, Page)> = names
        .iter()
        .map(|(name, page)| (name.as_str(), *page))
        .collect();
    one_of(&all, name)
}
