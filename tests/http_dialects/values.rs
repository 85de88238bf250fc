//! Whose values they are, and what becomes of them.

use pointsman::model::endpoint::{FailureKind, StepRequest};
use pointsman::signal::confidence::{Source, measure};
use pointsman::trace::record::{Role, ValueKind};

use crate::bench::{Bench, request, texts};
use crate::servers::Kind;
use crate::sim::{Tok, Values, say};

fn step() -> Vec<Tok> {
    say(&["So", " it", " is", " 2", ".\n\n"])
}

#[tokio::test]
async fn raw_logits_are_the_highest_of_each_position() {
    for kind in [Kind::VLLM, Kind::CHAT] {
        let bench = Bench::odd(kind, |knobs| knobs.values = Values::RawLogits).await;
        let mut tokens = step();
        // Sampled, but not the best.
        tokens[1] = tokens[1].clone().behind(2);
        let highest: Vec<f32> = tokens
            .iter()
            .map(|token| token.logit.max(token.others[0].1))
            .collect();
        bench.says(tokens);
        let reply = bench.both().await;
        assert_eq!(reply.values, ValueKind::RawLogit, "{kind:?}");
        let found: Vec<f32> = reply
            .tokens
            .iter()
            .map(|token| token.max_logit.unwrap())
            .collect();
        assert_eq!(found, highest, "{kind:?}");
        assert_eq!(reply.tokens[1].top_logits[0].text, "other0", "{kind:?}");
        let bare = |token: &pointsman::trace::record::Token| {
            token.logprob.is_none() && token.top.is_empty()
        };
        assert!(
            reply.tokens.iter().all(bare),
            "no normaliser, no probability"
        );
        let logit = measure(
            &reply.tokens,
            reply.values,
            reply.coverage,
            Source::GeneralLogit,
        );
        let mean: f32 = highest.iter().sum::<f32>() / 5.0;
        assert!(
            (logit.value.unwrap() - f64::from(mean)).abs() < 1e-4,
            "{kind:?}"
        );
        let prob = measure(&reply.tokens, reply.values, reply.coverage, Source::Prob);
        assert!(
            prob.value.is_none() && prob.unavailable.is_some(),
            "{kind:?}"
        );
    }
}

#[tokio::test]
async fn the_best_alternative_counts_whatever_its_place_in_the_list() {
    for kind in Kind::ALL {
        let bench = Bench::probed(kind).await;
        let mut tokens = step();
        tokens[1] = tokens[1].clone().behind(1);
        // Not even among those asked for.
        tokens[2] = tokens[2].clone().behind(9);
        bench.says(tokens);
        let reply = bench.both().await;
        for at in [1, 2] {
            let token = &reply.tokens[at];
            assert_eq!(token.top[0].text, "other0", "{kind:?}");
            assert!(token.top[0].logprob > token.logprob.unwrap(), "{kind:?}");
            let order = token
                .top
                .windows(2)
                .all(|pair| pair[0].logprob >= pair[1].logprob);
            assert!(order, "{kind:?} {:?}", token.top);
        }
    }
}

#[tokio::test]
async fn a_best_token_missing_from_its_list_is_put_back() {
    for kind in Kind::ALL {
        let bench = Bench::odd(kind, |knobs| knobs.without_own = true).await;
        bench.says(step());
        let reply = bench.both().await;
        for token in &reply.tokens {
            let best = &token.top[0];
            assert_eq!(Some(best.logprob), token.logprob, "{kind:?}");
            assert_ne!(best.text, "other0", "{kind:?}");
        }
    }
    let bench = Bench::odd(Kind::VLLM, |knobs| {
        knobs.without_own = true;
        knobs.values = Values::RawLogits;
    })
    .await;
    bench.says(step());
    let reply = bench.both().await;
    assert_eq!(reply.tokens[0].max_logit, Some(step()[0].logit));
}

#[tokio::test]
async fn two_tokens_of_one_text_do_not_hide_the_better_one() {
    // In a dictionary by text the lesser of the two wins.
    let mut tokens = step();
    tokens[1].others[1].0 = " it".to_owned();
    for kind in [Kind::VLLM, Kind::COMPATIBLE] {
        let bench = Bench::probed(kind).await;
        bench.says(tokens.clone());
        let reply = bench.both().await;
        let token = &reply.tokens[1];
        assert_eq!(token.top[0].text, " it", "{kind:?}");
        assert_eq!(Some(token.top[0].logprob), token.logprob, "{kind:?}");
    }
}

#[tokio::test]
async fn replicas_that_disagree_end_the_run() {
    for kind in Kind::ALL {
        for (probed, then) in [
            (Values::RawLogits, Values::Logprobs),
            (Values::Logprobs, Values::RawLogits),
            (Values::ProcessedLogprobs, Values::RawLogits),
        ] {
            let bench = Bench::odd(kind, |knobs| knobs.values = probed).await;
            bench.says(step());
            bench.found().await;
            assert_eq!(bench.both().await.text, "So it is 2.");
            bench.sim.knobs().values = then;
            bench.fake.forget();
            let error = bench.fails().await;
            assert_eq!(error.kind, FailureKind::Configuration, "{kind:?} {then:?}");
            assert!(
                error.message.contains("disagree on --logprobs-mode"),
                "{error}"
            );
            assert_eq!(bench.asked().len(), 1, "{kind:?}");
            // It was paid for.
            assert_eq!(error.attempts[0].usage.output, 5, "{kind:?}");
        }
    }
}

#[tokio::test]
async fn a_replica_without_values_makes_confidence_unavailable_for_its_step() {
    for kind in Kind::ALL {
        let bench = Bench::probed(kind).await;
        bench.says(step());
        bench.sim.knobs().values = Values::Nothing;
        let reply = bench.step().await;
        assert_eq!(reply.text, "So it is 2.");
        assert_eq!(
            (reply.values, reply.coverage),
            (ValueKind::None, 0.0),
            "{kind:?}"
        );
        let confidence = measure(&reply.tokens, reply.values, reply.coverage, Source::Prob);
        assert!(confidence.value.is_none(), "{kind:?}");
    }
}

#[tokio::test]
async fn a_judge_gets_as_many_alternatives_as_there_are() {
    for kind in Kind::ALL {
        for (most, expected) in [(20, 20), (5, 5)] {
            let bench = Bench::odd(kind, |knobs| knobs.most_top = most)
                .await
                .after_probe()
                .await;
            bench.says(say(&["7", "\n\n"]));
            let judge = StepRequest {
                role: Role::Judge,
                prefix: "The quality score is:".to_owned(),
                temperature: 0.0,
                ..request()
            };
            let reply = bench.try_step(judge).await.unwrap();
            assert_eq!(texts(&reply)[0], "7", "{kind:?}");
            assert_eq!(reply.tokens[0].top.len(), expected, "{kind:?}");
        }
    }
}
