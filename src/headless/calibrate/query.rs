//! `calibrate query`: trains the network that a query router reads questions
//! by (Damani et al.), on how both models alone did on them.
//!
//! The labels are shares of right answers: several runs of `small` and several
//! of `large`, with different seeds, over the same problems. The network
//! learns from problems of the train split; scores of the calibration split are
//! kept with it, so that a wanted share of the large model becomes a threshold.
//! Problems of the test split are not looked at.

mod answers;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::Serialize;

use super::fitted::refuse_to_overwrite;
use crate::headless::scoring::Opened;
use crate::headless::solve::{bar, runtime};
use crate::headless::{Exit, Failure};
use crate::model::catalog;
use crate::model::endpoint::{Endpoint, EndpointError};
use crate::model::local::scorers::hidden_name;
use crate::model::pool::{Pool, ServerKind};
use crate::model::scorer::ngrams;
use crate::model::scorer::step::{QuestionEncoder, Ready};
use crate::problem::split::Split;
use crate::router::query::{About, Example, Label, QueryFacts, QueryModel, Recipe, fit};
use crate::trace::record::ModelFacts;
use answers::{Answers, Asked};

/// Fewest graded answers of either model to a problem.
pub const FEWEST_ANSWERS: u32 = 1;
/// Graded answers below which it is told that labels are coarse.
const WANTED_ANSWERS: u32 = 4;
/// Calls to an encoder at a time.
const AT_A_TIME: usize = 8;

/// What it is asked for.
#[derive(Debug, Clone)]
pub struct QueryOptions {
    /// Logs of `solve` with the routers `small` and `large`.
    pub logs: Vec<PathBuf>,
    /// The pool whose encoder reads the questions; the embedded pair where
    /// there is none.
    pub pool: Option<PathBuf>,
    pub encoder: Option<EncoderName>,
    pub recipe: Recipe,
    /// New folder for the model; it is only told where there is none.
    pub out: Option<PathBuf>,
    pub quiet: bool,
}

/// How questions are turned into numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncoderName {
    /// The hidden state with which the cheapest model, a local one, ends the
    /// prompt.
    Hidden,
    /// The pool's `[embeddings]`.
    Embeddings,
    /// Hashed n-grams: no model.
    Ngrams,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trained {
    pub facts: QueryFacts,
    /// Problems by split, those without answers of both models left out.
    pub problems: BTreeMap<Split, usize>,
    /// Mean number of graded answers a problem, of either model.
    pub answers: [f64; 2],
    /// Area under the curve of "the large model does better" by the score, on
    /// the calibration split; `None` where no problem tells.
    pub calibration_auc: Option<f64>,
    pub out: Option<PathBuf>,
    pub warnings: Vec<String>,
}

/// Trains a query router's model.
///
/// # Errors
/// A folder that is there already, logs of several pools or of another than
/// the one named, too few problems, an encoder that cannot do it.
pub fn query(options: &QueryOptions) -> Result<Trained, Failure> {
    refuse_to_overwrite(options.out.as_deref())?;
    let pool = match &options.pool {
        Some(path) => Pool::load(path)?,
        None => Pool::embedded(),
    };
    let unfit = |error: EndpointError| Failure::usage(error.to_string());
    let endpoints = catalog::build(&pool, Some(AT_A_TIME)).map_err(unfit)?;
    let described = catalog::facts(&pool, &endpoints).map_err(unfit)?;
    let answers = Answers::read(&options.logs)?;
    answers.check_pool(&described)?;
    let encoder = encoder(options, &pool, &endpoints, &described)?;
    let asked = answers.problems()?;
    let runtime = runtime()?;
    let ready = runtime.block_on(encoder.probe())?;
    let features = runtime.block_on(encode(encoder.as_ref(), &asked, options.quiet))?;
    train(
        options,
        &answers,
        &asked,
        features,
        (encoder.name(), &ready),
        &described,
    )
}

