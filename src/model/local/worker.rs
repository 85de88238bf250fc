//! The thread that owns a model: it loads the weights on first use and then
//! batches continuously, taking requests in and letting them go between any
//! two forward passes.

use std::thread;

use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{mpsc, oneshot};

use super::LocalError;
use super::cache::Slots;
use super::config::ModelConfig;
use super::forward::{Chunk, Logits, MAX_ROWS, Network};
use super::reading::{self, Unread};
use super::sequence::{Advance, Event, Job, Sequence};
use super::text::TextModel;
use super::weights::WeightsSource;
use crate::model::endpoint::{EndpointError, FailureKind};
use crate::trace::record::StepEnd;

/// Requests that may wait for a slot; further senders wait their turn.
const QUEUE: usize = 64;

/// What the worker is asked for.
pub enum Command {
    /// Say whether the model is loaded, once that is known.
    Ready(oneshot::Sender<Result<(), String>>),
    Step(Box<Job>),
    Read(Box<reading::Job>),
}

/// What the worker needs to load a model.
#[derive(Clone)]
pub struct Plan {
    /// Name of the pool's model.
    pub name: String,
    pub source: WeightsSource,
    pub config: ModelConfig,
    /// Longest sequence in tokens.
    pub context: usize,
}

/// Starts the thread. It ends when the returned sender and its clones are gone.
///
/// # Errors
/// The system refuses another thread.
pub fn start(plan: Plan) -> Result<mpsc::Sender<Command>, LocalError> {
    let (sender, commands) = mpsc::channel(QUEUE);
    let name = plan.name.clone();
    thread::Builder::new()
        .name(format!("model {name}"))
        .spawn(move || run(plan, commands))
        .map_err(|source| LocalError::Thread { name, source })?;
    Ok(sender)
}

fn run(plan: Plan, mut commands: mpsc::Receiver<Command>) {
    let name = plan.name.clone();
    match Worker::load(plan) {
        Ok(worker) => worker.serve(commands),
        Err(error) => {
            let message = error.to_string();
            while let Some(command) = commands.blocking_recv() {
                refuse(command, &name, &message);
            }
        }
    }
}

/// Answers with the reason why the model could not be loaded.
fn refuse(command: Command, name: &str, message: &str) {
    match command {
        // An asker that is gone needs no answer, here and below.
        Command::Ready(reply) => drop(reply.send(Err(message.to_owned()))),
        Command::Step(job) => reject(*job, name, FailureKind::Configuration, message),
        Command::Read(job) => drop(job.reply.send(Err(Unread::Failed(message.to_owned())))),
    }
}

fn reject(job: Job, name: &str, kind: FailureKind, message: &str) {
    let error = EndpointError {
        endpoint: name.to_owned(),
        kind,
        message: message.to_owned(),
        attempts: Vec::new(),
    };
    let _ = job.events.send(Event::Done(Box::new(Err(error))));
}

struct Worker {
    name: String,
    context: usize,
    network: Network,
    text: TextModel,
    slots: Slots,
    active: Vec<Sequence>,
}

impl Worker {
    fn load(plan: Plan) -> Result<Self, LocalError> {
        let text = TextModel::load(&plan.source.tokenizer()?, plan.config.vocab)?;
        let slots = Slots::new(&plan.config, plan.context);
        Ok(Self {
            name: plan.name,
            context: plan.context,
            network: Network::load(&plan.source, plan.config)?,
            text,
            slots,
            active: Vec::new(),
        })
    }

    fn serve(mut self, mut commands: mpsc::Receiver<Command>) {
        loop {
            while self.active.len() < self.slots.count() {
                let command = if self.active.is_empty() {
                    match commands.blocking_recv() {
                        Some(command) => command,
                        None => return,
                    }
                } else {
                    match commands.try_recv() {
                        Ok(command) => command,
                        Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
                    }
                };
                match command {
                    Command::Ready(reply) => drop(reply.send(Ok(()))),
                    Command::Step(job) => self.admit(*job),
                    Command::Read(job) => self.read(*job),
                }
            }
            self.drop_cancelled();
            if !self.active.is_empty() {
                self.forward();
            }
        }
    }

    /// Reads at once: a reading takes no slot for longer than a pass or two.
    fn read(&mut self, job: reading::Job) {
        if job.reply.is_closed() {
            return;
        }
        let found = reading::read(
            &self.network,
            &mut self.text,
            &mut self.slots,
            self.context,
            &job.reading,
        );
        // An asker that is gone needs no answer.
        let _ = job.reply.send(found);
    }

