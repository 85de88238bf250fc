//! Dialogs and lists over the screen.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Widget};
use unicode_segmentation::UnicodeSegmentation as _;

use crate::app::{
    Layer, LineEdit, Model, Purpose, Quote, completion, listed_rows, palette_rows, picker_rows,
};
use crate::cost::Unit;
use crate::expr::Completion;
use crate::tui::input::keymap::Keymap;
use crate::tui::text::sanitize::sanitize;
use crate::tui::text::width::{self, Align};
use crate::tui::theme::Theme;

use super::figures::{self, counted};
use super::{glyph, help, lines, paragraph, select, stops, window};

/// Draws a layer over the screen and says how far it can be scrolled.
pub fn draw(
    area: Rect,
    buffer: &mut Buffer,
    layer: &Layer,
    model: &Model,
    keymap: &Keymap,
    theme: &Theme,
) -> usize {
    match layer {
        Layer::Help { scroll } => return help::draw(area, buffer, *scroll, model, keymap, theme),
        Layer::Palette { input, selected } => {
            let rows = palette_rows(input.text());
            let context = model.screen_context();
            list(
                area,
                buffer,
                "Actions",
                input,
                *selected,
                rows.len(),
                theme,
                |place, columns| {
                    let info = rows[place];
                    let keys = keymap.keys_for(info.action, context);
                    let style = if model.unavailable(info.action).is_some() {
                        "dim"
                    } else {
                        "text"
                    };
                    two_columns(
                        info.doc,
                        keys.first().map_or("", String::as_str),
                        columns,
                        theme.style(style),
                        theme,
                    )
                },
            );
        }
        Layer::Picker { input, selected } => {
            let rows = picker_rows(model, input.text());
            let title = format!("Problems ({} of {})", rows.len(), model.entries.len());
            list(
                area,
                buffer,
                &title,
                input,
                *selected,
                rows.len(),
                theme,
                |place, columns| {
                    let entry = &model.entries[rows[place]];
                    let verdict = model.verdict(rows[place]);
                    let (sign, _, role) = verdict.map_or((" ", "", "dim"), glyph::verdict);
                    let room = columns.saturating_sub(2);
                    let title = sanitize(&theme.shown(&entry.title)).replace('\n', " ");
                    Line::from(vec![
                        Span::styled(format!("{sign} "), theme.style(role)),
                        Span::styled(
                            width::truncate(&title, room).into_owned(),
                            theme.style("text"),
                        ),
                    ])
                },
            );
        }
        Layer::Override { selected } => override_menu(area, buffer, *selected, model, theme),
        Layer::Stops { selected } => stops_list(area, buffer, *selected, model, theme),
        Layer::ConfirmQuit => {
            let text = "A paid call is running. Quit and cancel it?  y yes   n no";
            confirm(area, buffer, "Quit", text, theme);
        }
        Layer::ConfirmRerun { price } => {
            let text = format!("Write this step again for about {price}?  y yes   n no");
            confirm(area, buffer, "Re-run", &text, theme);
        }
        Layer::ConfirmRollouts(quote) => {
            let unit = model
                .session()
                .and_then(|session| session.settings().ledger.unit());
            let columns = 66.min(area.width);
            let style = theme.style("warning");
            let text = rollouts(quote, unit);
            let mut asked = paragraph(&text, usize::from(columns.saturating_sub(2)), style);
            asked.push(Line::styled("y yes   n no", style));
            let rows = u16::try_from(asked.len() + 2).unwrap_or(u16::MAX);
            let inner = popup(area, buffer, columns, rows, "Rollouts", theme);
            lines(inner, buffer, &asked);
        }
        Layer::Search { input, .. } => one_line(area, buffer, "Search", input, theme),
        Layer::Expression {
            purpose,
            input,
            error,
        } => {
            let title = match purpose {
                Purpose::RunUntil => "Run until",
                Purpose::BackUntil => "Back until",
                Purpose::Breakpoint(_) => "Stop where",
                Purpose::Watch(_) => "Watch",
                Purpose::Table(of) => of.title(),
                Purpose::Cost => "Published cost of a problem, at most",
                Purpose::Rule => "Router that decides",
                Purpose::Worth => "What a right answer is worth",
                Purpose::Caption => "For the audience",
                Purpose::Note => "Note on this step",
            };
            let below = match error {
                Some(error) => Below::Error(error),
                None if !purpose.is_expression() => Below::Nothing,
                None => Below::Names(completion(model, *purpose, input)),
            };
            expression(area, buffer, title, input, &below, theme);
        }
    }
    0
}

/// The question whether rollouts are to be written, with what is known of
/// their price.
fn rollouts(quote: &Quote, unit: Option<&Unit>) -> String {
    let count = counted(quote.each.saturating_mul(quote.models), "rollout");
    let from = match quote.step {
        0 => "the question".to_owned(),
        step => format!("step {step}"),
    };
    let by = match quote.models {
        1 => String::new(),
        models => format!(" ({} by each of {models} models)", quote.each),
    };
    let calls = counted(quote.calls, "call");
    let price = match quote.cost {
        Some(cost) => format!("about {}", figures::amount(Some(cost), unit)),
        None => "what they cost is not known".to_owned(),
    };
    format!("Write {count} from {from}{by}? That is about {calls}, {price} (a rough guess).")
}

