//! Steps that say again what was said before.

use std::collections::HashMap;

/// Letters and digits that a step needs before its like is worth telling.
const LEAST: usize = 8;

/// For each step the place (from 0) of the first one before it that says the
/// same, blanks and case aside.
pub fn repeats<'t>(steps: impl IntoIterator<Item = &'t str>) -> Vec<Option<usize>> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut found = Vec::new();
    for (place, step) in steps.into_iter().enumerate() {
        let first = match is_worth(step) {
            true => *seen.entry(plain(step).collect()).or_insert(place),
            false => place,
        };
        found.push((first < place).then_some(first));
    }
    found
}

/// Whether a step says again what one of those before it said; compared from
/// the beginning, which mostly differs at once.
pub fn is_repeat<'t>(step: &str, before: impl IntoIterator<Item = &'t str>) -> bool {
    let same = |other: &str| plain(step).eq(plain(other));
    is_worth(step) && before.into_iter().any(same)
}

fn is_worth(step: &str) -> bool {
    step.chars()
        .filter(|c| c.is_alphanumeric())
        .nth(LEAST - 1)
        .is_some()
}

/// A step in small letters, with one blank behind each word.
fn plain(step: &str) -> impl Iterator<Item = char> + '_ {
    let words = step.split_whitespace();
    words.flat_map(|word| word.chars().flat_map(char::to_lowercase).chain([' ']))
}

#[cfg(test)]
mod tests {
    use super::{is_repeat, repeats};

    #[test]
    fn blanks_and_case_do_not_matter_and_short_steps_are_no_repeats() {
        let steps = [
            "So we have 3 + 4 = 7.",
            "7",
            "7",
            "so  we have 3 + 4 = 7.\n",
            "So we have 8.",
        ];
        assert_eq!(repeats(steps), [None, None, None, Some(0), None]);
        for (place, first) in repeats(steps).into_iter().enumerate() {
            let before = steps[..place].iter().copied();
            assert_eq!(is_repeat(steps[place], before), first.is_some(), "{place}");
        }
    }
}
