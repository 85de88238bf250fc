//! Reading without writing: how likely a model finds a given text, and the
//! hidden state it ends a prompt with.

use tokio::sync::oneshot;

use super::LocalError;
use super::cache::{Slots, Taken};
use super::forward::{Chunk, Logits, MAX_ROWS, Network};
use super::sample::RowStats;
use super::text::TextModel;
use crate::trace::record::Usage;

/// What is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The rendered prompt, special tokens included.
    pub prompt: String,
    /// What is held against the model's expectations after it; empty where
    /// only the prompt's hidden state is wanted.
    pub text: String,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// The tokens of the text, each with its natural log-probability at
    /// temperature 1.
    pub tokens: Vec<(String, f64)>,
    /// The hidden state after the last token, behind the last norm: what the
    /// output head sees. Empty where a text was read.
    pub hidden: Vec<f32>,
    pub usage: Usage,
}

/// Why nothing came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    /// Prompt and text do not fit the context.
    Context(String),
    Failed(String),
}

impl From<LocalError> for Unread {
    fn from(error: LocalError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// A reading on its way to the worker; nobody waits for it where the receiver
/// is gone.
pub struct Job {
    pub reading: Reading,
    pub reply: oneshot::Sender<Result<Read, Unread>>,
}

/// Reads, in passes of its own between those of the sequences being written:
/// a step is read in one or two.
///
/// # Errors
/// See [`Unread`].
pub fn read(
    network: &Network,
    text: &mut TextModel,
    slots: &mut Slots,
    context: usize,
    reading: &Reading,
) -> Result<Read, Unread> {
    let prompt = text.encode(&reading.prompt)?;
    let all = text.encode(&format!("{}{}", reading.prompt, reading.text))?;
    // Where a tokenizer merges across the border, what is merged is scored.
    let same = prompt.iter().zip(&all).take_while(|(a, b)| a == b).count();
    let border = match reading.text.is_empty() {
        true => all.len(),
        false => same,
    };
    if all.is_empty() || border == 0 {
        return Err(Unread::Failed(
            "the rendered prompt has no tokens: check the template".to_owned(),
        ));
    }
    if all.len() > context {
        return Err(Unread::Context(format!(
            "prompt and step have {} tokens, the context holds {context}",
            all.len()
        )));
    }
    let taken = slots
        .take(&all[..border])
        .ok_or_else(|| Unread::Failed("every slot is at work".to_owned()))?;
    let found = match reading.text.is_empty() {
        true => hidden(network, slots, taken, &all).map(|hidden| (Vec::new(), hidden)),
        false => {
            likelihoods(network, slots, taken, &all, border).map(|values| (values, Vec::new()))
        }
    };
    slots.release(taken.slot);
    let (values, hidden) = found?;
    let tokens = all[border..].iter().zip(values);
    Ok(Read {
        tokens: tokens
            .map(|(&id, value)| (text.token_text(id), value))
            .collect(),
        hidden,
        usage: Usage {
            prompt: all.len() as u64,
            cached: Some(taken.matched as u64),
            output: 0,
            ..Usage::default()
        },
    })
}

fn hidden(
    network: &Network,
    slots: &mut Slots,
    taken: Taken,
    all: &[u32],
) -> Result<Vec<f32>, LocalError> {
    let last = all.len() - 1;
    feed(network, slots, taken.slot, &all[taken.matched..last])?;
    let chunk = Chunk {
        slot: taken.slot,
        tokens: &all[last..],
        logits: Logits::None,
    };
    network.hidden(slots.all(), chunk)
}

/// ln p of every token from `border` on.
fn likelihoods(
    network: &Network,
    slots: &mut Slots,
    taken: Taken,
    all: &[u32],
    border: usize,
) -> Result<Vec<f64>, LocalError> {
    feed(network, slots, taken.slot, &all[taken.matched..border - 1])?;
    let mut values = Vec::with_capacity(all.len() - border);
    // The last token's logits say what comes after it: nobody asks.
    let read = &all[border - 1..all.len() - 1];
    let wanted = &all[border..];
    for (tokens, wanted) in read.chunks(MAX_ROWS).zip(wanted.chunks(MAX_ROWS)) {
        let chunk = Chunk {
            slot: taken.slot,
            tokens,
            logits: Logits::Each,
        };
        let rows = network.forward(slots.all(), &[chunk])?;
        for (row, &id) in rows.iter().zip(wanted) {
            let stats = RowStats::of(row).ok_or_else(|| {
                candle_core::Error::Msg("the network gave logits that are no numbers".to_owned())
            })?;
            values.push(f64::from(stats.logprob(row[id as usize])));
        }
    }
    Ok(values)
}

fn feed(
    network: &Network,
    slots: &mut Slots,
    slot: usize,
    tokens: &[u32],
) -> Result<(), LocalError> {
    for tokens in tokens.chunks(MAX_ROWS) {
        let chunk = Chunk {
            slot,
            tokens,
            logits: Logits::None,
        };
        network.forward(slots.all(), &[chunk])?;
    }
    Ok(())
}
