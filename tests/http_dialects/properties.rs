//! Any text in any tokens, behind any server: what was written is what is read.

use std::sync::LazyLock;

use pointsman::model::endpoint::{Endpoint, NoProgress, StepReply};
use pointsman::signal::confidence::{Source, measure};
use pointsman::trace::record::{StepEnd, ValueKind};
use proptest::prelude::*;
use proptest::sample::Index;
use tokio::runtime::Runtime;

use crate::bench::{Bench, Screen, request, texts};
use crate::servers::{Garble, Kind, Tail};
use crate::sim::{Pieces, Tok, Values};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
});

/// One endpoint a kind of server, probed once a test.
fn benches() -> Vec<Bench> {
    RUNTIME.block_on(async {
        let mut benches = Vec::new();
        for kind in Kind::ALL {
            benches.push(Bench::probed(kind).await);
        }
        benches
    })
}

/// Text with characters of every length; it has no blank line, and begins and
/// ends with something.
fn step() -> impl Strategy<Value = String> {
    let parts = vec!["a", "1", " ", "\nb", "é ", "€1", "🌟b", "x = 2", "."];
    let middle = prop::collection::vec(prop::sample::select(parts), 0..30);
    middle.prop_map(|parts| format!("S{}.", parts.concat()))
}

/// `text` in tokens; with `pure` none has parts of a character beside others.
fn tokens(text: &str, cuts: &[Index], pure: bool) -> Vec<Tok> {
    let bytes = text.as_bytes();
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
    if pure {
        let inside = cuts
            .clone()
            .into_iter()
            .filter(|&cut| !text.is_char_boundary(cut));
        let around =
            inside.flat_map(|cut| [text.floor_char_boundary(cut), text.ceil_char_boundary(cut)]);
        cuts.extend(around);
    }
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    cuts.dedup();
    cuts.windows(2)
        .map(|pair| Tok::new(&bytes[pair[0]..pair[1]]))
        .collect()
}

/// The step watched and not.
fn both(bench: &Bench) -> (StepReply, StepReply) {
    RUNTIME.block_on(async {
        let screen = Screen::default();
        let watched = bench.endpoint.step(request(), &screen).await.unwrap();
        let blind = bench.endpoint.step(request(), &NoProgress).await.unwrap();
        let shown = screen.0.lock().unwrap().clone();
        assert_eq!(shown, watched.text.trim_end_matches(['\n', '\u{fffd}']));
        (watched, blind)
    })
}

