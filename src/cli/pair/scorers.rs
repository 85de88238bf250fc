//! `pair judge`, `pair prm`: the pair's scorers.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::{failure, show, tell};
use crate::headless::{Exit, Failure};
use crate::model::local::{WeightsSource, fingerprint};
use crate::pair::language::Split;
use crate::pair::trainer::batch::Batch;
use crate::pair::trainer::checkpoint::{import, write_whole};
use crate::pair::trainer::drafts::{Draft, Source};
use crate::pair::trainer::judge::{JudgeRows, ask_all, row};
use crate::pair::trainer::measure::scorers::{Measured, OF_JUDGE, OF_PRM, measure};
use crate::pair::trainer::prm::{all_features, fit};
use crate::pair::trainer::recipe::Recipe;
use crate::pair::trainer::run::{Subject, train_subject};
use crate::pair::vocabulary::Vocabulary;
use clap::Args;

/// Drafts the judge learns from.
const TRAINING_DRAFTS: usize = 40_000;
/// Held-out drafts of the curve.
const HELD_OUT: usize = 400;

#[derive(Debug, Clone, Args)]
pub struct JudgeArgs {
    /// Folder of the small model
    #[arg(long, value_name = "DIR", default_value = "assets/pair/small")]
    small: PathBuf,
    /// Folder of the large model, from which training starts
    #[arg(long, value_name = "DIR", default_value = "assets/pair/large")]
    large: PathBuf,
    /// Folder of the run to train in; an unfinished one goes on
    #[arg(long, value_name = "DIR", conflicts_with = "measure")]
    out: Option<PathBuf>,
    /// Updates; every phase of the recipe in proportion [default: the recipe's]
    #[arg(long, value_name = "N")]
    steps: Option<u32>,
    /// Folder of a judge to measure on held-out drafts
    #[arg(long, value_name = "DIR")]
    measure: Option<PathBuf>,
    /// Drafts to measure on
    #[arg(long, value_name = "N", default_value_t = 3_000)]
    drafts: usize,
    #[arg(long, value_name = "N", default_value_t = 2_026)]
    seed: u64,
    /// Print the figures as one JSON document
    #[arg(long)]
    json: bool,
}

pub fn run_judge(args: &JudgeArgs) -> Result<(), Failure> {
    let vocabulary = Vocabulary::new();
    let small = import(&args.small).map_err(failure)?;
    let source = |split| Source {
        vocabulary: &vocabulary,
        small: &small,
        temperature: 0.7,
        split,
    };
    if let Some(folder) = &args.measure {
        let judge = import(folder).map_err(failure)?;
        let drafts = source(Split::Evaluation).sampled(args.drafts, args.seed);
        let said = ask_all(&judge, &vocabulary, &drafts);
        let scored = drafts.iter().zip(&said);
        let measured = measure(
            scored.map(|(draft, said)| (said.score, said.tokens, draft.right)),
            &OF_JUDGE,
        );
        return show(args.json, &measured, || text(&measured));
    }
    let Some(out) = &args.out else {
        return Err(Failure::usage(
            "name the folder of a run by `--out`, or a judge by `--measure`",
        ));
    };
    let mut recipe = Recipe::of_judge();
    if let Some(steps) = args.steps {
        recipe = recipe.over(steps);
    }
    super::super::say("drawing drafts of the small model\n");
    let rows = JudgeRows::new(
        source(Split::Training),
        source(Split::Training).sampled(TRAINING_DRAFTS, recipe.seed),
    );
    let subject = Subject {
        name: "judge",
        initial: import(&args.large).map_err(failure)?,
        rows: &rows,
        held_out: held_out(&source(Split::Calibration), &vocabulary, &recipe),
    };
    let all = recipe.schedule.steps;
    train_subject(subject, &recipe, out, |point| tell(point, all)).map_err(failure)?;
    super::super::say(&format!("The judge is in {}\n", out.display()));
    Ok(())
}

