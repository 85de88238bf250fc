//! A training run: batches, updates, curve and checkpoints.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::batch::{Batch, Feeder, Mix};
use super::checkpoint::{CheckpointError, Progress, export, load_state, save_state, write_whole};
use super::loss::Loss;
use super::network::Network;
use super::optimizer::Optimizer;
use super::pass::Workspace;
use super::recipe::Recipe;
use crate::pair::language::Split;
use crate::pair::language::solution::Author;
use crate::pair::vocabulary::Vocabulary;

/// One line of `curve.jsonl`.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct CurvePoint {
    pub step: u32,
    pub tokens: u64,
    pub seconds: f64,
    /// Mean training loss per target token since the last line, nats.
    pub loss: f64,
    /// Root mean square distance of the log-sum-exp from its target.
    pub log_sum_spread: f64,
    /// Norm of the last gradient, before clipping.
    pub gradient_norm: f32,
    pub rate_factor: f32,
    /// Loss per target token on held-out problems.
    pub held_out_loss: f64,
    /// Share of the held-out problems' own steps whose every token is the most likely one.
    pub step_accuracy: f64,
}

/// Where a run's rows come from.
pub trait Rows {
    /// Fills `batch` with rows up to about `tokens` tokens, the share `dense`
    /// of them in dense rows where there are such.
    fn fill(&self, batch: &mut Batch, tokens: usize, dense: f64, rng: &mut ChaCha8Rng);
}

impl Rows for Feeder<'_> {
    fn fill(&self, batch: &mut Batch, tokens: usize, dense: f64, rng: &mut ChaCha8Rng) {
        Feeder::fill(self, batch, tokens, dense, rng);
    }
}

/// What is trained: a network from where it starts, on its rows.
pub struct Subject<'a> {
    /// `small`, `large` or `judge`, for the record of the run.
    pub name: &'static str,
    pub initial: Network,
    pub rows: &'a dyn Rows,
    /// Fixed batches of held-out rows.
    pub held_out: Vec<Batch>,
}

/// Trains one model of the pair in `directory`, going on from its `state.safetensors` when there is
/// one. `report` is called with every point of the curve.
///
/// # Errors
/// Files that cannot be read or written.
pub fn train(
    author: Author,
    recipe: &Recipe,
    directory: &Path,
    report: impl FnMut(&CurvePoint),
) -> Result<Network, CheckpointError> {
    let vocabulary = Vocabulary::new();
    let feeder = Feeder {
        vocabulary: &vocabulary,
        author,
        mix: recipe.mix,
        split: Split::Training,
    };
    let mut rng = ChaCha8Rng::seed_from_u64(recipe.seed);
    let subject = Subject {
        name: author.name(),
        initial: Network::random(recipe.shape, &mut rng),
        rows: &feeder,
        held_out: held_out_batches(author, recipe, &vocabulary),
    };
    train_subject(subject, recipe, directory, report)
}

/// As [`train`], for any subject.
///
/// # Errors
/// Files that cannot be read or written.
pub fn train_subject(
    subject: Subject<'_>,
    recipe: &Recipe,
    directory: &Path,
    mut report: impl FnMut(&CurvePoint),
) -> Result<Network, CheckpointError> {
    std::fs::create_dir_all(directory).map_err(|source| CheckpointError::File {
        path: directory.to_owned(),
        source,
    })?;
    let mut run = Run::start(subject, recipe, directory)?;
    while run.progress.step < recipe.schedule.steps {
        run.step();
        let step = run.progress.step;
        let last = step == recipe.schedule.steps;
        if step % recipe.report_every == 0 || last {
            let point = run.point();
            append_line(&directory.join("curve.jsonl"), &point)?;
            report(&point);
        }
        if step % recipe.save_every == 0 || last {
            run.save(directory)?;
        }
    }
    Ok(run.network)
}

/// The state of a run.
struct Run<'a> {
    name: &'static str,
    rows: &'a dyn Rows,
    recipe: Recipe,
    vocabulary: Vocabulary,
    network: Network,
    optimizer: Optimizer,
    workspace: Workspace,
    gradient: Vec<f32>,
    passes: Vec<Batch>,
    held_out: Vec<Batch>,
    progress: Progress,
    seconds_before: f64,
    started: Instant,
    since_report: Loss,
    gradient_norm: f32,
}

impl<'a> Run<'a> {
    fn start(
        subject: Subject<'a>,
        recipe: &Recipe,
        directory: &Path,
    ) -> Result<Self, CheckpointError> {
        let mut network = subject.initial;
        let mut optimizer = Optimizer::new(network.weights.len());
        let state = directory.join("state.safetensors");
        let progress = match state.exists() {
            true => load_state(&state, &mut network, &mut optimizer)?,
            false => Progress::default(),
        };
        Ok(Self {
            name: subject.name,
            rows: subject.rows,
            recipe: recipe.clone(),
            vocabulary: Vocabulary::new(),
            workspace: Workspace::new(&recipe.shape),
            gradient: vec![0.0; network.weights.len()],
            passes: vec![Batch::default(); recipe.batch.div_ceil(recipe.pass)],
            network,
            optimizer,
            held_out: subject.held_out,
            progress,
            seconds_before: progress.seconds,
            started: Instant::now(),
            since_report: Loss::default(),
            gradient_norm: 0.0,
        })
    }

