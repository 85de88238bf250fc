use proptest::prelude::*;
use ratatui::style::{Color, Style};
use unicode_segmentation::UnicodeSegmentation as _;

use super::highlight::{highlight, warm};
use super::math::{Kind, formulas, readable, readable_text};
use super::sanitize::{sanitize, sanitize_line};
use super::width::{self, Align};
use super::wrap::{Piece, WrappedLine, wrap};

#[test]
fn escape_sequences_go_whole() {
    for (dirty, clean) in [
        ("a\u{1b}[31mred\u{1b}[0m", "ared"),
        ("a\u{1b}]0;title\u{7}b", "ab"),
        (
            "a\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\b",
            "alinkb",
        ),
        ("a\u{1b}Pq#0\u{1b}\\b", "ab"),
        ("a\u{9b}31mb\u{90}x\u{9c}c", "abc"),
        ("a\u{1b}(0b\u{1b}cc", "abc"),
        ("a\u{1b}]never ends\nb", "a\nb"),
        ("a\u{1b}", "a"),
        ("x\u{202e}y\u{200b}z\u{feff}\u{2066}", "xyz"),
        ("a\r\nb\rc\u{8}\u{7f}", "a\nb\nc"),
        ("c\td\n\te", "c   d\n    e"),
        ("日\tx", "日  x"),
        ("👩‍🔬 ok", "👩‍🔬 ok"),
    ] {
        assert_eq!(sanitize(dirty), clean, "{dirty:?}");
    }
    assert_eq!(sanitize_line("a\nb"), "a b");
    assert!(matches!(sanitize("clean\n"), std::borrow::Cow::Borrowed(_)));
}

#[test]
fn widths_count_columns() {
    assert_eq!(width::of("日本"), 4);
    assert_eq!(width::of("e\u{301}"), 1);
    assert_eq!(width::truncate("日本語", 5), "日本…");
    assert_eq!(width::truncate("日本語", 4), "日…");
    assert_eq!(width::truncate("abc", 0), "");
    assert_eq!(width::truncate_start("/a/long/path", 6), "…/path");
    assert_eq!(width::pad("ab", 5, Align::Right), "   ab");
    assert_eq!(width::pad("ab", 5, Align::Center), " ab  ");
    assert_eq!(width::pad("abcdef", 4, Align::Left), "abc…");
}

fn plain(text: &str) -> Vec<Piece> {
    vec![Piece::new(text, Style::default(), 0..text.len())]
}

fn texts(lines: &[WrappedLine]) -> Vec<String> {
    lines.iter().map(WrappedLine::text).collect()
}

#[test]
fn words_wrap_and_know_their_source() {
    let lines = wrap(&plain("one two  three\n\nfour"), 8, 0);
    assert_eq!(texts(&lines), ["one two  ", "three", "", "four"]);
    assert_eq!(lines[1].source(), Some(9..14));
    assert_eq!(lines[2].source(), None);
    assert_eq!(
        texts(&wrap(&plain("abcdefgh ij"), 3, 0)),
        ["abc", "def", "gh ", "ij"]
    );
    assert_eq!(
        texts(&wrap(&plain("日本語です"), 4, 0)),
        ["日本", "語で", "す"]
    );
    assert_eq!(
        texts(&wrap(&plain("aaa bbb ccc"), 7, 4)),
        ["aaa bbb ", "ccc"]
    );
    assert_eq!(
        texts(&wrap(&plain("aaaa bbb ccc"), 7, 2)),
        ["aaaa ", "bbb ", "ccc"]
    );
    assert_eq!(texts(&wrap(&[], 7, 0)), [""]);
}

#[test]
fn a_word_of_several_styles_stays_whole() {
    let red = Style::new().fg(Color::Red);
    let pieces = [
        Piece::new("an un", Style::default(), 0..5),
        Piece::new("brea", red, 5..9),
        Piece::new("kable", Style::default(), 9..14),
    ];
    assert_eq!(texts(&wrap(&pieces, 12, 0)), ["an ", "unbreakable"]);
}

#[test]
fn shading_follows_tokens() {
    let red = Style::new().bg(Color::Red);
    let pieces = [
        Piece::new("a ", Style::default(), 0..2),
        Piece::new("½", Style::default(), 2..10),
        Piece::new("bc", Style::default(), 10..12),
    ];
    let line = &wrap(&pieces, 20, 0)[0];
    // Tokens end at 1, 5, 11 and 12; the second and the last are shaded.
    let shaded = line.to_line(|at| match at {
        0 => (Style::default(), 1),
        1..=4 => (red, 5),
        5..=10 => (Style::default(), 11),
        _ => (red, 12),
    });
    let spans: Vec<(&str, bool)> = shaded
        .spans
        .iter()
        .map(|s| (s.content.as_ref(), s.style.bg.is_some()))
        .collect();
    assert_eq!(
        spans,
        [("a", false), (" ½", true), ("b", false), ("c", true)]
    );
}