    /// Tokenises a request and gives it a slot, or says why not.
    fn admit(&mut self, job: Job) {
        if job.events.is_closed() {
            return;
        }
        let prompt = match self.text.encode(&job.prompt) {
            Ok(prompt) => prompt,
            Err(error) => {
                return reject(job, &self.name, FailureKind::Refused, &error.to_string());
            }
        };
        if prompt.is_empty() {
            let message = "the rendered prompt has no tokens: check the template";
            return reject(job, &self.name, FailureKind::Configuration, message);
        }
        if prompt.len() >= self.context {
            let message = format!(
                "the prompt has {} tokens, the context holds {}",
                prompt.len(),
                self.context
            );
            return reject(job, &self.name, FailureKind::Context, &message);
        }
        match self.slots.take(&prompt) {
            Some(taken) => self
                .active
                .push(Sequence::new(job, prompt, taken, self.context)),
            // Not reached: requests are taken in only while a slot is idle.
            None => reject(
                job,
                &self.name,
                FailureKind::Server,
                "every slot is at work",
            ),
        }
    }

    fn drop_cancelled(&mut self) {
        let slots = &mut self.slots;
        self.active.retain(|sequence| {
            let keep = !sequence.cancelled();
            if !keep {
                slots.release(sequence.slot);
            }
            keep
        });
    }

    /// One pass of the network over what every request has pending.
    fn forward(&mut self) {
        let plan = self.plan();
        let mut chunks = Vec::with_capacity(plan.len());
        for &(index, count) in &plan {
            let sequence = &self.active[index];
            let pending = sequence.pending(self.slots.slot(sequence.slot));
            chunks.push(Chunk {
                slot: sequence.slot,
                tokens: &pending[..count],
                logits: match count == pending.len() {
                    true => Logits::Last,
                    false => Logits::None,
                },
            });
        }
        let result = self.network.forward(self.slots.all(), &chunks);
        let drawing: Vec<usize> = plan
            .iter()
            .zip(&chunks)
            .filter(|(_, chunk)| chunk.logits == Logits::Last)
            .map(|(&(index, _), _)| index)
            .collect();
        match result {
            Ok(logits) => self.draw(&drawing, &logits),
            Err(error) => self.fail_all(&error.to_string()),
        }
    }

    /// Which request gets how many of the batch's rows: first those that need
    /// one row for their next token, then prompts in order of arrival.
    fn plan(&mut self) -> Vec<(usize, usize)> {
        let mut sizes: Vec<(usize, usize)> = Vec::with_capacity(self.active.len());
        for (index, sequence) in self.active.iter().enumerate() {
            let slot = self.slots.slot(sequence.slot);
            sizes.push((index, sequence.pending(slot).len()));
        }
        // Stable: arrival order holds within each kind.
        sizes.sort_by_key(|&(_, size)| size > 1);
        let mut room = MAX_ROWS;
        for (_, size) in &mut sizes {
            *size = room.min(*size);
            room -= *size;
        }
        sizes.retain(|&(_, size)| size > 0);
        sizes
    }

    fn draw(&mut self, drawing: &[usize], logits: &[Vec<f32>]) {
        let mut finished = Vec::new();
        for (&index, logits) in drawing.iter().zip(logits) {
            let sequence = &mut self.active[index];
            let eos = &self.network.config().eos;
            match sequence.advance(logits, &mut self.text, eos) {
                Ok(Advance::Continue) => {}
                Ok(Advance::Retry) => sequence.retry(self.slots.slot(sequence.slot)),
                Ok(Advance::Finished(end)) => finished.push((index, Ok(end))),
                Err(failure) => finished.push((index, Err(failure))),
            }
        }
        // From the back, so that the indices before stay right.
        finished.sort_by_key(|&(index, _)| std::cmp::Reverse(index));
        for (index, outcome) in finished {
            let sequence = self.active.remove(index);
            self.slots.release(sequence.slot);
            self.close(sequence, outcome);
        }
    }

    fn close(&self, sequence: Sequence, outcome: Result<StepEnd, (FailureKind, String)>) {
        match outcome {
            Ok(end) => sequence.finish(end),
            Err((kind, message)) => sequence.fail(&self.name, kind, &message),
        }
    }

    fn fail_all(&mut self, message: &str) {
        for sequence in std::mem::take(&mut self.active) {
            self.slots.release(sequence.slot);
            sequence.fail(&self.name, FailureKind::Malformed, message);
        }
    }
}