    fn step(&mut self) {
        let recipe = &self.recipe;
        // A stream per step: a resumed run sees the batches an uninterrupted one would have seen.
        let mut rng = ChaCha8Rng::seed_from_u64(recipe.seed);
        rng.set_stream(u64::from(self.progress.step) + 1);
        let dense = recipe.dense_at(self.progress.step);
        for pass in &mut self.passes {
            self.rows.fill(pass, recipe.pass, dense, &mut rng);
        }
        let positions: usize = self.passes.iter().map(|pass| pass.positions.len()).sum();
        #[allow(
            clippy::cast_precision_loss,
            reason = "a batch has thousands of positions"
        )]
        let weight = (positions.max(1) as f32).recip();
        self.gradient.fill(0.0);
        for pass in &self.passes {
            let loss = self
                .workspace
                .backward(&self.network, pass, weight, &mut self.gradient);
            self.since_report.cross_entropy += loss.cross_entropy;
            self.since_report.z += loss.z;
            self.since_report.positions += loss.positions;
            self.progress.tokens += pass.tokens.len() as u64;
        }
        let factor = recipe.schedule.factor(self.progress.step);
        let Network {
            layout, weights, ..
        } = &mut self.network;
        self.gradient_norm =
            self.optimizer
                .update(layout, weights, &mut self.gradient, &recipe.rates, factor);
        self.progress.step += 1;
        self.progress.seconds = self.seconds_before + self.started.elapsed().as_secs_f64();
    }

    #[allow(clippy::cast_precision_loss, reason = "counts of positions and steps")]
    fn point(&mut self) -> CurvePoint {
        let (held_out_loss, step_accuracy) =
            assess(&self.network, &mut self.workspace, &self.held_out);
        let sums = std::mem::take(&mut self.since_report);
        let positions = sums.positions.max(1) as f64;
        CurvePoint {
            step: self.progress.step,
            tokens: self.progress.tokens,
            seconds: self.progress.seconds,
            loss: sums.cross_entropy / positions,
            log_sum_spread: (sums.z / positions).sqrt(),
            gradient_norm: self.gradient_norm,
            rate_factor: self.recipe.schedule.factor(self.progress.step),
            held_out_loss,
            step_accuracy,
        }
    }

    fn save(&self, directory: &Path) -> Result<(), CheckpointError> {
        export(&self.network, &self.vocabulary, directory)?;
        save_state(
            &directory.join("state.safetensors"),
            &self.network,
            &self.optimizer,
            self.progress,
        )?;
        let record = serde_json::json!({
            "model": self.name,
            "parameters": self.network.weights.len(),
            "progress": self.progress,
            "recipe": self.recipe,
        });
        write_whole(
            &directory.join("training.json"),
            format!("{record:#}\n").as_bytes(),
        )
    }
}

/// Fixed batches of held-out problems that the model solves alone.
fn held_out_batches(author: Author, recipe: &Recipe, vocabulary: &Vocabulary) -> Vec<Batch> {
    let mix = Mix {
        alone: 1.0,
        small_slips: 0.0,
        large_slips: 0.0,
    };
    let feeder = Feeder {
        vocabulary,
        author,
        mix,
        split: Split::Calibration,
    };
    let mut rng = ChaCha8Rng::seed_from_u64(recipe.seed ^ 1);
    (0..8)
        .map(|_| {
            let mut batch = Batch::default();
            feeder.fill(&mut batch, recipe.pass, 0.0, &mut rng);
            batch
        })
        .collect()
}

/// Loss per target and share of steps with every token right, teacher-forced.
#[allow(clippy::cast_precision_loss, reason = "counts of positions and steps")]
pub fn assess(network: &Network, workspace: &mut Workspace, batches: &[Batch]) -> (f64, f64) {
    let (mut loss, mut positions, mut right, mut steps) = (0.0, 0, 0, 0);
    for batch in batches {
        workspace.forward(network, batch);
        let lines = workspace.logits().chunks_exact(network.shape.vocabulary);
        let best: Vec<bool> = lines
            .zip(&batch.targets)
            .map(|(line, &target)| {
                let most = line.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let total: f32 = line.iter().map(|value| (value - most).exp()).sum();
                let wanted = line[target as usize];
                loss += f64::from(most + total.ln() - wanted);
                wanted >= most
            })
            .collect();
        positions += best.len();
        steps += batch.steps.len();
        right += batch
            .steps
            .iter()
            .filter(|&&(from, to)| best[from..to].iter().all(|&best| best))
            .count();
    }
    (
        loss / positions.max(1) as f64,
        right as f64 / steps.max(1) as f64,
    )
}

fn append_line(path: &Path, point: &CurvePoint) -> Result<(), CheckpointError> {
    let fail = |source| CheckpointError::File {
        path: path.to_owned(),
        source,
    };
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(fail)?;
    let line = serde_json::to_string(point).map_err(|error| fail(error.into()))?;
    writeln!(file, "{line}").map_err(fail)
}
