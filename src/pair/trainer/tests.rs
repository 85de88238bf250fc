//! The passes against finite differences and a naive forward pass in f64; short runs; files.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::batch::{Batch, Row};
use super::checkpoint::import;
use super::loss::Loss;
use super::network::{Network, ROPE_THETA, Shape, Z_WEIGHT};
use super::optimizer::Schedule;
use super::pass::Workspace;
use super::recipe::Recipe;
use super::run::train;
use super::sampler::Decoder;
use crate::pair::language::solution::Author;

const MICRO: Shape = Shape {
    vocabulary: 11,
    hidden: 12,
    layers: 2,
    heads: 4,
    kv_heads: 2,
    head: 4,
    feed_forward: 20,
};

fn batch(rng: &mut ChaCha8Rng, lengths: &[usize]) -> Batch {
    let mut batch = Batch::default();
    for &length in lengths {
        let tokens: Vec<u32> = (0..length).map(|_| rng.random_range(0..11)).collect();
        let counted = (0..length).map(|_| rng.random_bool(0.6)).collect();
        batch.push(&Row {
            tokens,
            counted,
            steps: Vec::new(),
        });
    }
    batch
}

fn network(rng: &mut ChaCha8Rng) -> Network {
    let mut network = Network::random(MICRO, rng);
    // Biases and norms away from their starting values, and logits near their target.
    network
        .weights
        .iter_mut()
        .for_each(|weight| *weight += 0.2 * (rng.random::<f32>() - 0.5));
    network
}

fn value(loss: Loss) -> f64 {
    (loss.cross_entropy + f64::from(Z_WEIGHT) * loss.z) / loss.positions as f64
}

#[test]
fn gradient_agrees_with_finite_differences() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let mut network = network(&mut rng);
    let batch = batch(&mut rng, &[9, 5, 70]);
    let mut workspace = Workspace::new(&MICRO);
    let mut gradient = vec![0.0; network.weights.len()];
    workspace.backward(
        &network,
        &batch,
        1.0 / batch.positions.len() as f32,
        &mut gradient,
    );
    let mut unused = gradient.clone();
    for parameter in network.layout.parameters.clone() {
        // Along a random direction the difference is far above the noise of f32.
        let direction: Vec<f32> = parameter
            .range
            .clone()
            .map(|_| rng.random::<f32>() - 0.5)
            .collect();
        let slope: f64 = direction
            .iter()
            .zip(&gradient[parameter.range.clone()])
            .map(|(d, g)| f64::from(d * g))
            .sum();
        let mut at = |step: f32| {
            let before = network.weights.clone();
            for (weight, d) in network.weights[parameter.range.clone()]
                .iter_mut()
                .zip(&direction)
            {
                *weight += step * d;
            }
            let loss = value(workspace.backward(&network, &batch, 1.0, &mut unused));
            network.weights = before;
            loss
        };
        let step = 4e-3;
        let measured = (at(step) - at(-step)) / f64::from(2.0 * step);
        let error = (measured - slope).abs() / (slope.abs() + 0.05);
        assert!(
            error < 0.02,
            "{}: {slope} against {measured}",
            parameter.name
        );
    }
}

#[test]
fn forward_agrees_with_a_naive_one() {
    let mut rng = ChaCha8Rng::seed_from_u64(12);
    let network = network(&mut rng);
    let batch = batch(&mut rng, &[7, 80]);
    let mut workspace = Workspace::new(&MICRO);
    workspace.forward(&network, &batch);
    let mut naive = Vec::new();
    let mut from = 0;
    for &length in &batch.rows {
        naive.extend(naive_logits(&network, &batch.tokens[from..from + length]));
        from += length;
    }
    let lines = workspace.logits().chunks_exact(MICRO.vocabulary);
    assert_eq!(lines.len(), batch.positions.len());
    for (line, &position) in lines.zip(&batch.positions) {
        for (fast, slow) in line.iter().zip(&naive[position]) {
            assert!((f64::from(*fast) - slow).abs() < 1e-4, "{fast} {slow}");
        }
    }
}

