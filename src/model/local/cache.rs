//! The key-value cache: slots that keep a branch between its steps, matched to
//! new prompts by their longest common prefix.

use super::config::ModelConfig;

/// Bytes all slots of one model may take together when full.
const MEMORY_BUDGET: usize = 2 << 30;
/// Most sequences one model keeps and works on at a time.
const MAX_SLOTS: usize = 16;

/// Keys and values of one sequence.
#[derive(Debug, Clone)]
pub struct Slot {
    /// The tokens whose keys and values are stored, in order.
    pub tokens: Vec<u32>,
    layers: Vec<LayerCache>,
    head_dim: usize,
    /// When it was last taken: the slot taken longest ago is evicted first.
    used: u64,
    busy: bool,
}

/// One layer: per key-value head the rows `[position][head_dim]`, contiguous,
/// so that a head's attention reads straight through memory. `Vec` doubles as
/// it grows.
#[derive(Debug, Clone, Default)]
pub struct LayerCache {
    pub keys: Vec<Vec<f32>>,
    pub values: Vec<Vec<f32>>,
}

impl Slot {
    /// An empty slot with room for `positions` tokens.
    pub fn new(config: &ModelConfig, positions: usize) -> Self {
        let room = || {
            (0..config.kv_heads)
                .map(|_| Vec::with_capacity(positions * config.head_dim))
                .collect()
        };
        let layer = |_| LayerCache {
            keys: room(),
            values: room(),
        };
        Self {
            tokens: Vec::with_capacity(positions),
            layers: (0..config.layers).map(layer).collect(),
            head_dim: config.head_dim,
            used: 0,
            busy: false,
        }
    }

    /// Forgets everything from position `length` on.
    pub fn truncate(&mut self, length: usize) {
        self.tokens.truncate(length);
        for layer in &mut self.layers {
            for rows in layer.keys.iter_mut().chain(&mut layer.values) {
                rows.truncate(length * self.head_dim);
            }
        }
    }

    /// The cache of a layer, to append rows to and attend over.
    pub fn layer(&mut self, layer: usize) -> &mut LayerCache {
        &mut self.layers[layer]
    }

    fn copy_prefix(&mut self, other: &Self, length: usize) {
        self.truncate(0);
        self.tokens.extend_from_slice(&other.tokens[..length]);
        let end = length * self.head_dim;
        for (mine, theirs) in self.layers.iter_mut().zip(&other.layers) {
            let mine = mine.keys.iter_mut().chain(&mut mine.values);
            let theirs = theirs.keys.iter().chain(&theirs.values);
            for (mine, theirs) in mine.zip(theirs) {
                mine.extend_from_slice(&theirs[..end]);
            }
        }
    }

    fn common_prefix(&self, prompt: &[u32]) -> usize {
        let pairs = self.tokens.iter().zip(prompt);
        pairs.take_while(|(a, b)| a == b).count()
    }
}

/// All slots of one model.
#[derive(Debug)]
pub struct Slots {
    slots: Vec<Slot>,
    clock: u64,
}

/// A slot taken for a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    pub slot: usize,
    /// Tokens of the prompt that need no prefill.
    pub matched: usize,
}

impl Slots {
    /// As many slots as the memory budget allows at full context, 2 to 16.
    pub fn new(config: &ModelConfig, context: usize) -> Self {
        let bytes = config.cache_values_per_token() * size_of::<f32>() * context;
        let count = (MEMORY_BUDGET / bytes.max(1)).clamp(2, MAX_SLOTS);
        Self {
            slots: (0..count)
                .map(|_| Slot::new(config, context.min(64)))
                .collect(),
            clock: 0,
        }
    }

    /// Number of sequences that can be worked on at a time.
    pub fn count(&self) -> usize {
        self.slots.len()
    }

    /// Takes the slot whose tokens share the longest prefix with the prompt.
    /// Where that one is at work, or holds more of another text than it shares
    /// with this one, its prefix is copied to the idle slot that was taken
    /// longest ago: problems by turns must not cost each other their prefixes.
    /// The last prompt token is never matched: its
    /// logits are needed. `None` where every slot is at work.
    pub fn take(&mut self, prompt: &[u32]) -> Option<Taken> {
        let most = prompt.len().saturating_sub(1);
        let score = |slot: &Slot| slot.common_prefix(prompt).min(most);
        let oldest = self.idle().min_by_key(|&i| self.slots[i].used)?;
        let best = (0..self.slots.len())
            .max_by_key(|&i| (score(&self.slots[i]), !self.slots[i].busy))
            .unwrap_or(oldest);
        let matched = score(&self.slots[best]);
        let others = self.slots[best].tokens.len() - matched;
        let slot = if matched < others || matched == 0 || self.slots[best].busy {
            oldest
        } else {
            best
        };
        if slot == best || matched == 0 {
            self.slots[slot].truncate(matched);
        } else {
            let (source, target) = two(&mut self.slots, best, slot);
            target.copy_prefix(source, matched);
        }
        self.clock += 1;
        self.slots[slot].used = self.clock;
        self.slots[slot].busy = true;
        Some(Taken { slot, matched })
    }

