//! What goes where on the training screen, at every size.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

use crate::app::action::{Action, Context};
use crate::app::training::{Curve, Progress, Training};
use crate::tui::input::keymap::{Keymap, Pending};
use crate::tui::text::sanitize::sanitize;
use crate::tui::text::width;
use crate::tui::theme::Theme;
use crate::tui::widgets;

use super::chart;
use super::{card, strip, surface};

/// The least window anything is drawn in.
const LEAST: (u16, u16) = (40, 12);

/// What the keys do here, the most useful first.
const KEYS: [(Action, &str); 12] = [
    (Action::Help, "help"),
    (Action::Quit, "quit"),
    (
        Action::Left,
        "back; one iteration, as often as a count says",
    ),
    (Action::Right, "on; one iteration"),
    (Action::Up, "10 back; ten iterations"),
    (Action::Down, "10 on; ten iterations"),
    (Action::First, "first; with a count, that iteration"),
    (Action::Last, "last; follows the run as it goes on"),
    (Action::NextPane, "curves; other ones, where not all fit"),
    (Action::NextTheme, "theme; the next one"),
    (Action::BackLevel, "close; help, or looking back"),
    (Action::Redraw, "redraw"),
];

/// What the numbers are.
const WORDS: [(&str, &str); 8] = [
    (
        "coverage",
        "answers right, or wrong where large is wrong too",
    ),
    (
        "misses",
        "trajectories with a wrong step and no larger model next",
    ),
    ("c", "coverage that is lacking; below 0 there is enough"),
    ("λ ν", "prices of a long step, of a violation"),
    (
        "A B q r s",
        "numbers of the dual problem that chose the case",
    ),
    ("KL cost J", "what the step changed, by its own estimate"),
    ("η bound", "step of κ; how far coverage may lack on average"),
    ("effective", "rollouts that the weighted batch is worth"),
];

/// Draws the screen.
pub fn draw(
    area: Rect,
    buffer: &mut Buffer,
    screen: &Training,
    theme: &Theme,
    keymap: &Keymap,
    pending: &Pending,
) {
    buffer.set_style(area, theme.style("background"));
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let text = format!("pointsman needs {}×{}", LEAST.0, LEAST.1);
        buffer.set_line(area.x, area.y, &Line::from(text), area.width);
        return;
    }
    let [top, body, bottom] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(1),
        Constraint::Length(1),
    ])
    .areas(area);
    header(top, buffer, screen, theme);
    match &screen.log {
        Some(_) => content(body, buffer, screen, theme),
        None => waiting(body, buffer, screen, theme),
    }
    footer(bottom, buffer, screen, theme, keymap, pending);
    if screen.help {
        help(area, buffer, theme, keymap);
    }
}

fn waiting(area: Rect, buffer: &mut Buffer, screen: &Training, theme: &Theme) {
    let inner = widgets::pane(area, buffer, theme, "Training", true);
    let (text, role) = match (&screen.progress, &screen.notice) {
        (Progress::Failed(why), _) => (why.clone(), "error"),
        (_, Some(notice)) => (notice.clone(), "warning"),
        _ => ("Reading the forest …".to_owned(), "busy"),
    };
    let columns = usize::from(inner.width);
    let lines = widgets::paragraph(&text, columns, theme.style(role));
    widgets::lines(inner, buffer, &lines);
}

fn header(area: Rect, buffer: &mut Buffer, screen: &Training, theme: &Theme) {
    buffer.set_style(area, theme.style("bar"));
    let mut left = vec![
        Span::styled(" pointsman ", theme.style("title.focus")),
        Span::styled(" training ", theme.style("emphasis")),
    ];
    if let (Some(one), Some(log)) = (screen.shown(), &screen.log) {
        let of = log.head.params.iterations;
        let text = format!(" iteration {} of {of} ", one.iteration + 1);
        left.push(Span::styled(text, theme.style("text")));
    }
    let (state, role) = match &screen.progress {
        Progress::Waiting => (" READING ", "busy"),
        Progress::Running => (" RUNNING ", "success"),
        Progress::Open => (" NOT FINISHED ", "warning"),
        Progress::Finished => (" FINISHED ", "success"),
        Progress::Failed(_) => (" FAILED ", "error"),
    };
    let mut right = Vec::new();
    if let Some(log) = &screen.log
        && !log.damaged.is_empty()
    {
        let text = format!(" {} lines damaged ", log.damaged.len());
        right.push(Span::styled(text, theme.style("warning")));
    }
    if area.width >= 100 {
        let name = format!(" {} ", sanitize(&screen.name));
        right.push(Span::styled(name, theme.style("dim")));
    }
    if screen.cursor.is_some() {
        right.push(Span::styled(" LOOKING BACK ", theme.style("warning")));
    }
    right.push(Span::styled(state, theme.style(role)));
    let used: usize = right.iter().map(|span| width::of(&span.content)).sum();
    let room = area.width.saturating_sub(used as u16);
    buffer.set_line(area.x, area.y, &Line::from(left), room);
    buffer.set_line(area.x + room, area.y, &Line::from(right), used as u16);
}

