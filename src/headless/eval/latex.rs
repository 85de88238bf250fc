//! The results as LaTeX, for `booktabs`: the table of results and, where they
//! are wanted, of published rows. What else is to be known stands in comments.

use std::fmt::Write as _;

use super::Evaluation;
use super::grid::{self, Grid};

/// The tables.
#[must_use]
pub fn latex(evaluation: &Evaluation) -> String {
    let mut text = String::from("% needs \\usepackage{booktabs}\n");
    for line in grid::ground(evaluation) {
        comment(&mut text, &line);
    }
    for choice in &evaluation.choices {
        comment(&mut text, &grid::choice(choice).caption);
    }
    for warning in evaluation.warnings() {
        comment(&mut text, warning);
    }
    tabular(&mut text, &grid::results(&evaluation.table));
    let others = evaluation.forest.as_ref().map(grid::forest);
    let others = others
        .into_iter()
        .chain(grid::tests(&evaluation.table))
        .chain(grid::published(&evaluation.published));
    for grid in others {
        text.push('\n');
        comment(&mut text, &grid.caption);
        tabular(&mut text, &grid);
    }
    text
}

fn comment(text: &mut String, line: &str) {
    // A line break would end the comment.
    let _ = writeln!(text, "% {}", line.replace(['\n', '\r'], " "));
}

fn tabular(text: &mut String, grid: &Grid) {
    let columns: String = (0..grid.heads.len())
        .map(|at| if at < grid.words { 'l' } else { 'r' })
        .collect();
    let _ = writeln!(text, "\\begin{{tabular}}{{{columns}}}\n\\toprule");
    let heads: Vec<String> = grid.heads.iter().map(|head| escaped(head)).collect();
    let _ = writeln!(text, "{} \\\\\n\\midrule", heads.join(" & "));
    for row in &grid.rows {
        let cells: Vec<String> = row
            .iter()
            .enumerate()
            .map(|(at, cell)| match at {
                at if at < grid.keys => format!("\\texttt{{{}}}", escaped(cell)),
                _ => escaped(cell),
            })
            .collect();
        let _ = writeln!(text, "{} \\\\", cells.join(" & "));
    }
    text.push_str("\\bottomrule\n\\end{tabular}\n");
}

/// What LaTeX would read as more than text.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '%' | '&' | '#' | '$' | '_' | '{' | '}' => {
                escaped.push('\\');
                escaped.push(c);
            }
            '\\' => escaped.push_str("\\textbackslash{}"),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '<' => escaped.push_str("\\textless{}"),
            '≤' => escaped.push_str("$\\le$"),
            '–' => escaped.push_str("--"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_that_latex_obeys() {
        assert_eq!(
            escaped(r"a_b & 5 % \x {y} ~1 ^2 ≤3"),
            r"a\_b \& 5 \% \textbackslash{}x \{y\} \textasciitilde{}1 \textasciicircum{}2 $\le$3"
        );
    }
}
