//! The source of a step in colour: Markdown, with LaTeX inside formulas.
//!
//! Spans carry roles of the theme and not colours, so one result serves every
//! theme and is worth keeping per content. Syntaxes are loaded on first use;
//! [`warm`] does that in the background after the first frame, since the
//! first line costs milliseconds while its patterns compile.

use std::ops::Range;
use std::sync::OnceLock;

use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

use super::math::formulas;
use super::wrap::Piece;
use crate::tui::theme::Theme;

/// Lines longer than this are left plain: the cost of a line grows faster
/// than its length.
const LINE_MAX: usize = 2_000;
/// Texts longer than this are left plain.
const TEXT_MAX: usize = 256 * 1024;

/// A stretch of the source with the role it is drawn in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSpan {
    pub range: Range<usize>,
    pub role: &'static str,
}

struct Syntaxes {
    set: SyntaxSet,
    markdown: SyntaxReference,
    latex: SyntaxReference,
    /// Beginnings of scope names with the role they get, first match wins.
    roles: Vec<(Scope, &'static str)>,
}

fn syntaxes() -> &'static Syntaxes {
    static SYNTAXES: OnceLock<Syntaxes> = OnceLock::new();
    SYNTAXES.get_or_init(|| {
        let set = SyntaxSet::load_defaults_newlines();
        let find = |name: &str| {
            let found = set.find_syntax_by_name(name);
            found
                .unwrap_or_else(|| set.find_syntax_plain_text())
                .clone()
        };
        let (markdown, latex) = (find("Markdown"), find("LaTeX"));
        let roles = ROLES
            .iter()
            .filter_map(|(scope, role)| Some((Scope::new(scope).ok()?, *role)))
            .collect();
        Syntaxes {
            set,
            markdown,
            latex,
            roles,
        }
    })
}

const ROLES: &[(&str, &str)] = &[
    ("comment", "source.comment"),
    ("punctuation.definition.comment", "source.comment"),
    ("markup.bold", "source.emphasis"),
    ("markup.italic", "source.emphasis"),
    ("markup.heading", "source.keyword"),
    ("entity.name.section", "source.keyword"),
    ("markup.raw", "source.string"),
    ("string.quoted", "source.string"),
    ("constant.numeric", "source.number"),
    ("keyword.operator", "source.operator"),
    ("punctuation.separator", "source.operator"),
    ("punctuation.section", "source.brace"),
    ("punctuation.definition.group", "source.brace"),
    ("punctuation.definition.string", "source.brace"),
    ("punctuation.definition.list_item", "source.keyword"),
    ("markup.list", "source"),
    ("support.function", "source.command"),
    ("support.constant", "source.command"),
    ("constant.character", "source.command"),
    ("constant.other", "source.command"),
    ("keyword", "source.command"),
    ("variable.parameter", "source.number"),
    ("markup.math", "source.math"),
    ("meta.environment.math", "source.math"),
    ("string.other.math", "source.math"),
];

/// Loads the syntaxes and compiles their patterns. Call it off the drawing
/// thread, once.
pub fn warm() {
    let _ = highlight("# A\n**b** $\\frac{1}{2} + x_1$ `c`\n1. d\n");
}

/// The spans of `source`, in order and without gaps. Slow on first use (see
/// [`warm`]); keep the result.
#[must_use]
pub fn highlight(source: &str) -> Vec<SourceSpan> {
    if source.len() > TEXT_MAX {
        return vec![SourceSpan {
            range: 0..source.len(),
            role: "source",
        }];
    }
    let syntaxes = syntaxes();
    let formulas = formulas(source);
    let mut spans = Vec::new();
    let mut at = 0;
    // Formulas are cut out of the Markdown, which would take their `_` for
    // emphasis; each is LaTeX of its own.
    let mut markdown = (ParseState::new(&syntaxes.markdown), ScopeStack::new());
    for formula in formulas {
        lines(
            source,
            at..formula.start,
            &mut markdown,
            "source",
            &mut spans,
        );
        at = formula.end;
        let mut latex = (ParseState::new(&syntaxes.latex), ScopeStack::new());
        lines(source, formula, &mut latex, "source.math", &mut spans);
    }
    lines(
        source,
        at..source.len(),
        &mut markdown,
        "source",
        &mut spans,
    );
    spans
}

fn lines(
    source: &str,
    range: Range<usize>,
    (state, stack): &mut (ParseState, ScopeStack),
    plain: &'static str,
    spans: &mut Vec<SourceSpan>,
) {
    let mut at = range.start;
    for line in source.get(range).unwrap_or_default().split_inclusive('\n') {
        let end = at + line.len();
        let parsed = if line.len() > LINE_MAX {
            None
        } else {
            state.parse_line(line, &syntaxes().set).ok()
        };
        let mut from = at;
        for (offset, op) in parsed.into_iter().flatten() {
            push(spans, from..at + offset, role(stack, plain));
            from = from.max(at + offset);
            // A stack out of step only costs colour.
            let _ = stack.apply(&op);
        }
        push(spans, from..end, role(stack, plain));
        at = end;
    }
}

fn role(stack: &ScopeStack, plain: &'static str) -> &'static str {
    let roles = &syntaxes().roles;
    let named = |scope: &Scope| roles.iter().find(|(begin, _)| begin.is_prefix_of(*scope));
    stack
        .as_slice()
        .iter()
        .rev()
        .find_map(named)
        .map_or(plain, |(_, role)| role)
}

fn push(spans: &mut Vec<SourceSpan>, range: Range<usize>, role: &'static str) {
    if range.is_empty() {
        return;
    }
    match spans.last_mut() {
        Some(last) if last.role == role && last.range.end == range.start => {
            last.range.end = range.end;
        }
        _ => spans.push(SourceSpan { range, role }),
    }
}

/// Spans as pieces for wrapping.
#[must_use]
pub fn pieces(source: &str, spans: &[SourceSpan], theme: &Theme) -> Vec<Piece> {
    let piece = |span: &SourceSpan| {
        let text = source.get(span.range.clone())?;
        Some(Piece::new(text, theme.style(span.role), span.range.clone()))
    };
    spans.iter().filter_map(piece).collect()
}
