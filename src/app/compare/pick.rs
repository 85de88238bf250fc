//! What is compared with what.

use crate::session::Session;
use crate::trace::NodeIndex;

use super::super::effect::Effect;
use super::super::model::{Model, NoticeLevel, Screen};
use super::{Branch, MARKED_RUNS, Side, back, compare, compare_runs};

/// Compares what is looked at with what is marked, or with what is nearest; on
/// the screen itself one level back.
pub fn show(model: &mut Model) -> Vec<Effect> {
    match model.view.screen {
        Screen::Compare => back(model),
        Screen::Runs => of_runs(model),
        Screen::Problems => of_row(model),
        Screen::WhatIf => {
            let changed = model.what_if.list.get(model.what_if.cursor);
            match changed.map(|changed| changed.place) {
                Some(place) => with_other(model, whole(place)),
                None => nothing(model, "no trajectory is listed"),
            }
        }
        Screen::Inspector | Screen::Tree | Screen::Values | Screen::Analysis => of_session(model),
    }
}

/// Marks the row of a table, or takes its mark away.
pub fn mark(model: &mut Model) {
    if model.view.screen == Screen::Runs {
        return mark_run(model);
    }
    let Some(place) = model.table.selected() else {
        return;
    };
    let text = match model.compare.marked == Some(place) {
        true => {
            model.compare.marked = None;
            "the mark is gone"
        }
        false => {
            model.compare.marked = Some(place);
            "marked: D on another row compares the two"
        }
    };
    model.say(NoticeLevel::Info, text);
}

fn mark_run(model: &mut Model) {
    let Some(row) = model.runs.rows.get(model.runs.cursor) else {
        return;
    };
    let run = row.run;
    let marked = &mut model.compare.marked_runs;
    let text = match marked.iter().position(|known| *known == run) {
        Some(at) => {
            marked.remove(at);
            "the mark is gone"
        }
        None => {
            // The oldest mark gives way.
            if marked.len() == MARKED_RUNS {
                marked.remove(0);
            }
            marked.push(run);
            match marked.len() == MARKED_RUNS {
                true => "two runs are marked: D compares them",
                false => "marked: D on another run compares the two",
            }
        }
    };
    model.say(NoticeLevel::Info, text);
}

fn nothing(model: &mut Model, why: &str) -> Vec<Effect> {
    model.say(NoticeLevel::Info, why);
    Vec::new()
}

/// The main line of a trajectory.
fn whole(place: usize) -> Side {
    side(place, Branch::Main)
}

fn side(entry: usize, branch: Branch) -> Side {
    Side {
        entry,
        branch,
        path: Vec::new(),
    }
}

/// The two marked runs, the marked one and that of the cursor, or the only two
/// there are.
fn of_runs(model: &mut Model) -> Vec<Effect> {
    let row = model.runs.rows.get(model.runs.cursor).map(|row| row.run);
    let all: Vec<u32> = model.runs.rows.iter().map(|row| row.run).collect();
    let pair = match (model.compare.marked_runs.as_slice(), row, all.as_slice()) {
        (&[first, second], ..) => [first, second],
        (&[first], Some(second), _) if first != second => [first, second],
        (_, _, &[first, second]) => [first, second],
        _ => return nothing(model, "mark a run with m, and another one, then D"),
    };
    compare_runs(model, pair)
}

/// The marked trajectory and that of the row; without a mark the same problem
/// in another run.
fn of_row(model: &mut Model) -> Vec<Effect> {
    let Some(place) = model.table.selected() else {
        return nothing(model, "no trajectory is in the table");
    };
    match model.compare.marked.filter(|marked| *marked != place) {
        Some(marked) => compare(model, [whole(marked), whole(place)], false),
        None => with_other(model, whole(place)),
    }
}

/// Compares a trajectory with that of another run of the same problem.
fn with_other(model: &mut Model, first: Side) -> Vec<Effect> {
    match other_run(model, first.entry) {
        Some(other) => compare(model, [first, whole(other)], false),
        None => nothing(
            model,
            "no other run has this problem: mark a row of P with m, then D on another",
        ),
    }
}

/// The trajectory of the same problem in the next run that has it.
fn other_run(model: &Model, place: usize) -> Option<usize> {
    let all = model.survey.trajectories();
    let own = all.get(place)?;
    let places = (place + 1..all.len()).chain(0..place);
    places
        .into_iter()
        .find(|&other| all[other].problem == own.problem && all[other].run != own.run)
}

/// The branch that is looked at with another one; else with a marked
/// trajectory, else with another run.
fn of_session(model: &mut Model) -> Vec<Effect> {
    let current = model.current;
    let Some(session) = model.session() else {
        return nothing(model, "no problem is open: choose one with ctrl-p");
    };
    let branch = marked_branch(model, session).or_else(|| sibling(session));
    let first = side(current, Branch::Followed);
    if let Some(node) = branch {
        return compare(model, [first, side(current, Branch::Through(node))], false);
    }
    match model.compare.marked.filter(|marked| *marked != current) {
        Some(marked) => compare(model, [whole(marked), first], false),
        None => with_other(model, first),
    }
}

/// The last marked step that is not on the path that is looked at.
fn marked_branch(model: &Model, session: &Session) -> Option<NodeIndex> {
    let path = session.followed_path();
    let nodes = session.tree().nodes();
    nodes
        .filter(|(node, found)| model.is_marked(&found.step.id) && !path.contains(node))
        .map(|(node, _)| node)
        .last()
}

/// The next branch where the tree branches: at the cursor, else at the last
/// place before it, else at the first one behind it.
fn sibling(session: &Session) -> Option<NodeIndex> {
    let tree = session.tree();
    let path = session.followed_path();
    let at = session.cursor();
    let cursor = path.iter().position(|node| Some(*node) == at);
    let before = (0..cursor.map_or(0, |at| at + 1)).rev();
    let behind = cursor.map_or(0, |at| at + 1)..path.len();
    before.chain(behind).find_map(|at| {
        let siblings = tree.siblings(path[at]);
        let own = siblings.iter().position(|node| *node == path[at])?;
        let next = siblings[(own + 1) % siblings.len()];
        (next != path[at]).then_some(next)
    })
}
