//! The text pane: the question and the steps of the followed path, one block
//! each, with readable mathematics and tokens shaded by confidence.

use std::collections::HashMap;
use std::rc::Rc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::app::Model;
use crate::session::Session;
use crate::trace::NodeIndex;
use crate::trace::record::{StepRecord, Token};
use crate::tui::text::highlight;
use crate::tui::text::math::{self, Kind};
use crate::tui::text::sanitize::sanitize;
use crate::tui::text::wrap::{Piece, WrappedLine, wrap};
use crate::tui::theme::Theme;

use super::{checks, doing, figures, glyph, shown_path, steps::short_name};

/// Columns left of the text: the bar of the step at the cursor.
const MARGIN: u16 = 2;
/// The same for an audience, and the columns left free on the right.
const WIDE_MARGIN: u16 = 4;
/// Columns from which a rejected draft stands beside what took its place.
const SIDE_BY_SIDE: u16 = 40;
/// Columns between them, the margin of the right one among them.
const GAP: u16 = 3;
/// Blocks kept wrapped.
const CACHED: usize = 512;

/// Wrapped blocks by content, so that a frame wraps only what is new.
#[derive(Default)]
pub struct Cache {
    blocks: HashMap<Key, Rc<Vec<WrappedLine>>>,
    /// What is wrong with the steps, for every pane.
    pub checks: checks::Cache,
}

#[derive(PartialEq, Eq, Hash)]
struct Key {
    /// Step id, or `?` and the problem's id.
    content: String,
    columns: u16,
    source: bool,
    theme: String,
}

/// Where the pane stands, for scrolling from what is seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    /// First line shown.
    pub top: usize,
    /// Last line that can be the first.
    pub last: usize,
}

struct Block {
    /// `None` is the question; the call in flight has no node either.
    node: Option<NodeIndex>,
    head: Line<'static>,
    body: Rc<Vec<WrappedLine>>,
    at_cursor: bool,
    style: Style,
    /// The rejected draft of the step, shown to its left.
    draft: Option<Box<Block>>,
}

impl Block {
    /// Lines of text.
    fn height(&self) -> usize {
        let beside = self.draft.as_ref().map_or(0, |draft| draft.body.len());
        self.body.len().max(beside)
    }
}

/// Columns left of the text, and all those around it.
fn margins(model: &Model) -> (u16, u16) {
    match model.view.talk {
        true => (WIDE_MARGIN, 2 * WIDE_MARGIN),
        false => (MARGIN, MARGIN + 1),
    }
}

/// Draws the pane and says where it stands.
pub fn draw(
    area: Rect,
    buffer: &mut Buffer,
    model: &Model,
    session: &Session,
    theme: &Theme,
    cache: &mut Cache,
) -> Position {
    let columns = area.width.saturating_sub(margins(model).1).max(1);
    let blocks = blocks(model, session, columns, theme, cache);
    // Head, body and an empty line after each, for an audience two.
    let space = if model.view.talk { 2 } else { 1 };
    let heights = blocks.iter().map(|block| block.height() + 1 + space);
    let heights: Vec<usize> = heights.collect();
    let total: usize = heights.iter().sum::<usize>().saturating_sub(space);
    let height = usize::from(area.height);
    let last = total.saturating_sub(height);
    let top = model.view.text_scroll.map_or_else(
        || follow(&blocks, &heights, height).min(last),
        |scroll| scroll.min(last),
    );
    let mut line = 0;
    for (block, block_height) in blocks.iter().zip(&heights) {
        if line + block_height > top && line < top + height {
            draw_block(
                area,
                buffer,
                model,
                session,
                theme,
                block,
                line as isize - top as isize,
                &mut cache.checks,
            );
        }
        line += block_height;
    }
    Position { top, last }
}