fn content(area: Rect, buffer: &mut Buffer, screen: &Training, theme: &Theme) {
    let [upper, below] =
        Layout::vertical([Constraint::Min(5), Constraint::Length(strip::ROWS)]).areas(area);
    let surface_rows = |screen: &Training| {
        let steps = screen
            .log
            .as_ref()
            .map_or(0, |log| log.head.grid.steps.len());
        steps as u16 + 5
    };
    if area.width >= 110 {
        let side = (area.width * 2 / 5).clamp(54, 64);
        let [left, right] =
            Layout::horizontal([Constraint::Min(50), Constraint::Length(side)]).areas(upper);
        curves(left, buffer, screen, theme, 2, &Curve::ALL);
        let [facts, policy] =
            Layout::vertical([Constraint::Min(8), Constraint::Length(surface_rows(screen))])
                .areas(right);
        iteration(facts, buffer, screen, theme);
        surface::draw(policy, buffer, screen, theme);
    } else {
        // Small windows show fewer curves, not smaller ones.
        let curve_rows = (upper.height / 2).max(5);
        let [top, bottom] =
            Layout::vertical([Constraint::Length(curve_rows), Constraint::Min(0)]).areas(upper);
        let fit = if upper.height >= 26 { 4 } else { 2 };
        let skip = screen.page.wrapping_mul(fit) % Curve::ALL.len();
        let shown: Vec<Curve> = Curve::ALL
            .into_iter()
            .cycle()
            .skip(skip)
            .take(fit)
            .collect();
        curves(top, buffer, screen, theme, 2, &shown);
        let side = if area.width >= 76 { 36 } else { area.width };
        let [policy, facts] =
            Layout::horizontal([Constraint::Length(side), Constraint::Min(0)]).areas(bottom);
        // What would show nothing but its frame is left out.
        if bottom.height >= 7 {
            surface::draw(policy, buffer, screen, theme);
            iteration(facts, buffer, screen, theme);
        } else {
            iteration(bottom, buffer, screen, theme);
        }
    }
    let [_, strip_area] =
        Layout::horizontal([Constraint::Length(1), Constraint::Min(1)]).areas(below);
    strip::draw(strip_area, buffer, screen, theme);
}

/// Curves in so many columns, row by row.
fn curves(
    area: Rect,
    buffer: &mut Buffer,
    screen: &Training,
    theme: &Theme,
    columns: usize,
    shown: &[Curve],
) {
    let rows: Vec<&[Curve]> = shown.chunks(columns).collect();
    let heights = vec![Constraint::Fill(1); rows.len()];
    for (row, curves) in Layout::vertical(heights).split(area).iter().zip(rows) {
        let widths = vec![Constraint::Fill(1); columns];
        for (place, curve) in Layout::horizontal(widths).split(*row).iter().zip(curves) {
            chart::draw(*place, buffer, screen, *curve, theme);
        }
    }
}

fn iteration(area: Rect, buffer: &mut Buffer, screen: &Training, theme: &Theme) {
    if area.width < 12 {
        return;
    }
    let title = match screen.shown() {
        Some(one) => format!("Iteration {}", one.iteration + 1),
        None => "Iteration".to_owned(),
    };
    let inner = widgets::pane(area, buffer, theme, &title, false);
    widgets::lines(inner, buffer, &card::card(screen, theme));
}

fn footer(
    area: Rect,
    buffer: &mut Buffer,
    screen: &Training,
    theme: &Theme,
    keymap: &Keymap,
    pending: &Pending,
) {
    buffer.set_style(area, theme.style("bar"));
    let shown = pending.shown();
    let room = area.width.saturating_sub(width::of(&shown) as u16 + 1);
    buffer.set_string(area.x + room, area.y, &shown, theme.style("key"));
    let failed = match &screen.progress {
        Progress::Failed(why) => Some((why.clone(), "error")),
        _ => None,
    };
    let notice = screen.notice.clone().map(|text| (text, "warning"));
    if let Some((text, role)) = notice.or(failed) {
        let text = sanitize(&text).replace('\n', " ");
        let text = width::truncate(&text, usize::from(room.saturating_sub(2))).into_owned();
        buffer.set_string(area.x + 1, area.y, text, theme.style(role));
        return;
    }
    let mut spans = Vec::new();
    let mut used = 0;
    for (action, label) in KEYS {
        let Some(key) = keymap.keys_for(action, Context::Global).into_iter().next() else {
            continue;
        };
        let label = label.split(';').next().unwrap_or(label);
        let columns = width::of(&key) + width::of(label) + 3;
        if used + columns > usize::from(room) {
            break;
        }
        used += columns;
        spans.push(Span::styled(format!(" {key}"), theme.style("key")));
        spans.push(Span::styled(format!(" {label} "), theme.style("hint")));
    }
    buffer.set_line(area.x, area.y, &Line::from(spans), room);
}

fn help(area: Rect, buffer: &mut Buffer, theme: &Theme, keymap: &Keymap) {
    let lines = KEYS.len() + WORDS.len();
    let (columns, rows) = (74.min(area.width), (lines as u16 + 2).min(area.height));
    let place = Rect {
        x: area.x + (area.width - columns) / 2,
        y: area.y + (area.height - rows) / 2,
        width: columns,
        height: rows,
    };
    Clear.render(place, buffer);
    buffer.set_style(place, theme.style("popup"));
    let inner = widgets::pane(place, buffer, theme, "Keys", true);
    let line = |(action, does): &(Action, &str)| {
        let keys = keymap.keys_for(*action, Context::Global).join(" ");
        Line::from(vec![
            Span::styled(format!(" {keys:<14}"), theme.style("key")),
            Span::styled((*does).to_owned(), theme.style("text")),
        ])
    };
    let word = |(word, means): &(&str, &str)| {
        Line::from(vec![
            Span::styled(format!(" {word:<14}"), theme.style("emphasis")),
            Span::styled((*means).to_owned(), theme.style("dim")),
        ])
    };
    let keys = KEYS.iter().map(line);
    let lines: Vec<Line<'_>> = keys.chain(WORDS.iter().map(word)).collect();
    widgets::lines(inner, buffer, &lines);
}