/// The encoder asked for: by default the hidden state where the cheapest model
/// runs in this process, the `[embeddings]` where the pool has some, else
/// n-grams.
fn encoder(
    options: &QueryOptions,
    pool: &Pool,
    endpoints: &[Arc<dyn Endpoint>],
    facts: &[ModelFacts],
) -> Result<Arc<dyn QuestionEncoder>, Failure> {
    let cheapest = pool.models.first();
    let is_local = cheapest
        .is_some_and(|model| matches!(model.server, ServerKind::Embedded | ServerKind::Local));
    let chosen = options
        .encoder
        .unwrap_or(match (is_local, &pool.scorers.embeddings) {
            (true, _) => EncoderName::Hidden,
            (false, Some(_)) => EncoderName::Embeddings,
            (false, None) => EncoderName::Ngrams,
        });
    let name = match (chosen, cheapest) {
        (EncoderName::Ngrams, _) => ngrams::NAME.to_owned(),
        (EncoderName::Hidden, Some(model)) if is_local => hidden_name(&model.name),
        (EncoderName::Hidden, _) => {
            return Err(Failure::usage(
                "the cheapest model of the pool does not run in this process: its hidden state \
                 is out of reach",
            )
            .hint("use `--encoder embeddings` or `--encoder ngrams`"));
        }
        (EncoderName::Embeddings, _) => pool
            .scorers
            .embeddings
            .as_ref()
            .map(|spec| spec.name.clone())
            .ok_or_else(|| Failure::usage("the pool has no `[embeddings]`"))?,
    };
    let opened = Opened {
        pool,
        endpoints,
        facts,
        concurrency: Some(AT_A_TIME),
    };
    opened.encoder(&name).map(|(encoder, _)| encoder)
}

async fn encode(
    encoder: &dyn QuestionEncoder,
    asked: &[Asked],
    quiet: bool,
) -> Result<Vec<Vec<f32>>, Failure> {
    let bar = bar(asked.len(), quiet);
    let calls = asked.iter().map(|one| {
        let bar = &bar;
        async move {
            let encoded = encoder.encode(&one.question, &one.question).await?;
            bar.inc(1);
            Ok::<_, EndpointError>(encoded.features)
        }
    });
    // In order, so that training sees the same examples whoever is faster.
    let features = stream::iter(calls)
        .buffered(AT_A_TIME)
        .try_collect()
        .await?;
    bar.finish_and_clear();
    Ok(features)
}

fn train(
    options: &QueryOptions,
    answers: &Answers,
    asked: &[Asked],
    features: Vec<Vec<f32>>,
    (encoder, ready): (&str, &Ready),
    pool: &[ModelFacts],
) -> Result<Trained, Failure> {
    let mut examples = Vec::new();
    let mut calibration = Vec::new();
    for (one, features) in asked.iter().zip(features) {
        match one.split {
            Split::Train => examples.push(Example {
                features,
                small: one.small,
                large: one.large,
            }),
            _ => calibration.push((features, one)),
        }
    }
    let bad = |error: &dyn std::fmt::Display| Failure::new(Exit::BadData, error.to_string());
    let fitted = fit(&examples, options.recipe).map_err(|error| bad(&error))?;
    let about = About {
        encoder: encoder.to_owned(),
        models: pool.iter().map(Into::into).collect(),
        training: training_facts(answers, ready)?,
    };
    let unseen: Vec<Vec<f32>> = calibration.iter().map(|(x, _)| x.clone()).collect();
    let model = QueryModel::new(fitted, about, &unseen).map_err(|error| bad(&error))?;
    if let Some(out) = &options.out {
        model
            .save(out)
            .map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
    }
    let mut problems = BTreeMap::new();
    for one in asked {
        *problems.entry(one.split).or_insert(0) += 1;
    }
    let mean = |role: usize| {
        let sum: u32 = asked.iter().map(|one| one.answers[role]).sum();
        f64::from(sum) / asked.len() as f64
    };
    let scored = calibration.iter().filter_map(|(features, one)| {
        let gain = Label::Gain.of(one.small, one.large);
        Some((model.score(features).ok()?, gain))
    });
    let few = (mean(0).min(mean(1)) < f64::from(WANTED_ANSWERS)).then(|| {
        format!(
            "fewer than {WANTED_ANSWERS} answers of either model a problem: the shares that are \
             learnt are coarse; the paper takes eight"
        )
    });
    let constant = (model.facts.held_out_loss >= model.facts.constant_loss).then(|| {
        "the network predicts no better than a constant score: the questions tell too little, or \
         there are too few"
            .to_owned()
    });
    Ok(Trained {
        problems,
        answers: [mean(0), mean(1)],
        calibration_auc: ranking(&scored.collect::<Vec<_>>()),
        facts: model.facts,
        out: options.out.clone(),
        warnings: answers
            .warnings()
            .into_iter()
            .chain(few)
            .chain(constant)
            .collect(),
    })
}

