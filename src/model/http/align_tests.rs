use proptest::prelude::*;

use super::*;

fn align(text: &str, raw: &[RawToken]) -> Aligned {
    super::align(text, &mut raw.to_vec(), ValueKind::LogprobPreTemperature)
}

fn raw(piece: &str, shown: &str) -> RawToken {
    RawToken {
        piece: (!piece.is_empty()).then(|| piece.as_bytes().into()),
        shown: shown.as_bytes().into(),
        value: Some(-0.5),
        ..RawToken::default()
    }
}

fn texts(aligned: &Aligned) -> Vec<&str> {
    aligned
        .tokens
        .iter()
        .map(|token| token.text.as_str())
        .collect()
}

#[test]
fn tokens_behind_the_cut_are_dropped() {
    let aligned = align(
        "A.",
        &[raw("A", "A"), raw("", "."), raw("\n", ""), raw("\n", "")],
    );
    assert_eq!(texts(&aligned), ["A", "."]);
    assert_eq!(aligned.covered, 2);
}

#[test]
fn a_token_that_straddles_the_cut_keeps_its_part() {
    for straddling in [raw(".\n\n", "."), raw(".\n\n", ".\n\n"), raw(".\n\n", "")] {
        let aligned = align("A.", &[raw("A", "A"), straddling]);
        let own = straddling_text(&aligned);
        assert_eq!(own, ".", "{aligned:?}");
        assert_eq!(aligned.covered, 2);
    }
}

fn straddling_text(aligned: &Aligned) -> &str {
    texts(aligned).last().copied().unwrap_or_default()
}

#[test]
fn a_token_held_back_gets_its_text_from_the_next() {
    // As llama.cpp shows a newline that might have begun a stop.
    for newline in ["\n", ""] {
        for dash in ["-", ""] {
            let tokens = [
                raw("x", "x"),
                raw(newline, ""),
                raw(dash, "\n-"),
                raw("y", "y"),
            ];
            let aligned = align("x\n-y", &tokens);
            assert_eq!(aligned.covered, 4);
            assert_eq!(texts(&aligned).concat(), "x\n-y");
            if !(newline.is_empty() && dash.is_empty()) {
                assert_eq!(texts(&aligned), ["x", "\n", "-", "y"]);
            }
        }
    }
}

#[test]
fn fused_characters_stay_whole() {
    // One entry for a character whose first tokens got none.
    let mut star = raw("", "\n🌟");
    star.piece = Some([159].as_slice().into());
    let aligned = align(
        "a\n🌟b",
        &[raw("a", "a"), raw("\n", ""), star, raw("b", "b")],
    );
    assert_eq!(texts(&aligned), ["a", "\n", "🌟", "b"]);
    // Three entries for one character.
    let part = |bytes: &[u8]| RawToken {
        shown: bytes.into(),
        value: Some(-1.0),
        ..RawToken::default()
    };
    let euro = "€".as_bytes();
    let aligned = align(
        "€",
        &[part(&euro[..1]), part(&euro[1..2]), part(&euro[2..])],
    );
    assert_eq!(texts(&aligned), ["€"]);
    assert_eq!(aligned.tokens[0].logprob, Some(-3.0));
}

#[test]
fn parts_of_a_character_that_show_nothing_belong_to_what_shows_it() {
    let part = || RawToken {
        value: Some(-1.0),
        ..RawToken::default()
    };
    // vLLM: the last part shows the whole character.
    let aligned = align(
        "a€b",
        &[raw("a", "a"), part(), raw("€", "€"), raw("b", "b")],
    );
    assert_eq!(texts(&aligned), ["a", "€", "b"]);
    assert_eq!(aligned.tokens[1].logprob, Some(-1.5));
    // Others: none does; the next token, cut at the stop or not, tells where.
    for next in ["b.", "b.\n\n"] {
        let tokens = [raw("a", "a"), part(), part(), raw(next, next)];
        let aligned = align("a€b.", &tokens);
        assert_eq!(texts(&aligned), ["a", "€b."], "{next:?}");
        assert_eq!(
            (aligned.tokens[1].logprob, aligned.covered),
            (Some(-2.5), 6)
        );
    }
    // At the end of the text, with or without the stop behind it.
    let tokens = [raw("a", "a"), part(), part(), raw("\n\n", "\n\n")];
    for shown in [&tokens[..], &tokens[..3]] {
        let aligned = align("a€", shown);
        assert_eq!(texts(&aligned), ["a", "€"]);
        assert_eq!(
            (aligned.tokens[1].logprob, aligned.covered),
            (Some(-2.0), 4)
        );
    }
    // Tokens that show nothing for another reason do not get what others wrote.
    for text in ["So", "三加四"] {
        assert_eq!(align(text, &[part(), part()]).covered, 0, "{text}");
    }
}