/// The first line that shows the block at the cursor whole, with what stands
/// before it; of a block higher than the pane its beginning.
fn follow(blocks: &[Block], heights: &[usize], height: usize) -> usize {
    let cursor = blocks.iter().position(|block| block.at_cursor).unwrap_or(0);
    let begin: usize = heights[..cursor].iter().sum();
    let end = begin + heights.get(cursor).copied().unwrap_or(0);
    // A call in flight right after the cursor is kept in view.
    let streaming = cursor + 2 == blocks.len() && blocks[cursor + 1].node.is_none();
    let end = if streaming {
        end + heights[cursor + 1]
    } else {
        end
    };
    end.saturating_sub(height).min(begin)
}

fn blocks(
    model: &Model,
    session: &Session,
    columns: u16,
    theme: &Theme,
    cache: &mut Cache,
) -> Vec<Block> {
    let cursor = session.cursor();
    let mut blocks = vec![question(model, session, columns, theme, cache)];
    let (path, is_streaming) = shown_path(session);
    for node in path {
        let at_cursor = cursor == Some(node);
        let beside = at_cursor && columns >= SIDE_BY_SIDE && !model.is_blind();
        let draft = beside.then(|| session.draft_of(node)).flatten();
        let columns = match draft {
            Some(_) => (columns - GAP) / 2,
            None => columns,
        };
        let mut wrap = |node| step_block(node, model, session, columns, theme, cache);
        let draft = draft.map(|draft| Box::new(wrap(draft)));
        blocks.push(Block {
            draft,
            at_cursor,
            ..wrap(node)
        });
    }
    if is_streaming && !model.is_blind() {
        blocks.extend(streaming(model, session, columns, theme));
    }
    blocks
}

fn step_block(
    node: NodeIndex,
    model: &Model,
    session: &Session,
    columns: u16,
    theme: &Theme,
    cache: &mut Cache,
) -> Block {
    let step = &session.tree().node(node).step;
    let settings = session.settings();
    let place = settings.place(&step.model);
    let (style, head) = match model.is_blind() {
        true => {
            let style = theme.style("emphasis");
            (style, Line::styled(step.index.to_string(), style))
        }
        false => {
            let style = glyph::step_style(step, place, settings.models(), theme);
            (style, head(session, step, theme))
        }
    };
    Block {
        node: Some(node),
        head,
        body: cache.wrapped(&step.id, &step.text, columns, model.view.source, theme),
        at_cursor: false,
        style,
        draft: None,
    }
}

fn question(
    model: &Model,
    session: &Session,
    columns: u16,
    theme: &Theme,
    cache: &mut Cache,
) -> Block {
    let problem = session.problem();
    let mut head = vec![Span::styled(
        sanitize(&theme.shown(&problem.id)).replace('\n', " "),
        theme.style("emphasis"),
    )];
    if let Some(domain) = &problem.domain {
        head.push(Span::styled(
            format!("  {}", sanitize(&theme.shown(domain)).replace('\n', " ")),
            theme.style("dim"),
        ));
    }
    if let Some(difficulty) = problem.difficulty {
        head.push(Span::styled(
            format!("  difficulty {difficulty}"),
            theme.style("dim"),
        ));
    }
    let content = format!("?{}/{}", session.settings().run.run, problem.id);
    Block {
        node: None,
        head: Line::from(head),
        body: cache.wrapped(
            &content,
            &problem.question,
            columns,
            model.view.source,
            theme,
        ),
        at_cursor: session.cursor().is_none(),
        style: theme.style("emphasis"),
        draft: None,
    }
}

/// Number, writer, confidence and length of a step.
pub fn head(session: &Session, step: &StepRecord, theme: &Theme) -> Line<'static> {
    let settings = session.settings();
    let place = settings.place(&step.model);
    let style = glyph::step_style(step, place, settings.models(), theme);
    let sign = glyph::step(step, place, settings.models());
    let mut text = format!("  u {}", figures::confidence(&step.confidence));
    if !step.kept {
        text.push_str("  rejected");
    }
    Line::from(vec![
        Span::styled(format!("{} ", step.index), theme.style("dim")),
        Span::styled(
            format!("{sign} {}", short_name(&step.model, settings, 24, theme)),
            style,
        ),
        Span::styled(text, theme.style("dim")),
        Span::styled(format!("  {}", figures::tokens(step)), theme.style("dim")),
    ])
}

