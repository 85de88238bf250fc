use super::*;
use crate::model::endpoint::Capabilities;
use crate::model::pool::ServerKind;
use ValueKind::{
    LogprobPostTemperature as After, LogprobPreTemperature as Before, None as Nothing, RawLogit,
};

fn facts(name: &str, server: &str) -> ModelFacts {
    ModelFacts::new(name, server)
}

fn can(values: ValueKind) -> Capabilities {
    Capabilities {
        top: 5,
        which_stop: true,
        cached_count: true,
        ..Capabilities::bare(Continuation::Exact, values)
    }
}

fn rule<'a>(name: &'a str, signal: &'a str) -> Rule<'a> {
    Rule {
        spec: name,
        name,
        signal,
        temperature: 0.7,
    }
}

const THERE: Asked<'_> = Asked::Model {
    name: "scorer",
    found: Found::Ready(None),
};

/// How a rule fits two models, each as `(server, what it can do)`.
fn fitted(rule: &Rule<'_>, models: [(&str, Capabilities); 2], asked: Asked<'_>) -> Fit {
    // Servers give raw logits in place of probabilities, local models both.
    let models = models.map(|(server, can)| {
        let probabilities = can.probabilities && (can.values != RawLogit || server == "local");
        (
            server,
            Capabilities {
                probabilities,
                ..can
            },
        )
    });
    let named = ["small", "large"].map(str::to_owned);
    let facts: Vec<ModelFacts> = named
        .iter()
        .zip(&models)
        .map(|(name, (server, _))| facts(name, server))
        .collect();
    let pool: Vec<Member<'_>> = facts
        .iter()
        .zip(&models)
        .map(|(facts, (_, can))| Member {
            facts,
            found: Found::Ready(Some(can)),
        })
        .collect();
    fit(rule, &pool, asked)
}

/// Every router with every kind of values: which aspects are lacking.
#[test]
fn the_matrix_of_routers_and_values() {
    let confidence = [Aspect::Confidence].as_slice();
    let fits: &[Aspect] = &[];
    // The server decides whether raw logits come with probabilities.
    let kinds = [
        ("local", RawLogit),
        ("vllm", RawLogit),
        ("vllm", Before),
        ("sglang", After),
        ("openai", Nothing),
    ];
    let readers_of_logits = [fits, fits, confidence, confidence, confidence];
    let readers_of_probabilities = [fits, confidence, fits, fits, confidence];
    let anchors = [fits; 5];
    let matrix = [
        ("small", "prob", anchors),
        ("large", "prob", anchors),
        ("random", "prob", anchors),
        ("threshold", "prob", readers_of_probabilities),
        ("threshold", "general-entropy", readers_of_probabilities),
        ("threshold", "logit", readers_of_logits),
        ("percentile", "prob", readers_of_probabilities),
        ("percentile", "general-logit", readers_of_logits),
        ("steer", "logit", readers_of_logits),
        ("steer", "mean-prob", readers_of_probabilities),
        ("policy", "sampled", readers_of_probabilities),
        ("policy", "logit", readers_of_logits),
        ("explore", "prob", readers_of_probabilities),
        ("rsd", "prob", anchors),
        ("specreason", "prob", anchors),
        ("query", "prob", anchors),
    ];
    for (name, signal, expected) in matrix {
        for ((server, values), expected) in kinds.into_iter().zip(expected) {
            for continuation in [Continuation::Exact, Continuation::Emulated] {
                let can = Capabilities {
                    continuation,
                    ..can(values)
                };
                let models = [(server, can.clone()), (server, can)];
                let fit = fitted(&rule(name, signal), models, THERE);
                let found: Vec<Aspect> = fit.lacks.iter().map(|lack| lack.about).collect();
                let mut wanted = expected.to_vec();
                // Whoever names OpenAI knows that it has no other way.
                if continuation == Continuation::Emulated && server != "openai" {
                    wanted.insert(0, Aspect::Continuation);
                }
                assert_eq!(found, wanted, "{name} {signal} {server} {values:?}");
                let ways = fit.lacks.iter().all(|lack| !lack.way_out.is_empty());
                assert!(ways, "{name} {signal} {server}");
            }
        }
    }
}

#[test]
fn both_models_must_give_it_and_are_named_together() {
    let threshold = rule("threshold", "prob");
    let refusal = |small, large| {
        let fit = fitted(
            &threshold,
            [("vllm", can(small)), ("ollama", can(large))],
            THERE,
        );
        let lacks = fit.lacks.iter();
        lacks
            .map(|lack| threshold.refusal(lack))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        refusal(Before, Nothing),
        [
            "router `threshold` reads the confidence `prob`, but large (ollama) gives no \
             probabilities of its tokens"
        ]
    );
    assert_eq!(
        refusal(Nothing, Nothing),
        [
            "router `threshold` reads the confidence `prob`, but small (vllm) and large (ollama) \
             give no probabilities of their tokens"
        ]
    );
    let raw_and_not = refusal(RawLogit, Before);
    assert_eq!(raw_and_not.len(), 1);
    let both = "small (vllm) gives raw logits and large (ollama) log-probabilities, and no";
    assert!(raw_and_not[0].contains(both), "{raw_and_not:?}");
    // The other confidence would not do either: that is not the advice.
    let logit = fitted(
        &rule("threshold", "logit"),
        [("vllm", can(RawLogit)), ("ollama", can(Before))],
        THERE,
    );
    assert_eq!(logit.lacks.len(), 1);
    assert!(logit.lacks[0].way_out.starts_with("start both alike"));
}

