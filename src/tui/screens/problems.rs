//! The table of problems.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::app::tour::Part;
use crate::app::{Model, Pane, Row, Tally, Use};
use crate::eval::regret::Control;
use crate::expr::Expr;
use crate::problem::area;
use crate::survey::View;
use crate::tui::text::sanitize::sanitize;
use crate::tui::text::width;
use crate::tui::theme::Theme;
use crate::tui::widgets::columns::{Column, headings};
use crate::tui::widgets::{self, figures, glyph, lane};

use super::Drawn;

/// Columns of a window from which a column is shown.
const WITH_DOMAIN: u16 = 110;
const WITH_ROUTER: u16 = 130;
const WITH_REGRET: u16 = 96;
/// Columns for the sign of a verdict, and for the fold of a group.
const SIGN: usize = 2;

/// Draws the screen's body.
pub fn draw(area: Rect, buffer: &mut Buffer, model: &Model, theme: &Theme) -> Drawn {
    let title = title(model);
    let inner = widgets::pane(area, buffer, theme, &theme.shown(&title), true);
    let mut drawn = Drawn {
        panes: vec![(Pane::Steps, area)],
        ..Drawn::default()
    };
    drawn.part(Part::Problems, area);
    if inner.height < 3 {
        return drawn;
    }
    // A folded row says its routers below it.
    let several = !model.table.fold && model.survey.runs().len() > 1;
    let by_regret = model.table.sort.as_ref().is_some_and(Expr::reads_regret);
    let mut columns = Columns::of(
        inner.width,
        several,
        model.values.regrets.is_some(),
        by_regret,
    );
    if let (Some(_), Some(first)) = (&model.table.group, columns.shown.first_mut()) {
        *first = first.titled("group");
    }
    let sorted = model.table.sort.as_ref().map(|sort| direction(sort.text()));
    let mut heading = headings(&columns.shown, sorted, theme);
    heading.spans.insert(0, Span::raw(" ".repeat(SIGN)));
    let rows = Rect {
        y: inner.y + 1,
        height: inner.height - 2,
        ..inner
    };
    let table = &model.table;
    let height = usize::from(rows.height);
    let rows_of = widgets::Spread::of(model.view.talk, table.cursor, table.rows.len(), height);
    let shown = table.rows.iter().skip(rows_of.top).take(height);
    let about = heading_of_rest(shown.clone());
    heading.spans.push(Span::styled(about, theme.style("dim")));
    widgets::lines(inner, buffer, &[heading]);
    let painter = Painter {
        model,
        theme,
        columns: &columns,
    };
    let lines = rows_of.lines(shown.map(|row| painter.row(row)));
    widgets::lines(rows, buffer, &lines);
    if table.rows.is_empty() {
        let text = match &table.filter {
            _ if table.texts_read().is_some() => "texts are being read …".to_owned(),
            Some(filter) => format!("no trajectory fulfils `{}`", sanitize(filter.text())),
            None if model.reading.is_some() => "reading …".to_owned(),
            None => "there is no trajectory".to_owned(),
        };
        let text = theme.shown(&text).into_owned();
        widgets::lines(rows, buffer, &[Line::styled(text, theme.style("dim"))]);
    } else {
        rows_of.mark(rows, buffer, theme);
        let row = rows_of.line(table.cursor);
        widgets::select(rows, buffer, row, theme, true);
        drawn.rows(Part::ProblemsRow, rows, row..row + 1, 0);
    }
    let bottom = Rect {
        y: inner.bottom() - 1,
        height: 1,
        ..inner
    };
    let sum = summary(&table.tally, model, usize::from(inner.width), theme);
    widgets::lines(bottom, buffer, &[sum]);
    drawn.part(Part::ProblemsSum, bottom);
    drawn
}