/// `ready` is what the encoder said of itself, with what that took.
fn training_facts(
    answers: &Answers,
    ready: &Ready,
) -> Result<BTreeMap<String, serde_json::Value>, Failure> {
    let seeds = |role: &str| -> Vec<u64> {
        let of = answers.heads.iter().filter(|head| head.router.name == role);
        let seeds: BTreeSet<u64> = of.map(|head| head.seed).collect();
        seeds.into_iter().collect()
    };
    let probe = serde_json::to_value(ready)
        .map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
    Ok(BTreeMap::from([
        ("small_seeds".to_owned(), seeds("small").into()),
        ("large_seeds".to_owned(), seeds("large").into()),
        ("version".to_owned(), env!("CARGO_PKG_VERSION").into()),
        ("probe".to_owned(), probe),
    ]))
}

/// Probability that of two problems whose labels differ the one with the
/// higher label has the higher score, ties counted half.
fn ranking(scored: &[(f64, f64)]) -> Option<f64> {
    let (mut concordant, mut pairs) = (0.0, 0.0);
    for (place, (score, label)) in scored.iter().enumerate() {
        for (other_score, other_label) in &scored[..place] {
            if label == other_label {
                continue;
            }
            pairs += 1.0;
            concordant += match score.total_cmp(other_score) {
                std::cmp::Ordering::Equal => 0.5,
                order => f64::from(u8::from(order == label.total_cmp(other_label))),
            };
        }
    }
    (pairs > 0.0).then(|| concordant / pairs)
}

impl Trained {
    /// For a terminal.
    pub fn to_text(&self) -> String {
        let facts = &self.facts;
        let count = |split| self.problems.get(&split).copied().unwrap_or(0);
        let mut text = format!(
            "encoder      {} ({} features)\n\
             problems     {} to learn from ({} of them held out to stop), {} to calibrate; {:.1} \
             answers of the small model each, {:.1} of the large\n\
             loss         {:.4} held out; {:.4} by a constant score\n",
            facts.encoder.name,
            facts.encoder.dimension,
            count(Split::Train),
            facts.problems.held_out,
            count(Split::Calibration),
            self.answers[0],
            self.answers[1],
            facts.held_out_loss,
            facts.constant_loss,
        );
        if let Some(auc) = self.calibration_auc {
            text.push_str(&format!(
                "ranking      {auc:.3}: how often, of two calibration problems, the one that \
                 gains more by the large model scores higher (0.5 is chance)\n"
            ));
        }
        match &self.out {
            Some(out) => text.push_str(&format!(
                "The model is in {}: `--router query:share=0.4,file={}`\n",
                out.display(),
                out.display()
            )),
            None => text.push_str("Nothing was written: name a folder by `--out`.\n"),
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ranking_counts_pairs_whose_labels_differ() {
        assert_eq!(ranking(&[(0.1, 0.0), (0.9, 1.0), (0.5, 1.0)]), Some(1.0));
        assert_eq!(ranking(&[(0.9, 0.0), (0.1, 1.0)]), Some(0.0));
        assert_eq!(ranking(&[(0.5, 0.0), (0.5, 1.0)]), Some(0.5));
        assert_eq!(ranking(&[(0.5, 1.0), (0.7, 1.0)]), None);
    }
}