/// As many right as wrong drafts.
fn held_out(source: &Source<'_>, vocabulary: &Vocabulary, recipe: &Recipe) -> Vec<Batch> {
    let drafts = source.sampled(10 * HELD_OUT, recipe.seed ^ 1);
    let (right, wrong): (Vec<Draft>, Vec<Draft>) =
        drafts.into_iter().partition(|draft| draft.right);
    let mut batches = vec![Batch::default()];
    for draft in right
        .iter()
        .take(HELD_OUT / 2)
        .chain(wrong.iter().take(HELD_OUT / 2))
    {
        let row = row(vocabulary, draft, false);
        if batches
            .last()
            .is_none_or(|last| last.tokens.len() + row.tokens.len() > recipe.pass)
        {
            batches.push(Batch::default());
        }
        if let Some(last) = batches.last_mut() {
            last.push(&row);
        }
    }
    batches
}

#[derive(Debug, Clone, Args)]
pub struct PrmArgs {
    /// Folder of the small model
    #[arg(long, value_name = "DIR", default_value = "assets/pair/small")]
    small: PathBuf,
    /// Folder of the model whose likelihoods the head reads
    #[arg(long, value_name = "DIR", default_value = "assets/pair/large")]
    large: PathBuf,
    /// Training drafts to fit on
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    fit: usize,
    /// Held-out drafts to measure on
    #[arg(long, value_name = "N", default_value_t = 3_000)]
    drafts: usize,
    #[arg(long, value_name = "N", default_value_t = 2_026)]
    seed: u64,
    /// File for the head
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print the figures as one JSON document
    #[arg(long)]
    json: bool,
}

pub fn run_prm(args: &PrmArgs) -> Result<(), Failure> {
    let vocabulary = Vocabulary::new();
    let small = import(&args.small).map_err(failure)?;
    let large = import(&args.large).map_err(failure)?;
    let model_sha256 = fingerprint_of(&args.large)?;
    let source = |split| Source {
        vocabulary: &vocabulary,
        small: &small,
        temperature: 0.7,
        split,
    };
    let drafts = source(Split::Training).sampled(args.fit, args.seed);
    let scored = all_features(&large, &vocabulary, &drafts);
    let head = fit(&scored, args.seed, model_sha256).ok_or_else(|| {
        Failure::new(
            Exit::Failed,
            "the drafts are all right or all wrong: draw more (`--fit`)",
        )
    })?;
    let drafts = source(Split::Evaluation).sampled(args.drafts, args.seed);
    let scored = all_features(&large, &vocabulary, &drafts);
    let scored = scored
        .iter()
        .map(|(features, right)| (Some(head.probability(features)), 0, *right));
    let measured = measure(scored, &OF_PRM);
    if let Some(out) = &args.out {
        let text = super::super::document(&head, "the head")?;
        write_whole(out, text.as_bytes()).map_err(failure)?;
    }
    show(args.json, &measured, || text(&measured))
}

/// What tells the model in a folder from others, once it is inside the binary.
fn fingerprint_of(folder: &Path) -> Result<String, Failure> {
    let read = |name: &str| {
        let path = folder.join(name);
        std::fs::read(&path)
            .map(Cow::Owned)
            .map_err(|error| Failure::new(Exit::Failed, format!("{}: {error}", path.display())))
    };
    let source = WeightsSource::Bytes {
        config: read("config.json")?,
        tokenizer: read("tokenizer.json")?,
        weights: read("model.safetensors")?,
    };
    // Of bytes there always is one.
    Ok(fingerprint(&source).unwrap_or_default())
}

fn text(found: &Measured) -> String {
    let mut text = format!(
        "{} drafts, {:.1} % wrong, {} without a score; AUC {:.3} [{:.3}, {:.3}]; {:.1} tokens an answer\n",
        found.drafts,
        100.0 * found.wrong,
        found.unscored,
        found.auc.value,
        found.auc.from,
        found.auc.to,
        found.tokens
    );
    for cut in &found.cuts {
        text.push_str(&format!(
            "rejected below {:.2}: {:.1} % of the wrong, {:.2} % of the right\n",
            cut.below,
            100.0 * cut.wrong_rejected,
            100.0 * cut.right_rejected
        ));
    }
    text
}
