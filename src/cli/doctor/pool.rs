//! What was found of a pool, for a terminal.

use crate::cli::layout::{Cell, facts, item, sentence, table};
use crate::headless::doctor::{Endpoint, Report, Row, RowLack, State};
use crate::model::endpoint::Capabilities;
use crate::trace::record::{Continuation, Usage, ValueKind};

/// The report on lines of `columns`.
pub fn text(report: &Report, columns: usize) -> String {
    let mut text = format!("{}\n\n", report.file);
    let heads = ["endpoint", "role", "server", "what it can do"];
    let rows = report.endpoints.iter().map(endpoint);
    let rows: Vec<Vec<Cell>> = std::iter::once(head(&heads)).chain(rows).collect();
    text.push_str(&table(&rows, columns, 0));

    let told = report.endpoints.iter().flat_map(remarks);
    let of_pool = report.remarks.iter().chain(&report.warnings).cloned();
    let told: Vec<String> = told.chain(of_pool).collect();
    if !told.is_empty() {
        text.push('\n');
    }
    for remark in told {
        text.push_str(&item("!", &remark, columns, 0));
    }

    text.push('\n');
    let shared = shared(&report.routers);
    let rows = report.routers.iter().map(|row| router(row, &shared));
    let heads = ["router", "can run", ""];
    let rows: Vec<Vec<Cell>> = std::iter::once(head(&heads)).chain(rows).collect();
    text.push_str(&table(&rows, columns, 0));
    for lack in shared {
        text.push('\n');
        text.push_str(&item("!", &format!("No router: {lack}"), columns, 0));
    }
    text
}

fn head(names: &[&str]) -> Vec<Cell> {
    names.iter().map(|name| vec![(*name).to_owned()]).collect()
}

fn endpoint(found: &Endpoint) -> Vec<Cell> {
    let role = match found.place {
        Some(place) => format!("model {place}"),
        None => format!("[{}]", found.role),
    };
    let can = match (&found.state, &found.error) {
        (State::Ready, _) | (_, None) => facts(abilities(found)),
        (State::Loading, Some(error)) => sentence(&format!("loading: {error}")),
        (State::Failed, Some(error)) => sentence(&format!("failed: {error}")),
    };
    let cell = |text: &str| vec![text.to_owned()];
    vec![cell(&found.name), cell(&role), cell(found.server), can]
}

/// Everything that an endpoint said it can do, and what asking took.
fn abilities(found: &Endpoint) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    if let Some(can) = &found.capabilities {
        told.extend(can.version.clone());
        told.extend(of_model(can));
    }
    told.extend(found.said.clone());
    if let Some(key) = &found.key {
        let state = if key.set { "set" } else { "not set" };
        told.push(format!("key in {} ({state})", key.variable));
    }
    told.push(took(found.usage, found.seconds));
    told
}

fn of_model(can: &Capabilities) -> Vec<String> {
    let mut told = vec![
        match can.continuation {
            Continuation::Exact => "goes on exactly",
            Continuation::Emulated => "goes on by emulation",
            Continuation::Edited => "does not go on",
        }
        .to_owned(),
        values(can.values).to_owned(),
    ];
    if can.values != ValueKind::None {
        told.push(format!("{} alternatives a token", can.top));
    }
    let names = if can.which_stop {
        "names the stop"
    } else {
        "does not name the stop"
    };
    let counts = if can.cached_count {
        "counts cached tokens"
    } else {
        "does not count cached tokens"
    };
    told.extend([names.to_owned(), counts.to_owned()]);
    if can.token_ids {
        told.push("token ids".to_owned());
    }
    told.push(match can.context {
        Some(context) => format!("context {context}"),
        None => "context unknown".to_owned(),
    });
    told
}

fn values(kind: ValueKind) -> &'static str {
    match kind {
        ValueKind::RawLogit => "raw logits",
        ValueKind::LogprobPreTemperature => "log-probabilities before temperature",
        ValueKind::LogprobPostTemperature => "log-probabilities after temperature",
        ValueKind::None => "no probabilities",
    }
}

fn took(usage: Usage, seconds: f64) -> String {
    let tokens = usage.prompt + usage.output;
    let s = if tokens == 1 { "" } else { "s" };
    format!("probe: {seconds:.2} s, {tokens} token{s}")
}

fn remarks(found: &Endpoint) -> Vec<String> {
    let remarks = found.capabilities.iter().flat_map(|can| &can.remarks);
    remarks
        .map(|remark| format!("{}: {remark}", found.name))
        .collect()
}

/// A lack as one sentence.
fn lacks(row: &Row) -> impl Iterator<Item = String> + '_ {
    let one = |lack: &RowLack| format!("{}: {}", lack.why, lack.way_out);
    row.lacks.iter().map(one)
}

/// What every router lacks: told once.
fn shared(rows: &[Row]) -> Vec<String> {
    let Some((first, others)) = rows.split_first() else {
        return Vec::new();
    };
    let everywhere = |lack: &String| others.iter().all(|row| lacks(row).any(|own| own == *lack));
    lacks(first).filter(everywhere).collect()
}

fn router(row: &Row, shared: &[String]) -> Vec<Cell> {
    let name = match row.signal {
        Some(signal) => format!("{} ({signal})", row.router),
        None => row.router.to_owned(),
    };
    let own = lacks(row).filter(|lack| !shared.contains(lack));
    // A file is of no use before the router can run at all.
    let file = row.needs.clone().filter(|_| row.allowed);
    let told: Vec<String> = own
        .chain(file)
        .chain(row.warnings.iter().cloned())
        .collect();
    let yes = if row.allowed { "yes" } else { "no" };
    vec![vec![name], vec![yes.to_owned()], sentence(&told.join("; "))]
}
