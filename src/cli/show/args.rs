//! What `show` takes, and on which of its screens.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::app::read_amount;
use crate::eval::analysis::{Score, Slice, Target};
use crate::headless::Failure;
use crate::headless::show::Arrangement;
use crate::train::params::CostLedger;

use super::super::options::PanelArgs;
use super::super::training::is_run;

/// Show what a log holds, without a screen
///
/// The same tables as the screens have, as text or as one JSON document: `runs`
/// (one row a run), `problems` (one row a trajectory; filtered, sorted and
/// grouped by expressions), `steps` (one trajectory, step by step), `tree` (all
/// of its branches, rejected drafts and rollouts), `labels` (what each person
/// says of its steps; without --problem which trajectories are to be labelled,
/// those that tell most first), `rules` (what each router would do at its
/// steps, and why; without --problem over confidence and step index),
/// `values` (what each model would have led to at each of its decisions, as far
/// as the log holds it), `analysis` (calibration, escalation, costs and
/// failures of all trajectories), `what-if` (every decision of a run decided
/// again under other values of its router's parameter, without a call) and
/// `compare` (two trajectories step by step and word by word, or two runs
/// problem by problem with paired statistics). Of the folder of a training run
/// it is `training`, iteration by iteration.
///
/// Texts of questions and steps are left out unless `--content` asks for them:
/// what a model wrote may try to tell its reader what to do.
#[derive(Debug, Clone, Args)]
pub struct ShowArgs {
    /// Log files, or folders of them; or the folder of a training run
    #[arg(required = true, value_name = "LOG")]
    pub logs: Vec<PathBuf>,
    /// Which screen [default: compare with --with or --with-run, values with
    /// --worth, analysis with --score, --right-by, --by or --plots, labels with
    /// --who, rules with --routers, steps with --problem, what-if with --value,
    /// --cost, --ledger or --rule, else problems]
    #[arg(long, value_enum, value_name = "NAME")]
    pub screen: Option<Screen>,
    /// Only the trajectories that fulfil an expression; `replay --filter help`
    /// lists the names
    #[arg(long, value_name = "EXPR", allow_hyphen_values = true)]
    pub filter: Option<String>,
    /// Sort by an expression, e.g. -cost
    #[arg(long, value_name = "EXPR", allow_hyphen_values = true)]
    pub sort: Option<String>,
    /// Group by an expression, e.g. area
    #[arg(long, value_name = "EXPR", allow_hyphen_values = true)]
    pub group: Option<String>,
    /// The trajectory of this problem; to compare also ID@RUN
    #[arg(long, value_name = "ID")]
    pub problem: Option<String>,
    /// Compare with this trajectory: ID, ID@RUN, or @RUN for the same problem
    /// in another run
    #[arg(long, value_name = "ID", requires = "problem")]
    pub with: Option<String>,
    /// Only this run, by the beginning of its id
    #[arg(long, value_name = "ID")]
    pub run: Option<String>,
    /// Compare with this run
    #[arg(long, value_name = "ID")]
    pub with_run: Option<String>,
    /// A value of the router's parameter; several times for several
    #[arg(long = "value", value_name = "X", allow_hyphen_values = true)]
    pub values: Vec<f64>,
    /// Find the value at which a problem costs at most this much
    #[arg(long, value_name = "C", value_parser = amount, allow_hyphen_values = true)]
    pub cost: Option<f64>,
    /// In `what-if`, the ledger that costs are in: published, or full (prompts
    /// and rejected drafts of the steps too) [default: published]
    #[arg(long, value_name = "NAME", value_parser = ledger)]
    pub ledger: Option<CostLedger>,
    /// What a right answer is worth in the unit of the costs: they count against
    /// it in `values`
    #[arg(long, value_name = "C", value_parser = worth, allow_hyphen_values = true)]
    pub worth: Option<f64>,
    /// In `analysis`, the score of steps that is looked at: confidence, prob,
    /// logit, sampled, entropy (as -entropy: more is surer), prm or judge
    #[arg(long, value_name = "NAME", value_parser = score)]
    pub score: Option<Score>,
    /// In `analysis`, what says whether a step was right: verified, label or
    /// answer
    #[arg(long, value_name = "NAME", value_parser = target)]
    pub right_by: Option<Target>,
    /// In `analysis`, take it apart by model, index, domain or difficulty
    #[arg(long, value_name = "NAME", value_parser = slice)]
    pub by: Option<Slice>,
    /// In `analysis`, write the figures as SVG files into this folder
    #[arg(long, value_name = "DIR")]
    pub plots: Option<PathBuf>,
    /// Let another router decide, e.g. policy:path=DIR
    #[arg(long, value_name = "SPEC")]
    pub rule: Option<String>,
    #[command(flatten)]
    pub panel: PanelArgs,
    /// In `labels`, only those of this person
    #[arg(long, value_name = "NAME")]
    pub who: Option<String>,
    /// File with the labels, in place of those beside the logs
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// List at most so many trajectories; of a training run its last iterations
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Questions and texts of steps as well
    #[arg(long)]
    pub content: bool,
    /// As text (the default)
    #[arg(long, conflicts_with = "json")]
    pub text: bool,
    /// As one JSON document
    #[arg(long)]
    pub json: bool,
}

