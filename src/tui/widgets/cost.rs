//! The cost so far, between what one model alone would cost.

use ratatui::text::{Line, Span};

use crate::cost::{Tally, Unit};
use crate::session::Session;
use crate::trace::record::StepRecord;
use crate::tui::theme::Theme;

use super::{bar, figures, steps::short_name};

/// The cost of the path to the cursor in four lines.
pub fn card(session: &Session, columns: u16, theme: &Theme) -> Vec<Line<'static>> {
    let unit = session.settings().ledger.unit();
    let tally = session.cost_to(session.cursor());
    let all = session.cost_of_all();
    let dim = theme.style("dim");
    let mut lines = vec![
        Line::from(vec![
            Span::styled("published ", dim),
            Span::styled(
                figures::amount(tally.published(), unit),
                theme.style("cost.published"),
            ),
        ]),
        Line::from(vec![
            Span::styled("full      ", dim),
            Span::styled(full_amount(&tally, unit), theme.style("cost.full")),
        ]),
    ];
    lines.extend(between(session, columns, theme));
    let mut last = vec![
        Span::styled("by large  ", dim),
        Span::styled(large_share(session), theme.style("text")),
    ];
    if all.full() > tally.full() {
        last.push(Span::styled("  tree ", dim));
        last.push(Span::styled(
            full_amount(&all, unit),
            theme.style("cost.full"),
        ));
    }
    lines.push(Line::from(last));
    lines
}

/// The full cost, marked where it is an estimate or an upper bound.
fn full_amount(tally: &Tally, unit: Option<&Unit>) -> String {
    let bound = match (tally.estimated(), tally.upper_bound()) {
        (true, _) => "≈ ",
        (false, true) => "≤ ",
        (false, false) => "",
    };
    format!("{bound}{}", figures::amount(tally.full(), unit))
}

/// One line for narrow windows.
pub fn line(session: &Session, theme: &Theme) -> Line<'static> {
    let unit = session.settings().ledger.unit();
    let tally = session.cost_to(session.cursor());
    let dim = theme.style("dim");
    Line::from(vec![
        Span::styled("cost ", dim),
        Span::styled(
            figures::amount(tally.published(), unit),
            theme.style("cost.published"),
        ),
        Span::styled(" full ", dim),
        Span::styled(full_amount(&tally, unit), theme.style("cost.full")),
        Span::styled(" large ", dim),
        Span::styled(large_share(session), theme.style("text")),
    ])
}

/// Where the published cost lies between the same tokens all written by the
/// cheapest and all by the most capable model.
fn between(session: &Session, columns: u16, theme: &Theme) -> Option<Line<'static>> {
    let settings = session.settings();
    let cursor = session.cursor();
    let last = settings.models().checked_sub(1)?;
    let (low, high) = (
        session.cost_if_all_by(0, cursor)?,
        session.cost_if_all_by(last, cursor)?,
    );
    let now = session.cost_to(cursor).published()?;
    let names = [
        short_name(&settings.model_name(0), settings, 12, theme),
        short_name(&settings.model_name(last), settings, 12, theme),
    ];
    let labels = [format!("all {} ", names[0]), format!(" all {}", names[1])];
    let used: usize = labels
        .iter()
        .map(|label| label.chars().count())
        .sum::<usize>()
        + 2;
    let room = usize::from(columns).saturating_sub(used).clamp(4, 40);
    let share = if high > low {
        (now - low) / (high - low)
    } else {
        0.0
    };
    let reference = theme.style("cost.reference");
    let mut spans = vec![Span::styled(labels[0].clone(), reference)];
    spans.extend(bar::scale(
        share,
        None,
        room,
        theme.style("cost.published"),
        theme,
    ));
    spans.push(Span::styled(labels[1].clone(), reference));
    Some(Line::from(spans))
}

/// Share of the path's steps that the most capable model wrote.
fn large_share(session: &Session) -> String {
    let Some(cursor) = session.cursor() else {
        return "–".to_owned();
    };
    let settings = session.settings();
    let last = settings.models().saturating_sub(1);
    // Of one model there is no larger one.
    if last == 0 {
        return "–".to_owned();
    }
    let path = session.tree().path(cursor);
    let by_last = |step: &StepRecord| settings.place(&step.model) == Some(last);
    let large = path
        .iter()
        .filter(|&&node| by_last(&session.tree().node(node).step))
        .count();
    format!("{large}/{}", path.len())
}
