//! Counts with their nouns, as people read them: `1 line`, `2 trajectories`.

use std::fmt::Display;

/// `1 line`, `2 lines`, `0 branches`: a count with what is counted, in the
/// singular. Of several words (`damaged line`) the last one is the noun.
pub fn counted<N: Display + PartialEq + From<u8>>(count: N, what: &str) -> String {
    if count == N::from(1) {
        return format!("1 {what}");
    }
    format!("{count} {}", plural(what))
}

/// More than one of something, by the rules of regular nouns.
fn plural(noun: &str) -> String {
    const VOWELS: [char; 5] = ['a', 'e', 'i', 'o', 'u'];
    const HISSING: [&str; 5] = ["s", "x", "z", "ch", "sh"];
    match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(VOWELS) => format!("{stem}ies"),
        _ if HISSING.iter().any(|end| noun.ends_with(end)) => format!("{noun}es"),
        _ => format!("{noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_go_with_their_counts() {
        for (count, what, said) in [
            (1, "line", "1 line"),
            (0, "line", "0 lines"),
            (2, "damaged line", "2 damaged lines"),
            (1, "trajectory", "1 trajectory"),
            (3, "trajectory", "3 trajectories"),
            (2, "day", "2 days"),
            (2, "branch", "2 branches"),
            (2, "pass", "2 passes"),
        ] {
            assert_eq!(counted(count, what), said);
        }
        assert_eq!(counted(1_usize, "step"), "1 step");
        assert_eq!(counted(u64::MAX, "run"), format!("{} runs", u64::MAX));
    }
}