/// What a screen is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Screen {
    Runs,
    Problems,
    Steps,
    Tree,
    Labels,
    Rules,
    Values,
    Analysis,
    WhatIf,
    Compare,
    Training,
}

impl Screen {
    /// As it is written.
    pub fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// One of several by its name.
pub(in crate::cli) fn one_of<T: Copy>(all: &[(&str, T)], name: &str) -> Result<T, String> {
    let found = all.iter().find(|(known, _)| *known == name);
    found.map(|(_, one)| *one).ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
        format!("it is one of {}", names.join(", "))
    })
}

pub(in crate::cli) fn ledger(name: &str) -> Result<CostLedger, String> {
    let all = [CostLedger::Published, CostLedger::Full];
    one_of(&all.map(|ledger| (ledger.name(), ledger)), name)
}

/// A number as the screens take it: 120, 4.5M, 1.2e8.
pub(in crate::cli) fn amount(text: &str) -> Result<f64, String> {
    read_amount(text)
        .ok_or_else(|| "it is a number that is not negative: 120, 4.5M, 1.2e8".to_owned())
}

pub(in crate::cli) fn worth(text: &str) -> Result<f64, String> {
    let worth = read_amount(text).filter(|worth| *worth > 0.0);
    worth.ok_or_else(|| "it is a number of more than 0: 120, 4.5M, 1.2e8".to_owned())
}

pub(in crate::cli) fn score(name: &str) -> Result<Score, String> {
    one_of(&Score::ALL.map(|score| (score.name(), score)), name)
}

pub(in crate::cli) fn target(name: &str) -> Result<Target, String> {
    let all = [
        ("verified", Target::Verified),
        ("label", Target::Label),
        ("answer", Target::Answer),
    ];
    one_of(&all, name)
}

pub(in crate::cli) fn slice(name: &str) -> Result<Slice, String> {
    let all = [
        ("model", Slice::Model),
        ("index", Slice::Index),
        ("domain", Slice::Domain),
        ("difficulty", Slice::Difficulty),
    ];
    one_of(&all, name)
}

impl ShowArgs {
    /// Which screen is meant.
    pub fn screen(&self) -> Screen {
        let other = self.rule.is_some() || self.ledger.is_some();
        let slides = !self.values.is_empty() || self.cost.is_some() || other;
        let asks = self.score.is_some() || self.right_by.is_some() || self.by.is_some();
        let analyses = asks || self.plots.is_some();
        match self.screen {
            Some(screen) => screen,
            None if self.training().is_some() => Screen::Training,
            None if self.with.is_some() || self.with_run.is_some() => Screen::Compare,
            None if self.worth.is_some() => Screen::Values,
            None if analyses => Screen::Analysis,
            None if self.who.is_some() => Screen::Labels,
            None if self.panel.is_given() => Screen::Rules,
            None if self.problem.is_some() => Screen::Steps,
            None if slides => Screen::WhatIf,
            None => Screen::Problems,
        }
    }