#[test]
fn decoding_with_a_cache_agrees_with_the_batch() {
    let mut rng = ChaCha8Rng::seed_from_u64(13);
    let network = network(&mut rng);
    let tokens: Vec<u32> = (0..40).map(|_| rng.random_range(0..11)).collect();
    let mut batch = Batch::default();
    batch.push(&Row {
        tokens: tokens.clone(),
        counted: vec![true; 40],
        steps: Vec::new(),
    });
    let mut workspace = Workspace::new(&MICRO);
    workspace.forward(&network, &batch);
    let lines: Vec<&[f32]> = workspace.logits().chunks_exact(MICRO.vocabulary).collect();
    let mut decoder = Decoder::new(&network);
    // Reads on, goes back and reads another way, as a router makes it do.
    for length in [1, 7, 8, 30, 5, 39] {
        let logits = decoder.read(&tokens[..length]).expect("within the context");
        for (fast, slow) in logits.iter().zip(lines[length - 1]) {
            assert!((fast - slow).abs() < 1e-4, "{fast} {slow}");
        }
    }
    assert!(decoder.read(&[]).is_none());
}

fn weights(network: &Network, name: &str) -> Vec<f64> {
    network
        .parameter(name)
        .expect("a parameter of the layout")
        .iter()
        .map(|&weight| f64::from(weight))
        .collect()
}

fn apply(weight: &[f64], x: &[f64]) -> Vec<f64> {
    weight
        .chunks_exact(x.len())
        .map(|line| line.iter().zip(x).map(|(w, x)| w * x).sum())
        .collect()
}

fn normed(scale: &[f64], x: &[f64]) -> Vec<f64> {
    let mean = x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64;
    x.iter()
        .zip(scale)
        .map(|(x, scale)| x / (mean + 1e-6).sqrt() * scale)
        .collect()
}

fn turned(head: &[f64], position: usize) -> Vec<f64> {
    let half = head.len() / 2;
    (0..head.len())
        .map(|index| {
            let pair = index % half;
            let angle = position as f64 * ROPE_THETA.powf(-2.0 * pair as f64 / head.len() as f64);
            let other = if index < half {
                -head[index + half]
            } else {
                head[index - half]
            };
            head[index] * angle.cos() + other * angle.sin()
        })
        .collect()
}

