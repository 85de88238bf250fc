//! The network over a ragged batch: rows of several sequences, of any lengths
//! and positions, go through every projection together; attention runs row by
//! row over each sequence's own cache.
//!
//! **Bit equality.** A row must come out the same whatever the rows beside it.
//! Norms, rotation, activation and attention treat rows apart. A matrix product
//! need not: the matrix library picks its kernel, and with it the order of
//! summation, by shape. Two rules keep it on one kernel: weights lie `[in, out]`
//! in memory, which excludes its dot-product kernel, and a batch has
//! `MIN_ROWS` to [`MAX_ROWS`] rows, which excludes its matrix-vector kernel
//! at the lower end and another blocking of the inner dimension at the upper.
//! `tests/local_model/batch.rs` compares the bits (and fails without the first rows rule).

use candle_core::{Device, Storage, Tensor};
use candle_nn::ops::{rms_norm, swiglu};
use candle_nn::rotary_emb::rope_thd;

use super::LocalError;
use super::attention::{Heads, append, attend};
use super::cache::Slot;
use super::config::ModelConfig;
use super::weights::{Block, Weights, WeightsSource};

/// Fewest rows of a matrix product; a single row is given a companion.
const MIN_ROWS: usize = 2;
/// Most rows of one [`Network::forward`].
pub const MAX_ROWS: usize = 64;

/// A model ready to run.
pub struct Network {
    config: ModelConfig,
    weights: Weights,
    inverse_frequencies: Vec<f64>,
}

/// Tokens to append to one slot.
#[derive(Debug, Clone, Copy)]
pub struct Chunk<'a> {
    /// Index into the slots; at most one chunk a slot in a batch.
    pub slot: usize,
    pub tokens: &'a [u32],
    pub logits: Logits,
}

/// After which tokens of a chunk the logits are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Logits {
    None,
    /// After the last.
    Last,
    /// After each.
    Each,
}

/// A row of the batch.
#[derive(Clone, Copy)]
struct Row {
    slot: usize,
    token: u32,
    position: usize,
}