fn are_parts_in_order(reply: &StepReply) -> bool {
    let mut rest = reply.text.as_str();
    texts(reply).into_iter().all(|text| {
        let at = rest.find(text);
        rest = at.map_or("", |at| &rest[at + text.len()..]);
        at.is_some()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_split_of_any_step_is_found_again(
        text in step(),
        cuts in prop::collection::vec(any::<Index>(), 0..20),
        behind in prop::sample::select(vec!["\n\n", "\n\nNext", "\n\n\n", "\n\nnaïve €"]),
        chunk in 1_usize..40,
        alone in any::<bool>(),
    ) {
        // Each test its own: they run side by side.
        static BENCHES: LazyLock<Vec<Bench>> = LazyLock::new(benches);
        let sampled = tokens(&format!("{text}{behind}"), &cuts, alone);
        for bench in BENCHES.iter() {
            bench.says(sampled.clone());
            {
                let mut knobs = bench.sim.knobs();
                knobs.chunk = chunk;
                knobs.garble = Vec::new();
                knobs.tail = Tail::All;
                knobs.pieces = if alone { Pieces::Alone } else { Pieces::Held };
            }
            let (watched, blind) = both(bench);
            let kind = bench.kind;
            for reply in [&watched, &blind] {
                prop_assert_eq!(&reply.text, &text, "{:?}", kind);
                prop_assert_eq!(reply.end, StepEnd::Delimiter, "{:?}", kind);
                prop_assert!(are_parts_in_order(reply), "{:?} {:?}", kind, reply);
                // Ollama loses entries, and says nothing of it.
                if kind != Kind::OLLAMA {
                    prop_assert_eq!(reply.coverage, 1.0, "{:?} {:?}", kind, reply);
                    prop_assert_eq!(texts(reply).concat(), text.clone(), "{:?}", kind);
                }
            }
            prop_assert_eq!(&watched.tokens, &blind.tokens, "{:?}", kind);
            prop_assert_eq!(watched.usage.output, blind.usage.output, "{:?}", kind);
        }
    }

    #[test]
    fn lists_with_holes_and_nonsense_stay_within_the_text(
        text in step(),
        cuts in prop::collection::vec(any::<Index>(), 0..20),
        garble in prop::collection::vec(
            prop::sample::select(vec![Garble::Fine, Garble::Dropped, Garble::Blank, Garble::Other]),
            1..8,
        ),
        tail in prop::sample::select(vec![Tail::All, Tail::Cut, Tail::Short]),
    ) {
        static BENCHES: LazyLock<Vec<Bench>> = LazyLock::new(benches);
        let sampled = tokens(&format!("{text}\n\n"), &cuts, false);
        for bench in BENCHES.iter() {
            bench.says(sampled.clone());
            {
                let mut knobs = bench.sim.knobs();
                knobs.chunk = usize::MAX;
                knobs.garble = garble.clone();
                knobs.tail = tail;
            }
            let (watched, blind) = both(bench);
            for reply in [&watched, &blind] {
                prop_assert_eq!(&reply.text, &text);
                prop_assert!((0.0..=1.0).contains(&reply.coverage));
                prop_assert!(are_parts_in_order(reply), "{:?} {:?}", bench.kind, reply);
            }
        }
    }

    #[test]
    fn confidence_is_finite_or_unavailable(
        text in step(),
        cuts in prop::collection::vec(any::<Index>(), 0..20),
        logits in prop::collection::vec(-60.0_f32..60.0, 1..8),
        temperature in prop::sample::select(vec![0.0, 0.5, 1.0, 1.7]),
    ) {
        static KINDS: LazyLock<Vec<(Values, Bench)>> = LazyLock::new(|| {
            RUNTIME.block_on(async {
                let mut benches = Vec::new();
                for values in [
                    Values::RawLogits,
                    Values::Logprobs,
                    Values::ProcessedLogprobs,
                    Values::Nothing,
                ] {
                    let bench = Bench::odd(Kind::VLLM, |knobs| knobs.values = values).await;
                    benches.push((values, bench.after_probe().await));
                }
                benches
            })
        });
        let mut sampled = tokens(&format!("{text}\n\n"), &cuts, false);
        for (token, logit) in sampled.iter_mut().zip(logits.iter().cycle()) {
            token.logit = *logit;
        }
        for (values, bench) in KINDS.iter() {
            bench.says(sampled.clone());
            let asked = pointsman::model::endpoint::StepRequest { temperature, ..request() };
            let reply = RUNTIME.block_on(bench.endpoint.step(asked, &NoProgress)).unwrap();
            for source in Source::ALL {
                let found = measure(&reply.tokens, reply.values, reply.coverage, source);
                prop_assert!(found.value.is_none_or(f64::is_finite));
                prop_assert_eq!(found.value.is_none(), found.unavailable.is_some());
                prop_assert!(found.measures.values().all(|value| value.is_finite()));
                let had = match values {
                    Values::RawLogits => source.is_logit(),
                    Values::Nothing => false,
                    _ => !source.is_logit(),
                };
                prop_assert_eq!(found.value.is_some(), had, "{:?} {:?}", values, source);
            }
            let raw = reply.values == ValueKind::RawLogit;
            prop_assert_eq!(raw, *values == Values::RawLogits);
        }
    }
}