/// The textbook forward pass of one row, every position after the other.
fn naive_logits(network: &Network, tokens: &[u32]) -> Vec<Vec<f64>> {
    let shape = network.shape;
    let embedding = weights(network, "model.embed_tokens.weight");
    let mut stream: Vec<Vec<f64>> = tokens
        .iter()
        .map(|&token| embedding[token as usize * shape.hidden..][..shape.hidden].to_vec())
        .collect();
    for layer in 0..shape.layers {
        let get = |part: &str| weights(network, &format!("model.layers.{layer}.{part}"));
        let project = |part: &str, x: &[f64]| -> Vec<f64> {
            let bias = get(&format!("self_attn.{part}_proj.bias"));
            let out = apply(&get(&format!("self_attn.{part}_proj.weight")), x);
            out.iter().zip(bias).map(|(out, bias)| out + bias).collect()
        };
        let inputs: Vec<Vec<f64>> = stream
            .iter()
            .map(|x| normed(&get("input_layernorm.weight"), x))
            .collect();
        let [q, k, v] =
            ["q", "k", "v"].map(|part| inputs.iter().map(|x| project(part, x)).collect::<Vec<_>>());
        for position in 0..tokens.len() {
            let mut attended = Vec::new();
            for head in 0..shape.heads {
                let slice =
                    |of: &[f64], head: usize| of[head * shape.head..][..shape.head].to_vec();
                let shared = head / (shape.heads / shape.kv_heads);
                let query = turned(&slice(&q[position], head), position);
                let scores: Vec<f64> = (0..=position)
                    .map(|key| {
                        let key = turned(&slice(&k[key], shared), key);
                        let score: f64 = query.iter().zip(key).map(|(q, k)| q * k).sum();
                        (score / (shape.head as f64).sqrt()).exp()
                    })
                    .collect();
                let total: f64 = scores.iter().sum();
                for column in 0..shape.head {
                    let column = shared * shape.head + column;
                    attended.push(
                        scores
                            .iter()
                            .enumerate()
                            .map(|(at, s)| s / total * v[at][column])
                            .sum(),
                    );
                }
            }
            let add = apply(&get("self_attn.o_proj.weight"), &attended);
            stream[position]
                .iter_mut()
                .zip(add)
                .for_each(|(x, add)| *x += add);
        }
        for x in &mut stream {
            let input = normed(&get("post_attention_layernorm.weight"), x);
            let gates = apply(&get("mlp.gate_proj.weight"), &input);
            let ups = apply(&get("mlp.up_proj.weight"), &input);
            let active: Vec<f64> = gates
                .iter()
                .zip(ups)
                .map(|(g, u)| g / (1.0 + (-g).exp()) * u)
                .collect();
            let add = apply(&get("mlp.down_proj.weight"), &active);
            x.iter_mut().zip(add).for_each(|(x, add)| *x += add);
        }
    }
    let scale = weights(network, "model.norm.weight");
    stream
        .iter()
        .map(|x| apply(&embedding, &normed(&scale, x)))
        .collect()
}

/// A run short enough for a test: `steps` updates of `tokens` tokens.
fn short(steps: u32, tokens: usize) -> Recipe {
    let mut recipe = Recipe::of(Author::Small);
    recipe.rates.adam = 6e-3;
    recipe.batch = tokens;
    recipe.pass = tokens;
    recipe.report_every = 25;
    recipe.save_every = 5;
    recipe.schedule = Schedule {
        warm_up: 5,
        decay_from: steps / 2,
        steps,
    };
    recipe
}

#[test]
fn a_short_run_learns_and_leaves_a_checkpoint() {
    let directory = tempfile::tempdir().expect("a temporary folder");
    let mut recipe = short(350, 1_536);
    recipe.save_every = 350;
    let mut curve = Vec::new();
    let trained = train(Author::Small, &recipe, directory.path(), |point| {
        curve.push(*point);
    })
    .expect("a writable folder");
    let (first, last) = (curve[0], curve[curve.len() - 1]);
    let both = format!("{first:?} {last:?}");
    assert!(last.loss < first.loss / 3.0, "{both}");
    assert!(last.log_sum_spread < first.log_sum_spread / 2.0, "{both}");
    assert!(last.held_out_loss < first.held_out_loss / 3.0, "{both}");
    assert!(last.step_accuracy > first.step_accuracy + 0.02, "{both}");
    let read = import(directory.path()).expect("an export");
    assert_eq!(read.shape, trained.shape);
    assert_eq!(read.weights, trained.weights);
    for file in [
        "tokenizer.json",
        "config.json",
        "training.json",
        "curve.jsonl",
    ] {
        assert!(directory.path().join(file).exists(), "{file}");
    }
}

#[test]
fn a_resumed_run_ends_in_the_same_weights() {
    let [whole, parts] = [(); 2].map(|()| tempfile::tempdir().expect("a temporary folder"));
    // One schedule for both, so that only the interruption differs.
    let until = |steps| Recipe {
        schedule: Schedule {
            steps,
            ..short(10, 1_024).schedule
        },
        ..short(10, 1_024)
    };
    let run = |steps, folder: &tempfile::TempDir| {
        train(Author::Small, &until(steps), folder.path(), |_| ()).expect("a writable folder")
    };
    let one = run(10, &whole);
    run(5, &parts);
    let two = run(10, &parts);
    assert_eq!(one.weights, two.weights);
}