impl Network {
    /// Loads the weights.
    ///
    /// # Errors
    /// See [`Weights::load`].
    pub fn load(source: &WeightsSource, config: ModelConfig) -> Result<Self, LocalError> {
        Ok(Self {
            weights: Weights::load(source, &config)?,
            inverse_frequencies: config.inverse_frequencies(),
            config,
        })
    }

    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// Appends every chunk to its slot and returns, in order, the raw logits
    /// (`[vocab]`) after the tokens that each chunk asks for.
    ///
    /// # Errors
    /// More than [`MAX_ROWS`] tokens in all, a token outside the vocabulary.
    /// The slots are then as they were.
    pub fn forward(
        &self,
        slots: &mut [Slot],
        chunks: &[Chunk<'_>],
    ) -> Result<Vec<Vec<f32>>, LocalError> {
        let (rows, wanted) = rows(slots, chunks);
        let stream = self.append(slots, chunks, &rows)?;
        match stream {
            Some(x) => self.logits(&x, &wanted),
            None => Ok(Vec::new()),
        }
    }

    /// Appends a chunk to its slot and returns the hidden state (`[hidden]`)
    /// after its last token, behind the last norm.
    ///
    /// # Errors
    /// As [`Network::forward`].
    pub fn hidden(&self, slots: &mut [Slot], chunk: Chunk<'_>) -> Result<Vec<f32>, LocalError> {
        let (rows, _) = rows(slots, &[chunk]);
        let Some(x) = self.append(slots, &[chunk], &rows)? else {
            return Ok(Vec::new());
        };
        let normed = self.normed(&x, &[rows.len() as u32 - 1])?;
        with_values(&normed, |values| values[..self.config.hidden].to_vec())
    }

    /// The stream behind the last block, `[rows, hidden]`; the chunks are in
    /// their slots unless it failed.
    fn append(
        &self,
        slots: &mut [Slot],
        chunks: &[Chunk<'_>],
        rows: &[Row],
    ) -> Result<Option<Tensor>, LocalError> {
        let result = self.run(slots, rows);
        for chunk in chunks {
            let slot = &mut slots[chunk.slot];
            if result.is_ok() {
                slot.tokens.extend_from_slice(chunk.tokens);
            } else {
                slot.truncate(slot.tokens.len());
            }
        }
        result
    }

    fn run(&self, slots: &mut [Slot], rows: &[Row]) -> Result<Option<Tensor>, LocalError> {
        if rows.is_empty() {
            return Ok(None);
        }
        if rows.len() > MAX_ROWS {
            let message = format!("a batch of {} rows exceeds {MAX_ROWS}", rows.len());
            return Err(candle_core::Error::Msg(message).into());
        }
        let mut x = self.embed(rows)?;
        let rotation = self.rotation(rows)?;
        for (layer, block) in self.weights.blocks.iter().enumerate() {
            x = self.block(block, layer, x, &rotation, rows, slots)?;
        }
        Ok(Some(x))
    }

    /// `[rows, hidden]`, with a companion row where there is only one.
    fn embed(&self, rows: &[Row]) -> Result<Tensor, LocalError> {
        let mut ids: Vec<u32> = rows.iter().map(|row| row.token).collect();
        ids.resize(ids.len().max(MIN_ROWS), 0);
        let count = ids.len();
        let ids = Tensor::from_vec(ids, count, &Device::Cpu)?;
        Ok(match &self.weights.embedding {
            Some(embedding) => embedding.index_select(&ids, 0)?,
            None => self.weights.head.index_select(&ids, 1)?.t()?.contiguous()?,
        })
    }

    /// Cosines and sines of every row's position, `[rows, head_dim / 2]`.
    fn rotation(&self, rows: &[Row]) -> Result<(Tensor, Tensor), LocalError> {
        let half = self.inverse_frequencies.len();
        let count = rows.len().max(MIN_ROWS);
        let mut cos = Vec::with_capacity(count * half);
        let mut sin = Vec::with_capacity(count * half);
        for row in rows {
            for frequency in &self.inverse_frequencies {
                let (s, c) = (row.position as f64 * frequency).sin_cos();
                cos.push(c as f32);
                sin.push(s as f32);
            }
        }
        cos.resize(count * half, 1.0);
        sin.resize(count * half, 0.0);
        Ok((
            Tensor::from_vec(cos, (count, half), &Device::Cpu)?,
            Tensor::from_vec(sin, (count, half), &Device::Cpu)?,
        ))
    }

    fn block(
        &self,
        block: &Block,
        layer: usize,
        x: Tensor,
        rotation: &(Tensor, Tensor),
        rows: &[Row],
        slots: &mut [Slot],
    ) -> Result<Tensor, LocalError> {
        let eps = self.config.rms_eps as f32;
        let normed = rms_norm(&x, &block.attention_norm, eps)?;
        let qkv = project(&normed, &block.qkv, block.qkv_bias.as_ref())?;
        let mixed = self.attention(&qkv, layer, rotation, rows, slots)?;
        let x = (x + project(&mixed, &block.output, block.output_bias.as_ref())?)?;
        let normed = rms_norm(&x, &block.mlp_norm, eps)?;
        let gated = swiglu(&normed.matmul(&block.gate_up)?)?;
        Ok((x + gated.matmul(&block.down)?)?)
    }

    /// Rotates queries and keys, appends keys and values to the caches and
    /// attends: `[rows, (heads + 2·kv)·dim]` to `[rows, heads·dim]`.
    fn attention(
        &self,
        qkv: &Tensor,
        layer: usize,
        rotation: &(Tensor, Tensor),
        rows: &[Row],
        slots: &mut [Slot],
    ) -> Result<Tensor, LocalError> {
        let heads = Heads {
            query: self.config.heads,
            kv: self.config.kv_heads,
            dim: self.config.head_dim,
        };
        let count = qkv.dim(0)?;
        let rotated_heads = heads.query + heads.kv;
        let rotated_width = rotated_heads * heads.dim;
        let width = rotated_width + heads.kv * heads.dim;
        let rotated = qkv.narrow(1, 0, rotated_width)?.contiguous()?.reshape((
            1,
            count,
            rotated_heads,
            heads.dim,
        ))?;
        let rotated = rope_thd(&rotated, &rotation.0, &rotation.1)?;
        let queries = heads.query * heads.dim;
        let mut out = vec![0.0_f32; count * queries];
        let mut scores = Vec::new();
        with_values(qkv, |qkv| {
            with_values(&rotated, |rotated| {
                for (index, row) in rows.iter().enumerate() {
                    let rotated = &rotated[index * rotated_width..(index + 1) * rotated_width];
                    let values = &qkv[index * width + rotated_width..(index + 1) * width];
                    let (query, keys) = rotated.split_at(queries);
                    let cache = slots[row.slot].layer(layer);
                    // Rows of a sequence come in order, so the cache ends with
                    // the row itself when it attends: that is the causal mask.
                    append(cache, keys, values, heads.dim);
                    let out = &mut out[index * queries..(index + 1) * queries];
                    attend(cache, query, out, heads, &mut scores);
                }
            })
        })??;
        Ok(Tensor::from_vec(out, (count, queries), &Device::Cpu)?)
    }

    /// The picked rows of the stream behind the last norm, with a companion
    /// where there is only one.
    fn normed(&self, x: &Tensor, picked: &[u32]) -> Result<Tensor, LocalError> {
        let mut rows = picked.to_vec();
        rows.resize(rows.len().max(MIN_ROWS), picked[0]);
        let count = rows.len();
        let rows = Tensor::from_vec(rows, count, &Device::Cpu)?;
        let x = x.index_select(&rows, 0)?;
        Ok(rms_norm(
            &x,
            &self.weights.norm,
            self.config.rms_eps as f32,
        )?)
    }

    fn logits(&self, x: &Tensor, wanted: &[u32]) -> Result<Vec<Vec<f32>>, LocalError> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let logits = self.normed(x, wanted)?.matmul(&self.weights.head)?;
        with_values(&logits, |values| {
            let rows = values.chunks_exact(self.config.vocab).take(wanted.len());
            rows.map(<[f32]>::to_vec).collect()
        })
    }
}

/// The batch as rows, and which of them are asked for logits.
fn rows(slots: &[Slot], chunks: &[Chunk<'_>]) -> (Vec<Row>, Vec<u32>) {
    let mut rows = Vec::new();
    let mut wanted = Vec::new();
    for chunk in chunks {
        let start = slots[chunk.slot].tokens.len();
        rows.extend(
            chunk
                .tokens
                .iter()
                .zip(start..)
                .map(|(&token, position)| Row {
                    slot: chunk.slot,
                    token,
                    position,
                }),
        );
        let end = rows.len() as u32;
        let first = match chunk.logits {
            Logits::None => end,
            Logits::Last => end.saturating_sub(u32::from(!chunk.tokens.is_empty())),
            Logits::Each => end - chunk.tokens.len() as u32,
        };
        wanted.extend(first..end);
    }
    (rows, wanted)
}

fn project(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor, LocalError> {
    let product = x.matmul(weight)?;
    Ok(match bias {
        Some(bias) => product.broadcast_add(bias)?,
        None => product,
    })
}

/// Lends the values of a contiguous f32 tensor without copying them.
fn with_values<T>(tensor: &Tensor, use_values: impl FnOnce(&[f32]) -> T) -> Result<T, LocalError> {
    let (storage, layout) = tensor.storage_and_layout();
    let (start, end) = layout
        .contiguous_offsets()
        .ok_or_else(|| candle_core::Error::Msg("tensor is not contiguous".to_owned()))?;
    match &*storage {
        Storage::Cpu(storage) => Ok(use_values(&storage.as_slice::<f32>()?[start..end])),
        _ => Err(candle_core::Error::Msg("tensor is not on the CPU".to_owned()).into()),
    }
}