#[test]
fn lost_entries_lower_the_coverage_and_are_stepped_over_where_ends_are_known() {
    let at = |text: &str, end: usize| RawToken {
        end: Some(end),
        ..raw("", text)
    };
    let aligned = align("one two three", &[at("one", 3), at(" three", 13)]);
    assert_eq!(texts(&aligned), ["one", " three"]);
    assert_eq!(aligned.covered, 9);
    let aligned = align("one two three", &[raw("", "one"), raw("", " three")]);
    assert_eq!(texts(&aligned), ["one"]);
    let aligned = align("a€b", &[at("a", 1), at("\u{fffd}", 4), at("b", 5)]);
    assert_eq!(texts(&aligned), ["a", "b"]);
    assert_eq!(aligned.covered, 2);
}

#[test]
fn tokens_without_a_probability_do_not_count_as_covered() {
    let silent = RawToken {
        value: None,
        ..raw("", "b")
    };
    let aligned = align("ab", &[raw("", "a"), silent]);
    assert_eq!(texts(&aligned), ["a", "b"]);
    assert_eq!(aligned.covered, 1);
}

#[test]
fn probabilities_are_never_nan_and_the_best_comes_first() {
    let token = RawToken {
        value: Some(-0.1),
        top: vec![
            ("x".into(), -2.0),
            ("y".into(), f32::NAN),
            ("z".into(), f32::NEG_INFINITY),
        ],
        ..raw("a", "a")
    };
    let aligned = align("a", &[token]);
    let top: Vec<(&str, f32)> = aligned.tokens[0]
        .top
        .iter()
        .map(|top| (top.text.as_str(), top.logprob))
        .collect();
    assert_eq!(top, [("a", -0.1), ("x", -2.0), ("z", -9999.0)]);
    let token = RawToken {
        value: Some(f32::NAN),
        ..raw("a", "a")
    };
    assert_eq!(align("a", &[token]).tokens[0].logprob, None);
}

/// What llama.cpp shows for `pieces` of a text: characters come out when they
/// are whole, newlines when they can no longer begin a stop.
fn as_llama_cpp(pieces: &[Vec<u8>], known: &[bool]) -> Vec<RawToken> {
    let mut tokens = Vec::new();
    let mut pending: Vec<u8> = Vec::new();
    let mut sent = 0;
    for (nth, piece) in pieces.iter().enumerate() {
        pending.extend_from_slice(piece);
        if std::str::from_utf8(&pending).is_err() {
            // No entry at all for a token that ends inside a character.
            continue;
        }
        let mut token = RawToken {
            piece: known[nth % known.len()].then(|| piece.as_slice().into()),
            value: Some(-1.0),
            ..RawToken::default()
        };
        if !pending.ends_with(b"\n") {
            sent += pending.len();
            token.shown = std::mem::take(&mut pending).into();
        }
        token.end = Some(sent);
        tokens.push(token);
    }
    tokens
}

fn split(text: &str, cuts: &[prop::sample::Index]) -> Vec<Vec<u8>> {
    let bytes = text.as_bytes();
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    cuts.dedup();
    cuts.windows(2)
        .map(|w| bytes[w[0]..w[1]].to_vec())
        .collect()
}