/// A cleared, framed area in the middle; never larger than the screen.
pub(super) fn popup(
    area: Rect,
    buffer: &mut Buffer,
    columns: u16,
    rows: u16,
    title: &str,
    theme: &Theme,
) -> Rect {
    let width = columns.min(area.width);
    let height = rows.min(area.height);
    let place = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 3,
        width,
        height,
    };
    Clear.render(place, buffer);
    buffer.set_style(place, theme.style("popup"));
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(theme.style("border.focus"))
        .title(Line::styled(
            format!(" {title} "),
            theme.style("title.focus"),
        ));
    let inner = block.inner(place);
    block.render(place, buffer);
    inner
}

#[expect(clippy::too_many_arguments, reason = "one place draws both lists")]
fn list(
    area: Rect,
    buffer: &mut Buffer,
    title: &str,
    input: &LineEdit,
    selected: usize,
    rows: usize,
    theme: &Theme,
    row: impl Fn(usize, usize) -> Line<'static>,
) {
    let inner = popup(
        area,
        buffer,
        area.width.saturating_sub(8).clamp(30, 96),
        area.height.saturating_sub(4).clamp(6, 24),
        title,
        theme,
    );
    if inner.height == 0 {
        return;
    }
    let mut drawn = vec![edit_line("> ", input, usize::from(inner.width), theme)];
    let height = usize::from(inner.height - 1);
    let selected = selected.min(rows.saturating_sub(1));
    let top = window(selected, rows, height);
    if rows == 0 {
        let text = match input.text().trim().parse::<u32>() {
            Ok(step) => format!("enter goes to step {step}"),
            Err(_) => "nothing matches".to_owned(),
        };
        drawn.push(Line::styled(text, theme.style("dim")));
    }
    drawn.extend((top..rows.min(top + height)).map(|place| row(place, usize::from(inner.width))));
    lines(inner, buffer, &drawn);
    if rows > 0 {
        select(inner, buffer, 1 + selected - top, theme, true);
    }
}

/// The line with its cursor in `columns`: the part around it, where the whole
/// has no room.
fn edit_line(prompt: &str, input: &LineEdit, columns: usize, theme: &Theme) -> Line<'static> {
    let after = input.after();
    let under: String = after
        .chars()
        .next()
        .map_or_else(|| " ".to_owned(), |c| c.to_string());
    let rest = after.get(under.len()..).unwrap_or("").to_owned();
    // What was pasted is as untrusted as what a model wrote.
    let clean = |text: &str| sanitize(text).into_owned();
    // In a talk a path is not shown while it is typed either.
    if let Cow::Owned(hidden) = theme.shown(input.text()) {
        return Line::from(vec![
            Span::styled(prompt.to_owned(), theme.style("key")),
            Span::styled(clean(&hidden), theme.style("hint")),
            Span::styled(" ", theme.style("cursor")),
        ]);
    }
    let before = clean(input.before());
    let room = columns.saturating_sub(width::of(prompt) + 2);
    let before = match width::of(&before) > room {
        true => format!("…{}", last_columns(&before, room.saturating_sub(1))),
        false => before,
    };
    let role = if input.is_offer() { "hint" } else { "text" };
    Line::from(vec![
        Span::styled(prompt.to_owned(), theme.style("key")),
        Span::styled(before, theme.style(role)),
        Span::styled(clean(&under), theme.style("cursor")),
        Span::styled(clean(&rest), theme.style("text")),
    ])
}

/// The end of a text that fits into so many columns.
fn last_columns(text: &str, columns: usize) -> &str {
    let mut starts = text.grapheme_indices(true).map(|(at, _)| at);
    starts
        .find_map(|at| text.get(at..).filter(|rest| width::of(rest) <= columns))
        .unwrap_or_default()
}

fn two_columns(
    left: &str,
    right: &str,
    columns: usize,
    style: Style,
    theme: &Theme,
) -> Line<'static> {
    let keys = width::of(right) + 1;
    let room = columns.saturating_sub(keys);
    Line::from(vec![
        Span::styled(width::pad(left, room, Align::Left), style),
        Span::styled(format!(" {right}"), theme.style("key")),
    ])
}