/// What is shown of what there is, and how it is arranged.
fn title(model: &Model) -> String {
    let table = &model.table;
    let all = model.survey.trajectories().len();
    let shown = table.order.len();
    let mut title = match shown == all {
        true => format!("Problems ({all})"),
        false => format!("Problems ({shown} of {all})"),
    };
    if let Some((read, size)) = model.reading {
        let percent = read.saturating_mul(100) / size.max(1);
        title.push_str(&format!(", {percent} % read"));
    }
    if let Some(why) = table.texts_failed() {
        title.push_str(&format!(", texts cannot be read: {}", sanitize(why)));
    } else if let Some((read, all)) = table.texts_read() {
        match all {
            0 => title.push_str(", texts are read next"),
            _ => title.push_str(&format!(", texts of {read} of {all} read")),
        }
    }
    if let Some(run) = table
        .run
        .and_then(|run| model.survey.runs().get(run as usize))
    {
        let spec = run.head.as_ref().map(|head| head.router.spec.as_str());
        title.push_str(&format!(" · run {}", sanitize(spec.unwrap_or("unknown"))));
    }
    let uses = [
        (Use::Filter, ""),
        (Use::Sort, "by "),
        (Use::Group, "grouped by "),
    ];
    for (of, word) in uses {
        if let Some(expr) = table.expression(of) {
            title.push_str(&format!(" · {word}{}", sanitize(expr.text())));
        }
    }
    title
}

/// What stands behind the columns of these rows.
fn heading_of_rest<'a>(rows: impl Iterator<Item = &'a Row>) -> &'static str {
    let (mut single, mut several) = (false, false);
    for row in rows {
        match row {
            Row::Trajectory { .. } => single = true,
            Row::Problem { .. } | Row::Group { .. } => several = true,
        }
    }
    match (single, several) {
        (_, false) => "steps by model",
        (false, true) => "correct, and verdicts",
        (true, true) => "steps by model; verdicts",
    }
}

/// The name that a table is sorted by, and whether downwards.
fn direction(sort: &str) -> (&str, bool) {
    match sort.strip_prefix('-') {
        Some(name) => (name.trim(), true),
        None => (sort, false),
    }
}

/// The columns that a window has room for; the lane takes what is left.
struct Columns {
    shown: Vec<Column>,
    lane: usize,
}

impl Columns {
    /// `several` runs whose rows are to be told apart; `regret` where there is
    /// one, and in small windows where the table is sorted `by_regret`.
    fn of(width: u16, several: bool, regret: bool, by_regret: bool) -> Self {
        let problem = match width {
            0..100 => 14,
            100..160 => 18,
            160.. => 28,
        };
        let mut shown = vec![Column::left("problem", problem)];
        if width >= WITH_ROUTER {
            shown.push(Column::left("router", 20));
        } else if several {
            shown.push(Column::left("router", 13));
        }
        if width >= WITH_DOMAIN {
            let domain = if width < 160 { 16 } else { 24 };
            shown.push(Column::left("domain", domain));
        }
        shown.extend([
            Column::right("difficulty", 5).titled("diff"),
            Column::right("steps", 6),
            Column::right("large_share", 7).titled("large"),
            Column::right("cost", 11),
        ]);
        if regret && (width >= WITH_REGRET || by_regret) {
            shown.push(Column::right("max(regret)", 6).titled("regret"));
        }
        let used: usize = shown.iter().map(|column| column.width + 1).sum();
        Self {
            lane: usize::from(width).saturating_sub(used + SIGN),
            shown,
        }
    }
}

struct Painter<'a> {
    model: &'a Model,
    theme: &'a Theme,
    columns: &'a Columns,
}