fn streaming(model: &Model, session: &Session, columns: u16, theme: &Theme) -> Option<Block> {
    let call = session.in_flight()?;
    let settings = session.settings();
    let style = theme.model(call.place.model, settings.models());
    let head = Line::from(vec![
        Span::styled(
            format!("{} ", glyph::busy(model.ticks)),
            theme.style("busy"),
        ),
        glyph::named(call.place.model, settings, 24, theme),
        Span::styled(format!("  {}  ", doing(&call)), theme.style("dim")),
        Span::styled("esc", theme.style("key")),
        Span::styled(" cancels", theme.style("hint")),
    ]);
    Some(Block {
        node: None,
        head,
        body: Rc::new(wrap_text(call.text, columns, model.view.source, theme)),
        at_cursor: false,
        style,
        draft: None,
    })
}

impl Cache {
    fn wrapped(
        &mut self,
        content: &str,
        text: &str,
        columns: u16,
        source: bool,
        theme: &Theme,
    ) -> Rc<Vec<WrappedLine>> {
        let key = Key {
            content: content.to_owned(),
            columns,
            source,
            theme: theme.name().to_owned(),
        };
        if let Some(lines) = self.blocks.get(&key) {
            return Rc::clone(lines);
        }
        if self.blocks.len() >= CACHED {
            self.blocks.clear();
        }
        let lines = Rc::new(wrap_text(text, columns, source, theme));
        self.blocks.insert(key, Rc::clone(&lines));
        lines
    }
}

/// A text of a model in lines, its mathematics readable or as its source. The
/// bytes of the source are those of the text made safe.
pub fn wrap_text(text: &str, columns: u16, source: bool, theme: &Theme) -> Vec<WrappedLine> {
    let clean = sanitize(text);
    let pieces: Vec<Piece> = if source {
        highlight::pieces(&clean, &highlight::highlight(&clean), theme)
    } else {
        math::pieces(math::readable(&clean), |kind| match kind {
            Kind::Text => theme.style("text"),
            Kind::Math => theme.style("math"),
            Kind::Boxed => theme.style("math.box"),
        })
    };
    wrap(&pieces, usize::from(columns), 0)
}

/// Draws a block, with the draft it took the place of to its left.
#[expect(clippy::too_many_arguments, reason = "what a block is drawn from")]
fn draw_block(
    area: Rect,
    buffer: &mut Buffer,
    model: &Model,
    session: &Session,
    theme: &Theme,
    block: &Block,
    offset: isize,
    checks: &mut checks::Cache,
) {
    let mut draw_text = |area, block| {
        draw_text(area, buffer, model, session, theme, block, offset, checks);
    };
    let Some(draft) = &block.draft else {
        return draw_text(area, block);
    };
    let (margin, around) = margins(model);
    let half = area.width.saturating_sub(around + GAP) / 2;
    let left = Rect {
        width: margin + half,
        ..area
    };
    draw_text(left, draft);
    let shift = half + GAP;
    let right = Rect {
        x: area.x + shift,
        width: area.width.saturating_sub(shift),
        ..area
    };
    draw_text(right, block);
}