fn override_menu(area: Rect, buffer: &mut Buffer, selected: usize, model: &Model, theme: &Theme) {
    let Some(session) = model.session() else {
        return;
    };
    let settings = session.settings();
    let wanted = session
        .decision_after(session.cursor())
        // A router that cannot read the pool's values has chosen nobody.
        .filter(|_| model.refusal().is_none())
        .map(|d| d.action.clone());
    let rows: Vec<Line<'static>> = (0..settings.models())
        .map(|place| {
            let name = settings.model_name(place);
            let note = if wanted.as_ref() == Some(&name) {
                "  (the router's choice)"
            } else {
                ""
            };
            Line::from(vec![
                Span::styled(format!(" {} ", place + 1), theme.style("key")),
                Span::styled(
                    format!(
                        "{} {}",
                        glyph::model(Some(place), settings.models()),
                        sanitize(&theme.shown(&name))
                    ),
                    theme.model(place, settings.models()),
                ),
                Span::styled(note, theme.style("dim")),
            ])
        })
        .collect();
    let inner = popup(
        area,
        buffer,
        56,
        rows.len() as u16 + 2,
        "Who writes the next step?",
        theme,
    );
    lines(inner, buffer, &rows);
    select(inner, buffer, selected, theme, true);
}

/// Breakpoints and watched expressions, with the keys of the list below.
fn stops_list(area: Rect, buffer: &mut Buffer, selected: usize, model: &Model, theme: &Theme) {
    let columns = area.width.saturating_sub(8).clamp(30, 96);
    let rows = stops::rows(
        model,
        usize::from(columns.min(area.width)).saturating_sub(2),
        theme,
    );
    let most = area.height.saturating_sub(4).clamp(5, 24);
    let height = u16::try_from(rows.len() + 4).unwrap_or(most).min(most);
    let title = "Breakpoints and watched expressions";
    let inner = popup(area, buffer, columns, height, title, theme);
    // An empty row and the keys stand below the list.
    let room = usize::from(inner.height.saturating_sub(2));
    let selected = selected.min(rows.len().saturating_sub(1));
    let top = window(selected, rows.len(), room);
    let mut drawn: Vec<Line<'static>> = rows.into_iter().skip(top).take(room).collect();
    drawn.push(Line::default());
    let keys = [
        ("space", "on or off"),
        ("d", "remove"),
        ("enter", "go there, or change"),
    ];
    let spans = keys.into_iter().flat_map(|(key, does)| {
        [
            Span::styled(format!(" {key}"), theme.style("key")),
            Span::styled(format!(" {does} "), theme.style("hint")),
        ]
    });
    drawn.push(Line::from(spans.collect::<Vec<_>>()));
    lines(inner, buffer, &drawn);
    if !listed_rows(model).is_empty() {
        select(inner, buffer, selected - top, theme, true);
    }
}

fn confirm(area: Rect, buffer: &mut Buffer, title: &str, text: &str, theme: &Theme) {
    let inner = popup(area, buffer, 66, 3, title, theme);
    let line = Line::styled(text.to_owned(), theme.style("warning"));
    lines(inner, buffer, &[line]);
}

fn one_line(area: Rect, buffer: &mut Buffer, title: &str, input: &LineEdit, theme: &Theme) {
    let inner = popup(area, buffer, 72, 3, title, theme);
    lines(
        inner,
        buffer,
        &[edit_line("", input, usize::from(inner.width), theme)],
    );
}

/// What stands below an expression that is being typed.
enum Below<'a> {
    Error(&'a str),
    Nothing,
    /// The names that may follow.
    Names(Completion<'a>),
}

/// Names shown below an expression.
const NAMES: usize = 6;

fn expression(
    area: Rect,
    buffer: &mut Buffer,
    title: &str,
    input: &LineEdit,
    below: &Below<'_>,
    theme: &Theme,
) {
    let inner = popup(area, buffer, 72, NAMES as u16 + 3, title, theme);
    let room = usize::from(inner.width);
    let mut drawn = vec![edit_line("", input, usize::from(inner.width), theme)];
    match below {
        Below::Error(error) => {
            drawn.extend(paragraph(&theme.shown(error), room, theme.style("error")));
        }
        Below::Nothing => {}
        Below::Names(completion) => drawn.extend(names(completion, room, theme)),
    }
    lines(inner, buffer, &drawn);
}

fn names(completion: &Completion<'_>, room: usize, theme: &Theme) -> Vec<Line<'static>> {
    const WORD: usize = 15;
    let found = &completion.candidates;
    // The last line says how many more there are.
    let shown = match found.len() > NAMES {
        true => NAMES - 1,
        false => found.len(),
    };
    let mut drawn: Vec<Line<'static>> = found
        .iter()
        .take(shown)
        .map(|candidate| {
            let word = sanitize(&theme.shown(&candidate.word)).into_owned();
            let column = WORD.max(width::of(&word));
            let help = width::truncate(candidate.help, room.saturating_sub(column + 3));
            Line::from(vec![
                Span::raw("  "),
                Span::styled(width::pad(&word, column, Align::Left), theme.style("key")),
                Span::styled(format!(" {help}"), theme.style("dim")),
            ])
        })
        .collect();
    let more = found.len() - shown;
    if more > 0 {
        let text = format!("  and {more} more; tab completes what is begun");
        drawn.push(Line::styled(text, theme.style("hint")));
    } else if found.is_empty() {
        let text = "  enter goes; esc leaves everything as it is";
        drawn.push(Line::styled(text, theme.style("hint")));
    }
    drawn
}
