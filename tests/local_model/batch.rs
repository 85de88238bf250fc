//! A row's bits do not depend on the rest of the batch.

use pointsman::model::local::cache::Slot;
use pointsman::model::local::forward::{Chunk, Logits, MAX_ROWS, Network};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::fixture::{LARGE, SMALL, Shape};

/// Inner dimensions above 512, where the matrix product is blocked, and
/// outputs below 64, where the library takes another road to its blocks.
const AWKWARD: Shape = Shape {
    qwen: false,
    hidden: 48,
    layers: 2,
    heads: 2,
    kv: 2,
    head_dim: 8,
    ffn: 1100,
    vocab: 50,
    tied: false,
    context: 512,
};

const SHAPES: [Shape; 3] = [SMALL, LARGE, AWKWARD];

fn tokens(rng: &mut ChaCha8Rng, count: usize, vocab: usize) -> Vec<u32> {
    (0..count)
        .map(|_| rng.random_range(0..vocab as u32))
        .collect()
}

fn bits(logits: &[f32]) -> Vec<u32> {
    logits.iter().map(|z| z.to_bits()).collect()
}

fn argmax(logits: &[f32]) -> u32 {
    let best = (0..logits.len()).max_by(|&a, &b| logits[a].total_cmp(&logits[b]));
    best.unwrap() as u32
}

/// Greedy decoding of all prompts in one batch; the logits' bits at each step.
fn decode(network: &Network, prompts: &[Vec<u32>], steps: usize) -> Vec<Vec<Vec<u32>>> {
    let mut slots: Vec<Slot> = prompts
        .iter()
        .map(|_| Slot::new(network.config(), 0))
        .collect();
    let mut next = prompts.to_vec();
    let mut seen = vec![Vec::new(); prompts.len()];
    for _ in 0..steps {
        let chunks: Vec<Chunk<'_>> = next
            .iter()
            .enumerate()
            .map(|(slot, tokens)| Chunk {
                slot,
                tokens,
                logits: Logits::Last,
            })
            .collect();
        let logits = network.forward(&mut slots, &chunks).unwrap();
        next = logits.iter().map(|row| vec![argmax(row)]).collect();
        for (seen, logits) in seen.iter_mut().zip(&logits) {
            seen.push(bits(logits));
        }
    }
    seen
}

#[test]
fn five_ragged_sequences_decode_as_they_do_alone() {
    for shape in SHAPES {
        let network = shape.network(1);
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let prompts: Vec<Vec<u32>> = [1, 7, 30, 3, 20]
            .map(|length| tokens(&mut rng, length, shape.vocab))
            .to_vec();
        let together = decode(&network, &prompts, 24);
        for (prompt, together) in prompts.iter().zip(&together) {
            let alone = decode(&network, std::slice::from_ref(prompt), 24);
            assert!(alone[0] == *together, "{shape:?}");
        }
    }
}

#[test]
fn prefill_gives_the_same_bits_however_it_is_cut() {
    for shape in SHAPES {
        let network = shape.network(3);
        let prompt = tokens(&mut ChaCha8Rng::seed_from_u64(4), 150, shape.vocab);
        let run = |size: usize| {
            let mut slots = [Slot::new(network.config(), 16)];
            let mut last = Vec::new();
            for tokens in prompt.chunks(size) {
                let chunk = Chunk {
                    slot: 0,
                    tokens,
                    logits: Logits::Last,
                };
                last = network.forward(&mut slots, &[chunk]).unwrap().remove(0);
            }
            let cache: Vec<u32> = (0..shape.layers)
                .flat_map(|layer| bits(&slots[0].layer(layer).values[0]))
                .collect();
            (bits(&last), cache)
        };
        let whole = run(MAX_ROWS);
        for size in [1, 2, 3, 5, 8, 17, 33, 63] {
            assert!(run(size) == whole, "{shape:?} in chunks of {size}");
        }
    }
}

#[test]
fn a_truncated_cache_continues_as_a_fresh_one() {
    let network = SMALL.network(5);
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let (first, second) = (tokens(&mut rng, 40, 107), tokens(&mut rng, 10, 107));
    let chunk = |tokens| Chunk {
        slot: 0,
        tokens,
        logits: Logits::Last,
    };
    let mut reused = [Slot::new(network.config(), 0)];
    network.forward(&mut reused, &[chunk(&first)]).unwrap();
    reused[0].truncate(25);
    let reused = network.forward(&mut reused, &[chunk(&second)]).unwrap();
    let whole = [&first[..25], &second].concat();
    let mut fresh = [Slot::new(network.config(), 0)];
    let fresh = network.forward(&mut fresh, &[chunk(&whole)]).unwrap();
    assert_eq!(bits(&reused[0]), bits(&fresh[0]));
}

#[test]
fn a_failed_batch_leaves_the_slots_as_they_were() {
    let network = SMALL.network(7);
    let mut slots = [Slot::new(network.config(), 0)];
    let chunk = |tokens| Chunk {
        slot: 0,
        tokens,
        logits: Logits::Last,
    };
    network.forward(&mut slots, &[chunk(&[4, 5])]).unwrap();
    assert!(network.forward(&mut slots, &[chunk(&[4, 9999])]).is_err());
    assert!(
        network
            .forward(&mut slots, &[chunk(&[4; MAX_ROWS + 1])])
            .is_err()
    );
    assert_eq!(slots[0].tokens, [4, 5]);
    assert_eq!(slots[0].layer(0).keys[0].len(), 2 * SMALL.head_dim);
}
