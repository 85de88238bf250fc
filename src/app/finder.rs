//! Fuzzy finding for the palette and the problem picker.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

/// A line that matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Its place among the lines searched.
    pub place: usize,
    pub score: u32,
}

/// The lines that match `query`, best first; all of them in order where the
/// query is empty.
pub fn find<'a>(query: &str, lines: impl Iterator<Item = &'a str>) -> Vec<Found> {
    let mut matcher = Matcher::new(Config::DEFAULT);
    let pattern = Pattern::parse(query, CaseMatching::Ignore, Normalization::Smart);
    let mut buffer = Vec::new();
    let mut found: Vec<Found> = lines
        .enumerate()
        .filter_map(|(place, line)| {
            let score = pattern.score(Utf32Str::new(line, &mut buffer), &mut matcher)?;
            Some(Found { place, score })
        })
        .collect();
    // Stable: equal scores keep the order of the list.
    found.sort_by_key(|found| std::cmp::Reverse(found.score));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_query_keeps_the_order_and_a_query_ranks() {
        let lines = ["override", "re-run", "run"];
        let places = |query| {
            find(query, lines.iter().copied())
                .iter()
                .map(|f| f.place)
                .collect::<Vec<_>>()
        };
        assert_eq!(places(""), [0, 1, 2]);
        assert_eq!(places("run").first(), Some(&2));
        assert!(places("zzz").is_empty());
    }
}