impl Painter<'_> {
    fn row(&self, row: &Row) -> Line<'static> {
        match row {
            Row::Trajectory { at, nested } => self.trajectory(*at, *nested),
            Row::Problem {
                members,
                tally,
                open,
            } => {
                let survey = &self.model.survey;
                let name = survey.name(self.view(members.start).trajectory().problem);
                let name = format!("{name} ×{}", members.len());
                self.together(*open, &name, tally, members.clone(), "text")
            }
            Row::Group {
                value,
                tally,
                open,
                members,
            } => {
                let name = format!("{value} ×{}", members.len());
                self.together(*open, &name, tally, members.clone(), "emphasis")
            }
        }
    }

    fn view(&self, at: usize) -> View<'_> {
        self.model.survey.view(self.model.table.order[at] as usize)
    }

    fn trajectory(&self, at: usize, nested: bool) -> Line<'static> {
        let view = self.view(at);
        let (sign, role) = match view.verdict() {
            Some(verdict) => {
                let (sign, _, role) = glyph::verdict(verdict);
                (sign, role)
            }
            None => ("·", "dim"),
        };
        let mut spans = vec![Span::styled(sign, self.theme.style(role))];
        spans.push(self.mark(at..at + 1));
        for column in &self.columns.shown {
            let text = match (column.name, nested) {
                // Under its problem a repeat is told apart by its router.
                ("problem", true) => format!("  {}", self.text(at, "router")),
                (name, _) => self.text(at, name),
            };
            spans.extend(column.cell(&text, self.style(column.name)));
        }
        spans.extend(lane::spans(&view, self.columns.lane, self.theme));
        Line::from(spans)
    }

    /// A sign where a row holds the trajectory that is marked, else a blank.
    fn mark(&self, members: Range<usize>) -> Span<'static> {
        let marked = self.model.compare.marked;
        let order = self.model.table.order.get(members).unwrap_or_default();
        match order.iter().any(|&place| Some(place as usize) == marked) {
            true => Span::styled("◆", self.theme.style("mark")),
            false => Span::raw(" "),
        }
    }

    fn style(&self, column: &str) -> Style {
        self.theme.style(match column {
            "problem" => "text",
            "cost" => "cost.published",
            _ => "dim",
        })
    }

    /// The text of a column for a trajectory of the order.
    fn text(&self, at: usize, column: &str) -> String {
        let view = self.view(at);
        let trajectory = view.trajectory();
        let survey = &self.model.survey;
        let text = match column {
            // Of ids that are cut their ends differ.
            "problem" => {
                let shown = self.columns.shown.iter();
                let room = shown.filter(|column| column.name == "problem");
                let room = room.map(|column| column.width).next().unwrap_or(0);
                let id = self.theme.shown(survey.name(trajectory.problem));
                let id = sanitize(&id).into_owned();
                width::truncate_start(&id, room).into_owned()
            }
            "router" => view
                .head()
                .map_or_else(String::new, |head| head.router.spec.clone()),
            "domain" => trajectory
                .domain
                .map_or_else(String::new, |domain| area(survey.name(domain)).to_owned()),
            "difficulty" => trajectory
                .difficulty
                .map_or_else(String::new, |difficulty| difficulty.to_string()),
            "steps" => view.kept().to_string(),
            "large_share" => percent(view.large_share()),
            "max(regret)" => regret(view.regret()),
            "cost" => figures::amount(
                view.outcome().and_then(|outcome| outcome.published),
                self.model.survey.unit_of(trajectory.run).as_ref(),
            ),
            _ => String::new(),
        };
        sanitize(&self.theme.shown(&text)).replace('\n', " ")
    }

    /// A row of several trajectories under the same columns: their name, in
    /// place of what each has of its own, means, and how they came out.
    fn together(
        &self,
        open: bool,
        name: &str,
        tally: &Tally,
        members: Range<usize>,
        role: &str,
    ) -> Line<'static> {
        let fold = if open { "▾" } else { "▸" };
        let shown = &self.columns.shown;
        let own = shown.iter().take_while(|column| column.name != "steps");
        let own = own.count();
        let room: usize = shown.iter().take(own).map(|column| column.width + 1).sum();
        let room = room.saturating_sub(1);
        let name = sanitize(&self.theme.shown(name)).replace('\n', " ");
        // Of a path (`Mathematics -> Algebra -> …`) its end tells most.
        let name = match name.contains(" -> ") {
            true => width::truncate_start(&name, room),
            false => width::truncate(&name, room),
        };
        let name = width::pad(&name, room, width::Align::Left);
        let mut spans = vec![
            Span::styled(fold, self.theme.style("key")),
            self.mark(members.clone()),
            Span::styled(name, self.theme.style(role)),
            Span::raw(" "),
        ];
        for column in shown.iter().skip(own) {
            let text = match column.name {
                "max(regret)" => self.largest_regret(members.clone()),
                name => self.mean(tally, name),
            };
            spans.extend(column.cell(&text, self.style(column.name)));
        }
        spans.extend(counts(tally, self.theme));
        Line::from(spans)
    }

    /// The largest regret of several trajectories: what a queue is made by.
    fn largest_regret(&self, members: Range<usize>) -> String {
        let regrets = members.filter_map(|at| self.view(at).regret());
        regret(regrets.reduce(f64::max))
    }

    /// The text of a column for several trajectories.
    fn mean(&self, tally: &Tally, column: &str) -> String {
        let survey = &self.model.survey;
        match column {
            "steps" => tally
                .mean_steps()
                .map_or_else(String::new, |steps| match steps < 1000.0 {
                    true => format!("{steps:.1}"),
                    false => format!("{steps:.0}"),
                }),
            "large_share" => percent(tally.large_share()),
            "cost" => {
                let unit = tally.unit(survey);
                // Costs of different units have no mean.
                let cost = tally.published().filter(|_| unit.is_some());
                figures::amount(cost, unit.as_ref())
            }
            _ => String::new(),
        }
    }
}