    /// Hands a slot back; its content stays for the next step of the branch.
    pub fn release(&mut self, slot: usize) {
        self.slots[slot].busy = false;
    }

    /// The slot with that index.
    pub fn slot(&mut self, slot: usize) -> &mut Slot {
        &mut self.slots[slot]
    }

    /// All slots, for a batch that works on several.
    pub fn all(&mut self) -> &mut [Slot] {
        &mut self.slots
    }

    fn idle(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.slots.len()).filter(|&i| !self.slots[i].busy)
    }
}

/// Two different elements, the first shared, the second mutable.
fn two(slots: &mut [Slot], shared: usize, mutable: usize) -> (&Slot, &mut Slot) {
    if shared < mutable {
        let (low, high) = slots.split_at_mut(mutable);
        (&low[shared], &mut high[0])
    } else {
        let (low, high) = slots.split_at_mut(shared);
        (&high[0], &mut low[mutable])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots() -> Slots {
        let config = ModelConfig::parse(
            br#"{"architectures":["LlamaForCausalLM"],"hidden_size":4,"num_hidden_layers":1,
                "num_attention_heads":2,"num_key_value_heads":1,"intermediate_size":4,"vocab_size":9}"#,
            None,
        )
        .unwrap();
        Slots::new(&config, 32)
    }

    /// Plays a finished request: fills the slot as the network would.
    fn fill(slots: &mut Slots, taken: Taken, tokens: &[u32]) {
        let slot = slots.slot(taken.slot);
        for &token in &tokens[taken.matched..] {
            slot.tokens.push(token);
            let row = [token as f32; 2];
            slot.layer(0).keys[0].extend_from_slice(&row);
            slot.layer(0).values[0].extend_from_slice(&row);
        }
    }

    #[test]
    fn the_longest_prefix_is_kept_and_the_last_token_always_runs() {
        let mut slots = slots();
        let first = slots.take(&[1, 2, 3]).unwrap();
        assert_eq!(first.matched, 0);
        fill(&mut slots, first, &[1, 2, 3]);
        slots.release(first.slot);
        let again = slots.take(&[1, 2, 3]).unwrap();
        assert_eq!((again.slot, again.matched), (first.slot, 2));
        assert_eq!(
            slots.slot(again.slot).layer(0).keys[0],
            [1.0, 1.0, 2.0, 2.0]
        );
        slots.release(again.slot);
        let other = slots.take(&[7, 7]).unwrap();
        assert_ne!(other.slot, first.slot);
    }

    #[test]
    fn the_prefix_of_a_busy_slot_is_copied() {
        let mut slots = slots();
        let first = slots.take(&[1, 2, 3]).unwrap();
        fill(&mut slots, first, &[1, 2, 3]);
        let second = slots.take(&[1, 2, 4, 5]).unwrap();
        assert_ne!(second.slot, first.slot);
        assert_eq!(second.matched, 2);
        assert_eq!(slots.slot(second.slot).tokens, [1, 2]);
        assert_eq!(
            slots.slot(second.slot).layer(0).values[0],
            [1.0, 1.0, 2.0, 2.0]
        );
    }

    #[test]
    fn problems_by_turns_keep_their_prefixes() {
        let mut slots = slots();
        let one: Vec<u32> = (0..9).collect();
        let other: Vec<u32> = [0].into_iter().chain(50..58).collect();
        for text in [&one, &other] {
            let taken = slots.take(text).unwrap();
            fill(&mut slots, taken, text);
            slots.release(taken.slot);
        }
        // They begin alike, and neither took the other's slot for that.
        for text in [&one, &other] {
            let taken = slots.take(text).unwrap();
            assert_eq!(taken.matched, 8);
            fill(&mut slots, taken, text);
            slots.release(taken.slot);
        }
    }

    #[test]
    fn eviction_takes_the_slot_unused_longest_and_none_when_all_work() {
        let mut slots = slots();
        let taken: Vec<Taken> = (0..slots.count())
            .map(|i| slots.take(&[i as u32 + 100, 1]).unwrap())
            .collect();
        assert!(slots.take(&[5, 5]).is_none());
        for one in &taken {
            slots.release(one.slot);
        }
        assert_eq!(slots.take(&[5, 5]).unwrap().slot, taken[0].slot);
    }
}
