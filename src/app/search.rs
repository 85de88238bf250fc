//! Searching the steps of the followed path.

use crate::session::Session;
use crate::trace::NodeIndex;

/// A search over the question and the steps.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Search {
    /// What is looked for, without regard to case; empty is no search.
    pub query: String,
}

impl Search {
    /// The places on the followed path that hold the query, in order; `None`
    /// is the question.
    pub fn matches(&self, session: &Session) -> Vec<Option<NodeIndex>> {
        if self.query.is_empty() {
            return Vec::new();
        }
        let query = self.query.to_lowercase();
        let holds = |text: &str| text.to_lowercase().contains(&query);
        let mut places = Vec::new();
        if holds(&session.problem().question) {
            places.push(None);
        }
        let path = session.followed_path();
        places.extend(
            path.into_iter()
                .filter(|&node| holds(&session.tree().node(node).step.text))
                .map(Some),
        );
        places
    }

    /// The match `count` places after the cursor (before it where negative),
    /// going round.
    pub fn jump(&self, session: &Session, count: i64) -> Option<Option<NodeIndex>> {
        let matches = self.matches(session);
        let length = i64::try_from(matches.len()).ok().filter(|&n| n > 0)?;
        let before = matches
            .iter()
            .filter(|&&place| place < session.cursor())
            .count() as i64;
        let on_match = matches.contains(&session.cursor());
        let from = match (count > 0, on_match) {
            (true, true) => before,
            (true, false) => before - 1,
            (false, _) => before,
        };
        let target = (from + count).rem_euclid(length);
        usize::try_from(target)
            .ok()
            .and_then(|at| matches.get(at).copied())
    }
}
