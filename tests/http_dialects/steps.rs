//! What every server's steps are made into.

use pointsman::model::endpoint::StepRequest;
use pointsman::trace::record::{Continuation, StepEnd};

use crate::bench::{Bench, request, texts};
use crate::servers::{Garble, Kind, Tail};
use crate::sim::{Pieces, Tok, finish, say};

#[tokio::test]
async fn a_step_ends_at_the_delimiter_with_its_tokens() {
    for kind in Kind::ALL {
        let bench = Bench::probed(kind).await;
        bench.says(say(&["So", " 2", ".", "\n\n", "Next"]));
        let reply = bench.both().await;
        assert_eq!(reply.text, "So 2.", "{kind:?}");
        assert_eq!(texts(&reply), ["So", " 2", "."], "{kind:?}");
        assert_eq!((reply.coverage, reply.end), (1.0, StepEnd::Delimiter));
        assert!(reply.tokens.iter().all(|token| token.logprob.is_some()));
        // Best first, as many as were asked for.
        for token in &reply.tokens {
            assert_eq!(token.top[0].text, token.text, "{kind:?}");
            assert_eq!(token.top.len(), 5, "{kind:?}");
            assert_eq!(Some(token.top[0].logprob), token.logprob, "{kind:?}");
        }
        assert!(reply.attempts.is_empty());
        // The delimiter was sampled too.
        assert_eq!(reply.usage.output, 4, "{kind:?}");
        let emulated = kind == Kind::OPENAI;
        assert_eq!(reply.continuation == Continuation::Emulated, emulated);
    }
}

#[tokio::test]
async fn a_token_over_the_delimiter_keeps_its_part_of_the_step() {
    for kind in Kind::ALL {
        let bench = Bench::probed(kind).await;
        for straddling in [".\n\n", ".\n\n\n", ".\n\nAnd"] {
            bench.says(say(&["So", " 2", straddling, "Next"]));
            let reply = bench.both().await;
            assert_eq!(reply.text, "So 2.", "{kind:?}");
            assert_eq!(texts(&reply), ["So", " 2", "."], "{kind:?}");
            assert!(reply.tokens[2].logprob.is_some(), "{kind:?}");
            assert_eq!((reply.coverage, reply.end), (1.0, StepEnd::Delimiter));
        }
    }
}

#[tokio::test]
async fn a_delimiter_of_several_tokens_is_no_part_of_the_step() {
    for kind in Kind::ALL {
        let bench = Bench::probed(kind).await;
        bench.says(say(&["a", "\n", "-", " b", "\n", "\n", "c"]));
        let reply = bench.both().await;
        assert_eq!(reply.text, "a\n- b", "{kind:?}");
        let expected: &[&str] = match kind {
            // The entry of the newline that was held back is lost.
            Kind::OLLAMA => &["a", "-", " b"],
            _ => &["a", "\n", "-", " b"],
        };
        assert_eq!(texts(&reply), expected, "{kind:?}");
        let whole = if kind == Kind::OLLAMA { 0.8 } else { 1.0 };
        assert_eq!(reply.coverage, whole, "{kind:?}");
    }
}

#[tokio::test]
async fn every_end_is_told_or_said_to_be_inferred() {
    for kind in Kind::ALL {
        let bench = Bench::probed(kind).await;
        let named = kind.names_stop();
        bench.says(say(&["a", ".", "\n\n"]));
        let reply = bench.both().await;
        assert_eq!(reply.end, StepEnd::Delimiter, "{kind:?}");
        assert_eq!(reply.end_note.is_none(), named, "{kind:?}");
        bench.says(finish(&["done", "."]));
        let reply = bench.both().await;
        assert_eq!(reply.text, "done.");
        match kind {
            // No entry of the end mark, and no word of it.
            Kind::OLLAMA => {
                assert_eq!(reply.end, StepEnd::Delimiter);
                assert!(reply.end_note.unwrap().contains("did not say"));
            }
            _ => {
                assert_eq!(reply.end, StepEnd::Eos, "{kind:?}");
                assert_eq!(reply.end_note.is_none(), named, "{kind:?}");
            }
        }
        bench.says(say(&["a", " b", " c", " d"]));
        let short = StepRequest {
            max_tokens: 2,
            ..request()
        };
        let reply = bench.try_step(short).await.unwrap();
        assert_eq!((reply.text.as_str(), reply.end), ("a b", StepEnd::Length));
        assert_eq!(reply.end_note, None, "{kind:?}");
    }
}