fn regret(regret: Option<f64>) -> String {
    regret.map_or_else(|| "–".to_owned(), |regret| format!("{:.0}", 100.0 * regret))
}

/// Accuracy and verdicts.
fn counts(tally: &Tally, theme: &Theme) -> Vec<Span<'static>> {
    let accuracy = format!("{:>7}", percent(tally.accuracy()));
    let mut spans = vec![Span::styled(accuracy, theme.style("text"))];
    let verdicts = [
        (tally.correct, "✓", "verdict.correct"),
        (tally.wrong, "✗", "verdict.wrong"),
        (tally.ungraded, "?", "verdict.ungraded"),
        (tally.unfinished(), "·", "dim"),
    ];
    for (count, sign, role) in verdicts {
        let style = theme.style(if count == 0 { "dim" } else { role });
        spans.push(Span::styled(format!(" {count:>3}{sign}"), style));
    }
    spans
}

/// What everything shown came to.
fn summary(tally: &Tally, model: &Model, columns: usize, theme: &Theme) -> Line<'static> {
    let mut text = format!(
        "{} correct, {} wrong, {} ungraded",
        tally.correct, tally.wrong, tally.ungraded
    );
    if tally.unfinished() > 0 {
        text.push_str(&format!(", {} unfinished", tally.unfinished()));
    }
    if model.table.superseded() > 0 {
        let again = model.table.superseded();
        text.push_str(&format!(
            ", {again} of them done again by the same run later"
        ));
    }
    if let Some(torn) = tally.torn_note() {
        text.push_str(&format!(", {torn}"));
    }
    if let (Some(accuracy), false) = (tally.accuracy(), model.table.has_repeats()) {
        text.push_str(&format!("; {} of the graded", percent(Some(accuracy))));
        if let Some([low, high]) = tally.interval() {
            text.push_str(&format!(" [{:.1}, {:.1}]", 100.0 * low, 100.0 * high));
        }
    }
    text.push_str(&format!(
        "; {} of steps large",
        percent(tally.large_share())
    ));
    if let Some(unit) = tally.unit(&model.survey) {
        let cost = figures::amount(tally.published(), Some(&unit));
        text.push_str(&format!("; {cost} each"));
    }
    let control = model
        .values
        .regrets
        .filter(|_| model.table.filter.is_none());
    if let Some(Control {
        regret: Some(regret),
        of_repeated,
        against_itself,
        ..
    }) = control
    {
        // Of the whole log, whatever is shown of it.
        let mean = format!("; mean regret {:.1}", 100.0 * regret);
        // The control is of choices that were drawn twice: like for like.
        let against = of_repeated.zip(against_itself);
        let against = against.map_or_else(String::new, |(repeated, itself)| {
            let (repeated, itself) = (100.0 * repeated, 100.0 * itself);
            format!(" (of repeated choices {repeated:.1}, A/A {itself:.1})")
        });
        // What has no room is left out whole.
        for part in [mean, against] {
            if width::of(&text) + width::of(&part) > columns {
                break;
            }
            text.push_str(&part);
        }
    }
    let text = width::truncate(&text, columns).into_owned();
    Line::styled(text, theme.style("text"))
}

/// A share in per cent.
pub(super) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{:.1} %", 100.0 * share))
}