#[expect(clippy::too_many_arguments, reason = "what a block is drawn from")]
fn draw_text(
    area: Rect,
    buffer: &mut Buffer,
    model: &Model,
    session: &Session,
    theme: &Theme,
    block: &Block,
    offset: isize,
    checks: &mut checks::Cache,
) {
    let step = block.node.map(|node| &session.tree().node(node).step);
    let spans = step
        .filter(|_| model.view.shading && !model.is_blind())
        .map(|step| token_ends(&step.text, &step.tokens));
    let marks = match (&step, block.node) {
        (Some(step), _) => match_ranges(&step.text, &model.search.query),
        (None, _) if block.at_cursor => {
            match_ranges(&session.problem().question, &model.search.query)
        }
        _ => Vec::new(),
    };
    let faults = step.map(|step| checks.of(step));
    let faults = faults.as_ref().map_or(&[][..], |checked| &checked.marks);
    let shade = |at: usize| {
        let (style, end) = shade_at(at, spans.as_deref(), &marks, block.at_cursor, theme);
        let (over, stop) = fault_at(at, faults, theme);
        (over.patch(style), end.min(stop))
    };
    for row in 0..=block.body.len() {
        let y = offset + row as isize;
        let Some(y) = usize::try_from(y)
            .ok()
            .filter(|&y| y < usize::from(area.height))
        else {
            continue;
        };
        let y = area.y + y as u16;
        if block.at_cursor {
            // Beside the text, however wide the margin is.
            let bar = area.x + margins(model).0.saturating_sub(MARGIN);
            buffer.set_string(bar, y, "▌", block.style);
        }
        let (margin, _) = margins(model);
        let x = area.x + margin;
        let width = area.width.saturating_sub(margin);
        if row == 0 {
            buffer.set_line(x, y, &block.head, width);
        } else {
            buffer.set_line(x, y, &block.body[row - 1].to_line(shade), width);
        }
    }
}

/// For each token the byte where it ends in the text and its top-1 probability.
/// Empty where the tokens are not the text's, so that nothing is shaded wrong.
fn token_ends(text: &str, tokens: &[Token]) -> Vec<(usize, Option<f32>)> {
    if sanitize(text).len() != text.len() {
        return Vec::new();
    }
    let mut end = 0;
    let mut ends = Vec::with_capacity(tokens.len());
    for token in tokens {
        let Some(rest) = text.get(end..) else {
            return Vec::new();
        };
        // The last token may hold part of the delimiter.
        if !rest.starts_with(&*token.text) && !token.text.starts_with(rest) {
            return Vec::new();
        }
        end += token.text.len().min(rest.len());
        let top = token.top.first().map(|top| top.logprob);
        ends.push((end, top.or(token.logprob).map(f32::exp)));
    }
    ends
}

/// The style laid over the byte at `at`, and where it ends.
fn shade_at(
    at: usize,
    tokens: Option<&[(usize, Option<f32>)]>,
    marks: &[std::ops::Range<usize>],
    current: bool,
    theme: &Theme,
) -> (Style, usize) {
    let mut style = Style::default();
    let mut end = usize::MAX;
    if let Some(tokens) = tokens {
        let place = tokens.partition_point(|(end, _)| *end <= at);
        if let Some((token_end, probability)) = tokens.get(place) {
            end = *token_end;
            style = match probability {
                Some(p) if *p < 0.6 => theme.style("confidence.low"),
                Some(p) if *p < 0.9 => theme.style("confidence.mid"),
                // What is sure stays plain: shading points at doubt.
                Some(_) | None => Style::default(),
            };
        }
    }
    match marks.iter().find(|range| range.end > at) {
        Some(range) if range.start <= at => {
            let role = if current {
                "search.current"
            } else {
                "search.match"
            };
            (style.patch(theme.style(role)), end.min(range.end))
        }
        Some(range) => (style, end.min(range.start)),
        None => (style, end),
    }
}

/// The style of what does not hold at the byte at `at`, and where it ends.
fn fault_at(at: usize, faults: &[std::ops::Range<usize>], theme: &Theme) -> (Style, usize) {
    match faults.iter().find(|range| range.end > at) {
        Some(range) if range.start <= at => (checks::style(theme), range.end),
        Some(range) => (Style::default(), range.start),
        None => (Style::default(), usize::MAX),
    }
}

/// Places of the query in the text, without regard to ASCII case.
fn match_ranges(text: &str, query: &str) -> Vec<std::ops::Range<usize>> {
    if query.is_empty() {
        return Vec::new();
    }
    let (haystack, needle) = (text.to_ascii_lowercase(), query.to_ascii_lowercase());
    haystack
        .match_indices(&needle)
        .map(|(at, found)| at..at + found.len())
        .collect()
}