/// Text with characters of every length; no blank line, which would be a stop.
fn step() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop::sample::select(vec!["a", "1", " ", "\na", "é", "€", "🌟"]),
        1..40,
    )
    .prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn any_split_of_any_text_is_found_again(
        text in step(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..30),
        stop in prop::bool::ANY,
    ) {
        let mut tokens: Vec<RawToken> = split(&text, &cuts)
            .into_iter()
            .map(|shown| RawToken { shown: shown.into(), value: Some(-1.0), ..RawToken::default() })
            .collect();
        if stop {
            tokens.extend([raw("", "\n"), raw("", "\n"), raw("", "next")]);
        }
        let aligned = align(&text, &tokens);
        prop_assert_eq!(aligned.covered, text.len());
        prop_assert_eq!(texts(&aligned).concat(), text);
    }

    #[test]
    fn parts_of_characters_that_show_nothing_do_not_lose_the_rest(
        parts in prop::collection::vec(prop::sample::select(vec!["a", "1", "€", "🌟"]), 1..12),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        last_part_shows in any::<bool>(),
    ) {
        let text = parts.concat();
        let whole = |at: &usize| text.is_char_boundary(*at);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len())).collect();
        // A token has no part of a character beside others.
        let inside: Vec<usize> = cuts.iter().copied().filter(|at| !whole(at)).collect();
        cuts.extend(inside.iter().map(|&at| text.floor_char_boundary(at)));
        cuts.extend(inside.iter().map(|&at| text.ceil_char_boundary(at)));
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        cuts.dedup();
        let tokens: Vec<RawToken> = cuts
            .windows(2)
            .map(|pair| {
                let shown = match (whole(&pair[0]), whole(&pair[1])) {
                    (true, true) => &text[pair[0]..pair[1]],
                    (false, true) if last_part_shows => {
                        &text[text.floor_char_boundary(pair[0])..pair[1]]
                    }
                    _ => "",
                };
                raw(shown, shown)
            })
            .collect();
        let aligned = align(&text, &tokens);
        prop_assert_eq!(texts(&aligned).concat(), text.clone());
        prop_assert_eq!(aligned.covered, text.len());
    }

    #[test]
    fn what_llama_cpp_shows_is_found_again(
        text in step(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..30),
        known in prop::collection::vec(any::<bool>(), 1..6),
        stop in prop::sample::select(vec!["", "\n\n", ".\n\n"]),
    ) {
        let mut pieces = split(&text, &cuts);
        let mut text = text;
        if let Some(dot) = stop.strip_suffix("\n\n") {
            text.push_str(dot);
            pieces.push(stop.as_bytes().to_vec());
        }
        let mut tokens = as_llama_cpp(&pieces, &known);
        if stop.starts_with('.') && let Some(last) = tokens.last_mut() {
            // The server cuts the straddling token at the stop.
            let before: usize = tokens_shown(&pieces, &text);
            last.shown = text.as_bytes()[before..].into();
        }
        let aligned = align(&text, &tokens);
        prop_assert_eq!(aligned.covered, text.len(), "{:?}", tokens);
        prop_assert_eq!(texts(&aligned).concat(), text);
    }

    #[test]
    fn nonsense_never_panics_and_never_overlaps(
        text in "[ab\n€]{0,12}",
        parts in prop::collection::vec(("[ab\n€]{0,3}", "[ab\n€]{0,3}", prop::option::of(0usize..20)), 0..12),
    ) {
        let tokens: Vec<RawToken> = parts
            .iter()
            .map(|(piece, shown, end)| RawToken { end: *end, ..raw(piece, shown) })
            .collect();
        let aligned = align(&text, &tokens);
        prop_assert!(aligned.covered <= text.len());
        let joined: usize = aligned.tokens.iter().map(|token| token.text.len()).sum();
        prop_assert!(joined <= text.len());
    }
}

/// How many bytes the tokens before the straddling one have shown.
fn tokens_shown(pieces: &[Vec<u8>], text: &str) -> usize {
    let tokens = as_llama_cpp(&pieces[..pieces.len() - 1], &[false]);
    tokens
        .last()
        .and_then(|token| token.end)
        .unwrap_or_default()
        .min(text.len())
}