#[test]
fn two_scales_are_not_held_against_one_threshold() {
    let at = |temperature, small: (&str, ValueKind), large: (&str, ValueKind)| {
        let rule = Rule {
            temperature,
            ..rule("threshold", "prob")
        };
        fitted(
            &rule,
            [(small.0, can(small.1)), (large.0, can(large.1))],
            THERE,
        )
    };
    let mixed = at(0.7, ("vllm", Before), ("sglang", After));
    assert_eq!(mixed.lacks.len(), 1);
    assert!(
        mixed.lacks[0]
            .why
            .contains("large (sglang) gives log-probabilities after")
    );
    assert!(
        mixed.lacks[0]
            .way_out
            .contains("SGLANG_RETURN_ORIGINAL_LOGPROB=1")
    );
    assert!(
        !at(0.7, ("local", RawLogit), ("sglang", After))
            .lacks
            .is_empty()
    );
    assert_eq!(at(1.0, ("vllm", Before), ("sglang", After)), Fit::default());
    // Alone they compare with themselves, at one temperature.
    let after = at(0.7, ("sglang", After), ("sglang", After));
    assert_eq!(after.lacks, []);
    assert!(after.warnings[0].contains("holds at temperature 0.7 only"));
}

#[test]
fn who_scores_must_be_there() {
    let models = || [("vllm", can(Nothing)), ("vllm", can(Nothing))];
    for (name, words) in [
        ("rsd", "process-reward model"),
        ("specreason", "a judge"),
        ("query", "an encoder of questions"),
    ] {
        let rule = rule(name, "prob");
        let missing = fitted(&rule, models(), Asked::Missing);
        let sentence = rule.refusal(&missing.lacks[0]);
        assert!(sentence.contains(words), "{sentence}");
        assert!(sentence.ends_with("the pool names none"), "{sentence}");
        let down = Asked::Model {
            name: "scorer",
            found: Found::Down("cannot reach it"),
        };
        let down = fitted(&rule, models(), down);
        assert!(
            down.lacks[0]
                .why
                .contains("scorer cannot be used (cannot reach it)")
        );
        assert_eq!(fitted(&rule, models(), THERE), Fit::default());
    }
    let judge = can(Nothing);
    let whole_digits = Asked::Model {
        name: "scorer",
        found: Found::Ready(Some(&judge)),
    };
    let fit = fitted(&rule("specreason", "prob"), models(), whole_digits);
    assert_eq!((fit.lacks.len(), fit.warnings.len()), (0, 1));
}

#[test]
fn a_model_that_is_down_stops_every_router_and_an_unknown_one_none() {
    let (small, large) = (facts("small", "vllm"), facts("large", "vllm"));
    let ready = can(Before);
    let with = |found| {
        let pool = [
            Member {
                facts: &small,
                found: Found::Ready(Some(&ready)),
            },
            Member {
                facts: &large,
                found,
            },
        ];
        fit(&rule("small", "prob"), &pool, Asked::Missing)
    };
    assert_eq!(with(Found::Down("refused")).lacks[0].about, Aspect::Answer);
    assert_eq!(with(Found::Unknown), Fit::default());
}

#[test]
fn emulation_and_unknown_caches_are_remarks_on_the_pool() {
    let emulated = Capabilities {
        continuation: Continuation::Emulated,
        ..can(Before)
    };
    let accepted = ModelFacts {
        continuation: Some(Continuation::Emulated),
        ..facts("gpt", "openai")
    };
    let member = [Member {
        facts: &accepted,
        found: Found::Ready(Some(&emulated)),
    }];
    assert_eq!(
        fit(&rule("threshold", "prob"), &member, Asked::Missing).lacks,
        []
    );
    let told = remarks(&member);
    assert!(
        told[0].starts_with("gpt (openai) goes on by emulation"),
        "{told:?}"
    );

    for (server, flag) in [
        ("vllm", "; start vLLM with `--enable-prompt-tokens-details`"),
        ("sglang", "; start SGLang with `--enable-cache-report`"),
        ("ollama", "upper bound"),
    ] {
        let facts = facts("m", server);
        let silent = Capabilities {
            cached_count: false,
            ..can(Before)
        };
        let told = remarks(&[Member {
            facts: &facts,
            found: Found::Ready(Some(&silent)),
        }]);
        assert_eq!(told.len(), 1);
        assert!(told[0].ends_with(flag), "{told:?}");
    }
}

#[test]
fn every_kind_of_server_has_its_advice() {
    for kind in ServerKind::ALL {
        let rule = rule("threshold", "prob");
        let fit = fitted(
            &rule,
            [(kind.name(), can(Nothing)), (kind.name(), can(Nothing))],
            THERE,
        );
        assert!(
            fit.lacks[0].way_out.contains("a router that reads none"),
            "{kind}"
        );
    }
}

#[test]
fn a_server_that_does_not_say_why_a_step_ended_is_warned_of() {
    let mute = |server: &str| {
        let facts = facts("small", server);
        let can = Capabilities {
            which_stop: false,
            ..can(Before)
        };
        let pool = [Member {
            facts: &facts,
            found: Found::Ready(Some(&can)),
        }];
        remarks(&pool).concat()
    };
    let told = mute("openai-compatible");
    assert!(
        told.contains("small (openai-compatible) does not say why a step ended"),
        "{told}"
    );
    assert!(told.contains("include_stop_str_in_output"), "{told}");
    assert!(mute("ollama").contains("runs on"));
}