#[tokio::test]
async fn entries_missing_at_the_end_lower_the_coverage_and_nothing_else() {
    for kind in Kind::ALL {
        for (tail, coverage) in [(Tail::Cut, 1.0), (Tail::Short, 0.8)] {
            let bench = Bench::odd(kind, |knobs| knobs.tail = tail).await;
            bench.says(say(&["four", "!", "\n\n"]));
            let reply = bench.both().await;
            assert_eq!(reply.text, "four!");
            assert_eq!(reply.coverage, coverage, "{kind:?} {tail:?}");
            assert_eq!(reply.end, StepEnd::Delimiter);
            let named = kind.names_stop();
            assert_eq!(reply.end_note.is_none(), named, "{kind:?} {tail:?}");
        }
    }
}

#[tokio::test]
async fn a_character_of_several_tokens_is_one_token() {
    let star = "🌟".as_bytes();
    let token = |bytes: &[u8]| Tok::new(bytes);
    let tokens = [
        token(b"a"),
        token(&star[..1]),
        token(&star[1..3]),
        token(&star[3..]),
        token(b"b"),
        token(b".\n\n"),
    ];
    for kind in Kind::ALL {
        for pieces in [Pieces::Held, Pieces::Alone] {
            let bench = Bench::odd(kind, |knobs| knobs.pieces = pieces).await;
            bench.says(tokens.to_vec());
            let reply = bench.both().await;
            assert_eq!(reply.text, "a🌟b.", "{kind:?}");
            assert_eq!(texts(&reply).concat(), "a🌟b.", "{kind:?} {pieces:?}");
            assert_eq!(reply.coverage, 1.0, "{kind:?} {pieces:?}");
            if kind != Kind::OLLAMA {
                // All that was sampled for it counts.
                let parts = match pieces {
                    Pieces::Held => 1..4,
                    Pieces::Alone => 1..5,
                };
                let values = kind.knobs().values;
                let sum: f32 = tokens[parts]
                    .iter()
                    .map(|token| values.of(token, 0.7).0)
                    .sum();
                let fused = reply.tokens[1].logprob.unwrap();
                assert!(
                    (fused - sum).abs() < 1e-4,
                    "{kind:?} {pieces:?}: {fused} {sum}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_character_at_the_end_of_a_step_is_covered() {
    let euro = "€".as_bytes();
    let tokens = [
        Tok::new(b"10 "),
        Tok::new(&euro[..2]),
        Tok::new(&euro[2..]),
        Tok::new(b"\n\n"),
    ];
    for kind in Kind::ALL {
        let bench = Bench::probed(kind).await;
        bench.says(tokens.to_vec());
        let reply = bench.both().await;
        assert_eq!(reply.text, "10 €", "{kind:?}");
        assert_eq!(reply.coverage, 1.0, "{kind:?}");
    }
}

#[tokio::test]
async fn half_a_character_at_the_token_limit_is_dropped() {
    let tokens = [Tok::new(b"ab"), Tok::new(&"€".as_bytes()[..2])];
    for kind in Kind::ALL {
        let bench = Bench::probed(kind).await;
        bench.says(tokens.to_vec());
        let short = StepRequest {
            max_tokens: 2,
            ..request()
        };
        let reply = bench.try_step(short).await.unwrap();
        assert_eq!((reply.text.as_str(), reply.end), ("ab", StepEnd::Length));
        assert_eq!(
            (texts(&reply), reply.coverage),
            (vec!["ab"], 1.0),
            "{kind:?}"
        );
        if !kind.is_vllm() {
            let note = reply.end_note.unwrap();
            assert_eq!(note, "cut inside a character", "{kind:?}");
        }
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_do_not_derail_the_rest() {
    // As a random model writes: two stray bytes, then text.
    let tokens = [
        Tok::new(&[0x9f]),
        Tok::new(&[0xb0]),
        Tok::new(b"9"),
        Tok::new(b" and more"),
        Tok::new(b"\n\n"),
    ];
    for kind in Kind::ALL {
        let bench = Bench::probed(kind).await;
        bench.says(tokens.to_vec());
        let reply = bench.both().await;
        assert!(reply.text.ends_with("9 and more"), "{kind:?}");
        // Ollama loses the entries of what it does not show.
        let least = if kind == Kind::OLLAMA { 0.6 } else { 1.0 };
        assert!(reply.coverage >= least, "{kind:?} {reply:?}");
    }
}

#[tokio::test]
async fn an_empty_step_is_asked_for_once_more_without_the_stop() {
    for kind in Kind::ALL {
        let bench = Bench::probed(kind).await;
        bench.says(say(&["\n\n", "Then", " 2", ".", "\n\n", "More", " text"]));
        let reply = bench.step().await;
        assert_eq!(reply.text, "Then 2.", "{kind:?}");
        assert_eq!(texts(&reply), ["Then", " 2", "."], "{kind:?}");
        assert_eq!((reply.coverage, reply.end), (1.0, StepEnd::Delimiter));
        let [attempt] = &reply.attempts[..] else {
            panic!("{kind:?}: {:?}", reply.attempts)
        };
        assert!(attempt.failure.contains("empty step") && attempt.usage.output == 1);
        let bodies = bench.bodies();
        assert_eq!(bodies.len(), 2, "{kind:?}");
        let stops = |body: &serde_json::Value| body.to_string().matches("\\n\\n\"]").count();
        assert_eq!((stops(&bodies[0]), stops(&bodies[1])), (1, 0), "{kind:?}");
        // Nothing but blank lines: no step.
        bench.says(finish(&["\n\n", "\n\n"]));
        let reply = bench.step().await;
        assert_eq!(reply.text, "", "{kind:?}");
        let none = matches!(reply.end, StepEnd::Empty | StepEnd::Eos);
        assert!(none, "{kind:?} {:?}", reply.end);
        // An end of the sequence at once is an end, where the server says so.
        if kind.names_stop() {
            bench.fake.forget();
            bench.says(finish(&[]));
            let reply = bench.both().await;
            assert_eq!((reply.text.as_str(), reply.end), ("", StepEnd::Eos));
            assert_eq!(bench.bodies().len(), 2, "{kind:?}");
        }
    }
}

#[tokio::test]
async fn a_step_goes_on_behind_a_blank_line_in_an_open_block() {
    for kind in Kind::ALL {
        let bench = Bench::probed(kind).await;
        bench.says(say(&["So", " \\[", " x", "\n\n", "lost"]));
        let ending = match kind {
            Kind::OPENAI => "\\[ x\n\n~~~\n\nThe next step:\nassistant:",
            _ => "\\[ x\n\n",
        };
        bench.sim.says(ending, say(&["y", " \\]", ".\n\n"]));
        let reply = bench.step().await;
        assert_eq!(reply.text, "So \\[ x\n\ny \\].", "{kind:?}");
        assert_eq!(texts(&reply).concat(), reply.text, "{kind:?}");
        assert_eq!((reply.usage.output, reply.end), (7, StepEnd::Delimiter));
        assert!(reply.end_note.unwrap().contains("joined"), "{kind:?}");
        // The blank line itself has no probability.
        assert!(reply.coverage < 1.0 && reply.coverage > 0.8, "{kind:?}");
        assert_eq!(bench.bodies().len(), 2, "{kind:?}");
    }
}

#[tokio::test]
async fn lost_and_garbled_entries_make_confidence_unavailable_and_no_nonsense() {
    use Garble::{Blank, Dropped, Fine, Other};
    for kind in Kind::ALL {
        for (garble, least) in [
            (vec![Dropped], 0.0),
            (vec![Other], 0.0),
            (vec![Fine, Blank], 0.5),
            (vec![Fine, Fine, Dropped], 0.1),
        ] {
            let bench = Bench::probed(kind).await;
            bench.sim.knobs().garble = garble.clone();
            bench.says(say(&["one", " two", " three", " four", "\n\n"]));
            let reply = bench.step().await;
            assert_eq!(reply.text, "one two three four");
            assert!(reply.coverage >= least, "{kind:?} {garble:?}");
            let mut rest = reply.text.as_str();
            for text in texts(&reply) {
                let at = rest.find(text).expect("tokens are parts in order");
                rest = &rest[at + text.len()..];
            }
        }
    }
}

#[tokio::test]
async fn tokens_shown_as_ids_cover_nothing() {
    for kind in [Kind::VLLM, Kind::COMPATIBLE, Kind::CHAT] {
        let bench = Bench::odd(kind, |knobs| knobs.as_ids = true).await;
        let found = bench.found().await;
        let remarks = found.remarks.join(" ");
        assert!(
            remarks.contains("--return-tokens-as-token-ids"),
            "{remarks}"
        );
        bench.says(say(&["So", " 2", ".\n\n"]));
        let reply = bench.both().await;
        assert_eq!((reply.text.as_str(), reply.coverage), ("So 2.", 0.0));
    }
}