    /// The training run that is named in place of logs.
    pub fn training(&self) -> Option<&Path> {
        match self.logs.as_slice() {
            [path] if is_run(path) => Some(path),
            _ => None,
        }
    }

    /// The trajectory that a screen is of.
    pub fn problem(&self) -> Result<&str, Failure> {
        self.problem
            .as_deref()
            .ok_or_else(|| Failure::usage("which trajectory?").hint("--problem takes its id"))
    }

    /// How the trajectories are arranged.
    pub fn arrangement(&self) -> Arrangement {
        Arrangement {
            filter: self.filter.clone(),
            sort: self.sort.clone(),
            group: self.group.clone(),
            run: self.run.clone(),
            limit: self.limit,
        }
    }

    /// Options that say nothing on this screen, by their names.
    pub fn idle(&self) -> Vec<&'static str> {
        use Screen::{
            Analysis, Compare, Labels, Problems, Rules, Steps, Training, Tree, Values, WhatIf,
        };
        let screen = self.screen();
        let one = self.problem.is_some();
        // Of one trajectory, or of many.
        let of = |one_of: &'static [Screen], many: &'static [Screen]| match one {
            true => one_of,
            false => many,
        };
        let given = [
            (
                "--filter",
                self.filter.is_some(),
                of(&[], &[Problems, Analysis, Labels]),
            ),
            ("--sort", self.sort.is_some(), of(&[], &[Problems, Labels])),
            ("--group", self.group.is_some(), &[Problems][..]),
            (
                "--problem",
                one,
                &[Steps, Tree, Labels, Rules, Values, Compare],
            ),
            ("--with", self.with.is_some(), &[Compare]),
            (
                "--run",
                self.run.is_some(),
                &[
                    Problems, Steps, Tree, Labels, Rules, Values, Analysis, WhatIf, Compare,
                ],
            ),
            ("--with-run", self.with_run.is_some(), &[Compare]),
            ("--value", !self.values.is_empty(), &[WhatIf]),
            ("--cost", self.cost.is_some(), &[WhatIf]),
            ("--ledger", self.ledger.is_some(), &[WhatIf]),
            ("--score", self.score.is_some(), &[Analysis]),
            ("--right-by", self.right_by.is_some(), &[Analysis]),
            ("--by", self.by.is_some(), &[Analysis]),
            ("--plots", self.plots.is_some(), &[Analysis]),
            ("--worth", self.worth.is_some(), &[Values]),
            ("--rule", self.rule.is_some(), &[WhatIf]),
            ("--routers", self.panel.is_given(), &[Rules]),
            ("--who", self.who.is_some(), &[Labels]),
            (
                "--labels",
                self.labels.is_some(),
                &[Problems, Steps, Tree, Labels, Analysis],
            ),
            (
                "--limit",
                self.limit.is_some() && !self.lists_all(),
                of(&[], &[Problems, WhatIf, Compare, Labels, Training]),
            ),
            ("--limit", self.limit.is_some() && self.lists_all(), &[]),
            (
                "--content",
                self.content,
                of(&[Steps, Tree, Labels, Compare], &[]),
            ),
        ];
        let idle = given
            .into_iter()
            .filter(|(_, given, on)| *given && !on.contains(&screen));
        idle.map(|(name, ..)| name).collect()
    }

    /// Whether the screen lists no trajectories: groups are all shown, and what
    /// changes is only listed at one value.
    fn lists_all(&self) -> bool {
        let values = self.values.len() + usize::from(self.cost.is_some());
        match self.screen() {
            Screen::Problems => self.group.is_some(),
            Screen::WhatIf => values != 1,
            _ => false,
        }
    }
}