#[test]
fn mathematics_becomes_readable() {
    let mut wrong = Vec::new();
    for (source, wanted) in [
        (r"$\frac{1}{2}$", "1/2"),
        (
            r"so $x = \dfrac{-b \pm \sqrt{b^2-4ac}}{2a}$.",
            "so x = (−b ± √(b² − 4ac))/(2a).",
        ),
        (r"$x_{i+1}^{2}$", "xᵢ₊₁²"),
        (r"$\sum_{i=1}^{n} i$", "∑ᵢ₌₁ⁿ i"),
        (r"$\int_0^\infty f(x) dx$", "∫₀^∞ f(x)dx"),
        (r"$\sqrt[3]{2}$ and $\sqrt 2$", "³√2 and √2"),
        (r"\boxed{42}", "⟦42⟧"),
        (r"\boxed{\frac{3}{4}}", "⟦3/4⟧"),
        (r"$3\frac12$", "3 1/2"),
        (r"$\frac12x$", "(1/2)x"),
        (r"$2\cdot\frac{1}{2}$", "2 · 1/2"),
        (r"$\binom{n}{k}$", "C(n, k)"),
        (r"$90^\circ$", "90°"),
        (r"$12{,}345 + 12,345$", "12,345 + 12,345"),
        (r"$\left(\frac{3}{4}, \frac{\pi}{2}\right)$", "(3/4, π/2)"),
        (r"\(a \le b\) and \[c \neq d\]", "a ≤ b and c ≠ d"),
        (r"$x\in\{1,2,3\}$", "x ∈ {1, 2, 3}"),
        (r"$[0,1)\cup(2,\infty)$", "[0, 1) ∪ (2, ∞)"),
        (r"$\mathbb{R}$", "ℝ"),
        (r"$\log_2 8 = 3$", "log₂ 8 = 3"),
        (r"$\sin x + \cos(x)$", "sin x + cos(x)"),
        (
            r"$\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}$",
            "(1 2; 3 4)",
        ),
        (
            r"$f(x) = \begin{cases} 1 & \text{if } x > 0 \\ 0 & \text{else} \end{cases}$",
            "f(x) = { 1  if x > 0; 0  else",
        ),
        (
            "\\begin{align*} a &= b \\\\ &= c \\end{align*}",
            "a = b\n= c",
        ),
        (r"$a \equiv b \pmod{7}$", "a ≡ b (mod 7)"),
        (r"$S\not\equiv0$, $x \not= y$", "S ≢ 0, x ≠ y"),
        (r"$\overline{AB}$", "A\u{305}B\u{305}"),
        (r"$\lim_{x \to 0} f$", "lim_(x→0) f"),
        (r"$x^{2y}$ $x^{\frac12}$", "x²ʸ x^(1/2)"),
        (r"$(a+b)^2$", "(a + b)²"),
        (r"${a+b}^2$", "(a + b)²"),
        (r"$\frac{a+b}{c-d}$", "(a + b)/(c − d)"),
        (r"$f'(x)$", "f′(x)"),
        (r"$5!$, 50\%", "5!, 50%"),
        (r"$\foo{x}$", r"\foo{x}"),
        (r"it costs $5 and $10", "it costs $5 and $10"),
        (r"\$5 each", "$5 each"),
        (r"$a^{$ torn", r"$a^{$ torn"),
        (r"\frac{1}{", r"\frac{1}{"),
        (r"C:\Users\new", r"C:\Users\new"),
        ("$$ x = 1 $$", "x = 1"),
        (r"$-3 - -2$", "−3 − −2"),
        (r"$\{x \mid x > 0\}$", "{x ∣ x > 0}"),
        (r"$\alpha\beta\times\gamma$", "αβ × γ"),
        (r"$|x|$", "|x|"),
        (r"$2^{10}$", "2¹⁰"),
        (r"no maths at all", "no maths at all"),
    ] {
        let text = readable_text(source);
        if text != wanted {
            wrong.push(format!("{source}: {text:?}, not {wanted:?}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{}",
        wrong.join(
            "
"
        )
    );
}

#[test]
fn segments_know_what_they_were_made_from() {
    let source = r"Half: $\frac{a}{2}$ \boxed{7}";
    let segments = readable(source);
    let of = |text: &str| {
        segments
            .iter()
            .find(|s| s.text == text)
            .unwrap()
            .source
            .clone()
    };
    assert_eq!(&source[of("a")], "a");
    assert_eq!(&source[of("2")], "2");
    assert_eq!(&source[of("/")], r"\frac");
    assert_eq!(&source[of("7")], "7");
    assert_eq!(
        segments.iter().find(|s| s.text == "7").unwrap().kind,
        Kind::Boxed
    );
    assert_eq!(formulas(source), [6..19, 20..29]);
}

#[test]
fn deep_and_hostile_input_ends_soon() {
    let deep = format!("${}x{}$", "\\sqrt{".repeat(5_000), "}".repeat(5_000));
    assert!(readable_text(&deep).starts_with("$\\sqrt{\\sqrt{"));
    let torn = "\\frac{1".repeat(5_000);
    assert_eq!(readable_text(&torn), torn);
    let dollars = "$a ".repeat(20_000);
    assert_eq!(readable_text(&dollars), dollars);
}

#[test]
fn sources_are_coloured_without_gaps() {
    warm();
    let source = "# Title\nUse **bold** and $\\frac{1}{2} + x_1$ 50% of `code`\n";
    let spans = highlight(source);
    let mut at = 0;
    for span in &spans {
        assert_eq!(span.range.start, at);
        at = span.range.end;
    }
    assert_eq!(at, source.len());
    let role = |part: &str| {
        let from = source.find(part).unwrap();
        spans
            .iter()
            .find(|span| span.range.contains(&from))
            .unwrap()
            .role
    };
    assert_eq!(role("Title"), "source.keyword");
    assert_eq!(role("bold"), "source.emphasis");
    assert_eq!(role("frac"), "source.command");
    assert_eq!(role("code"), "source.string");
    assert_eq!(
        role("% of"),
        "source",
        "a percent sign of the text is no comment"
    );
    let long = "x".repeat(300_000);
    assert_eq!(highlight(&long).len(), 1);
}

/// Text that is likely to hit something.
fn hostile() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        "[a-z0-9 ]{0,5}",
        prop::sample::select(vec![
            "$",
            "$$",
            "\\(",
            "\\)",
            "\\[",
            "\\]",
            "{",
            "}",
            "^",
            "_",
            "\\frac",
            "\\sqrt",
            "\\boxed",
            "\\text{",
            "&",
            "\\\\",
            "\\begin{cases}",
            "\\end{cases}",
            "\\begin{pmatrix}",
            "\\end{pmatrix}",
            "\\left",
            "\\right",
            "\\sum",
            "\\",
            "'",
            "\\foo",
            "日",
            "e\u{301}",
            "\n",
            "\t",
            "\u{1b}[",
            "\u{1b}]",
            "\u{202e}",
            "👩‍🔬",
            "-",
            "=",
            "\\not",
            "\\hat",
            "[",
            "]",
            ",",
            "%",
            "\\color{red}",
            "\\pmod",
            "\\limits",
            "\\substack",
            "\\def",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ];
    prop::collection::vec(part, 0..25).prop_map(|parts| parts.concat())
}

#[test]
fn a_grapheme_wider_than_the_line_stands_alone_and_whole() {
    // Two wide characters that make one cluster of three columns.
    let lines = wrap(&plain("\u{18cff}\u{1933}ab"), 2, 0);
    assert_eq!(texts(&lines), ["\u{18cff}\u{1933}", "ab"]);
}

proptest! {
    #[test]
    fn sanitizing_twice_changes_nothing(text in hostile()) {
        let once = sanitize(&text).into_owned();
        prop_assert_eq!(sanitize(&once), once.as_str());
        prop_assert!(!once.chars().any(|c| c.is_control() && c != '\n'));
    }

    #[test]
    fn mathematics_never_panics_and_stays_inside_the_source(text in hostile()) {
        for segment in readable(&text) {
            prop_assert!(text.get(segment.source.clone()).is_some(), "{:?}", segment);
            prop_assert!(!segment.text.is_empty());
        }
    }

    #[test]
    fn wrapping_loses_nothing_and_fits(text in hostile(), columns in 2..30_usize, indent in 0..5_usize) {
        let text = sanitize(&text).into_owned();
        let lines = wrap(&plain(&text), columns, indent);
        prop_assert_eq!(texts(&lines).concat(), text.replace('\n', ""));
        for line in &lines {
            // Only a single grapheme, which is never broken, may be wider.
            let shown = line.text();
            let shown = shown.trim_end_matches(' ');
            let alone = shown.graphemes(true).count() == 1;
            prop_assert!(width::of(shown) <= columns || alone, "{:?}", shown);
            for piece in &line.pieces {
                prop_assert_eq!(text.get(piece.source.clone()), Some(piece.text.as_str()));
            }
        }
    }

    #[test]
    fn readable_text_wraps(text in hostile(), columns in 2..30_usize) {
        let pieces = super::math::pieces(readable(&text), |_| Style::default());
        let all: String = pieces.iter().map(|p| p.text.as_str()).collect();
        prop_assert_eq!(texts(&wrap(&pieces, columns, 0)).concat(), all.replace('\n', ""));
    }

    #[test]
    fn truncating_fits(text in hostile(), columns in 0..20_usize) {
        prop_assert!(width::of(&width::truncate(&text, columns)) <= columns);
        prop_assert!(width::of(&width::truncate_start(&text, columns)) <= columns);
    }
}
