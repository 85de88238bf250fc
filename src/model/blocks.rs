//! Where a step may end: not inside a display, an environment or a code
//! fence, whose blank lines are not step delimiters. One rule for all
//! endpoints, so that the same model writes the same steps behind any of them.

use crate::model::endpoint::DELIMITER;

/// How often a step goes on behind a blank line inside an open block.
pub(crate) const MOST_JOINS: usize = 3;

/// Whether `text` ends inside `\[ … \]`, `$$ … $$`, `\begin … \end` or a code
/// fence.
pub(crate) fn is_open(text: &str) -> bool {
    let mut fence: Option<char> = None;
    let mut displays = 0_i32;
    let mut environments = 0_i32;
    let mut dollars = false;
    for line in text.lines() {
        let start = line.trim_start();
        let mark = ['`', '~']
            .into_iter()
            .find(|mark| start.chars().take_while(|c| c == mark).count() >= 3);
        match (fence, mark) {
            (None, Some(mark)) => {
                fence = Some(mark);
                continue;
            }
            (Some(open), Some(mark)) if open == mark => {
                fence = None;
                continue;
            }
            (Some(_), _) => continue,
            (None, None) => {}
        }
        let mut rest = line;
        while let Some(at) = rest.find(['\\', '$']) {
            let (_, tail) = rest.split_at(at);
            let skip = if tail.starts_with("$$") {
                dollars = !dollars;
                2
            } else if tail.starts_with("\\[") {
                displays += 1;
                2
            } else if tail.starts_with("\\]") {
                // More closed than opened: opened before the step.
                displays = (displays - 1).max(0);
                2
            } else if tail.starts_with("\\begin{") {
                environments += 1;
                7
            } else if tail.starts_with("\\end{") {
                environments = (environments - 1).max(0);
                5
            } else if tail.starts_with("\\\\") || tail.starts_with("\\$") {
                // A line break, whose `[2pt]` opens nothing, or a plain dollar.
                2
            } else {
                1
            };
            rest = tail.get(skip..).unwrap_or_default();
        }
    }
    fence.is_some() || dollars || displays > 0 || environments > 0
}

/// Where the first step of `text` ends: at the first blank line after
/// something that is not blank and outside of every block.
pub(crate) fn step_end(text: &str) -> Option<usize> {
    let begin = text.len() - text.trim_start().len();
    text.match_indices(DELIMITER)
        .map(|(at, _)| at)
        .find(|&at| at > begin && !is_open(text.get(..at).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_told_open_or_closed() {
        for open in [
            "a \\[ x",
            "$$ x",
            "\\begin{align} a \\\\[2pt] b",
            "```python\nx = 1",
            "~~~\n```",
            "\\[ a \\] \\[",
            "\\] \\[ x",
        ] {
            assert!(is_open(open), "{open}");
        }
        for closed in [
            "",
            "a \\[ x \\]",
            "$$x$$ and $y",
            "\\begin{a} \\end{a}",
            "```\n\\[\n```",
            "a \\\\[2pt]",
            "costs \\$\\$5",
            "x \\]",
        ] {
            assert!(!is_open(closed), "{closed}");
        }
    }

    #[test]
    fn a_step_ends_at_the_first_blank_line_outside_blocks() {
        assert_eq!(step_end("\n\na\n\nb"), Some(3));
        assert_eq!(step_end("\\[\n\nx\n\n\\]\n\nb"), Some(9));
        assert_eq!(step_end("\n\n"), None);
        assert_eq!(step_end("a\nb"), None);
    }
}
