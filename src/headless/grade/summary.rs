//! How verdicts agree with labels, by category.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::Judged;
use crate::headless::summary::wilson;
use crate::problem::answer::Verdict;

/// Verdicts against the labels of the input, where it has any. A pair that
/// stays ungraded agrees with no label.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct GradeSummary {
    /// Pairs with a label.
    pub labelled: Counts,
    /// Those whose label is true, and those whose label is false.
    pub equal: Counts,
    pub unequal: Counts,
    pub categories: BTreeMap<String, Category>,
    /// Verdicts of all pairs.
    pub correct: u64,
    pub wrong: u64,
    pub ungraded: u64,
    /// Pairs without a gold answer, among the ungraded ones.
    pub without_gold: u64,
}

/// How many agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    pub pairs: u64,
    pub agree: u64,
}

/// One category of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Category {
    pub pairs: u64,
    pub agree: u64,
    /// Equal ones that were graded wrong.
    pub false_wrong: u64,
    /// Unequal ones that were graded correct.
    pub false_correct: u64,
    pub ungraded: u64,
}

impl Counts {
    fn add(&mut self, agrees: bool) {
        self.pairs += 1;
        self.agree += u64::from(agrees);
    }

    fn text(self) -> String {
        let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let Some([low, high]) = wilson(count(self.agree), count(self.pairs)) else {
            return "–".to_owned();
        };
        let share = 100.0 * self.agree as f64 / self.pairs as f64;
        format!(
            "{share:.1} % [{:.1}, {:.1}] ({} of {})",
            100.0 * low,
            100.0 * high,
            self.agree,
            self.pairs
        )
    }
}

impl GradeSummary {
    pub(super) fn add(&mut self, judged: &Judged) {
        match judged.verdict {
            Verdict::Correct => self.correct += 1,
            Verdict::Wrong => self.wrong += 1,
            Verdict::Ungraded => self.ungraded += 1,
        }
        self.without_gold += u64::from(!judged.gold);
        let Some(expected) = judged.expected else {
            return;
        };
        let agrees = match judged.verdict {
            Verdict::Correct => expected,
            Verdict::Wrong => !expected,
            Verdict::Ungraded => false,
        };
        self.labelled.add(agrees);
        if expected {
            self.equal.add(agrees);
        } else {
            self.unequal.add(agrees);
        }
        let category = self.categories.entry(self.row(judged)).or_default();
        category.pairs += 1;
        category.agree += u64::from(agrees);
        match judged.verdict {
            Verdict::Ungraded => category.ungraded += 1,
            Verdict::Correct => category.false_correct += u64::from(!agrees),
            Verdict::Wrong => category.false_wrong += u64::from(!agrees),
        }
    }

    /// The row of a pair: its category on one short line, and one row for all
    /// beyond a bound, whatever the file holds.
    fn row(&self, judged: &Judged) -> String {
        const MOST_ROWS: usize = 1_000;
        const LONGEST: usize = 60;
        let name = judged.category.as_deref().unwrap_or("–");
        let line = name.split_whitespace().collect::<Vec<_>>().join(" ");
        let short: String = line.chars().take(LONGEST).collect();
        if self.categories.len() >= MOST_ROWS && !self.categories.contains_key(&short) {
            return "(others)".to_owned();
        }
        short
    }

    /// A few aligned lines for people: verdicts, agreement, and the categories
    /// in which something disagrees before the others.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "verdicts   {} correct, {} wrong, {} ungraded",
            self.correct, self.wrong, self.ungraded
        );
        if self.without_gold > 0 {
            let _ = writeln!(text, "           {} without a `gold`", self.without_gold);
        }
        if self.labelled.pairs == 0 {
            return text;
        }
        let _ = writeln!(text, "agreement  {}", self.labelled.text());
        let _ = writeln!(text, "  equal    {}", self.equal.text());
        let _ = writeln!(text, "  unequal  {}", self.unequal.text());
        let width = self
            .categories
            .keys()
            .map(|name| name.chars().count())
            .max();
        let width = width.unwrap_or(0).clamp(8, 40);
        let _ = writeln!(
            text,
            "\n{:<width$}  {:>6} {:>6} {:>12} {:>14} {:>9}",
            "category", "pairs", "agree", "false wrong", "false correct", "ungraded"
        );
        let mut categories: Vec<_> = self.categories.iter().collect();
        categories.sort_by_key(|(_, category)| category.pairs == category.agree);
        for (name, category) in categories {
            let _ = writeln!(
                text,
                "{name:<width$}  {:>6} {:>6} {:>12} {:>14} {:>9}",
                category.pairs,
                category.agree,
                category.false_wrong,
                category.false_correct,
                category.ungraded
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ungraded_agrees_with_no_label() {
        let mut summary = GradeSummary::default();
        for (verdict, expected) in [
            (Verdict::Correct, Some(true)),
            (Verdict::Correct, Some(false)),
            (Verdict::Wrong, Some(false)),
            (Verdict::Wrong, Some(true)),
            (Verdict::Ungraded, Some(false)),
            (Verdict::Correct, None),
        ] {
            summary.add(&Judged {
                line: String::new(),
                verdict,
                expected,
                category: Some("c".to_owned()),
                gold: true,
            });
        }
        assert_eq!(summary.labelled, Counts { pairs: 5, agree: 2 });
        assert_eq!(summary.equal, Counts { pairs: 2, agree: 1 });
        assert_eq!(summary.unequal, Counts { pairs: 3, agree: 1 });
        let category = summary.categories["c"];
        assert_eq!(
            (
                category.false_wrong,
                category.false_correct,
                category.ungraded
            ),
            (1, 1, 1)
        );
        assert_eq!(
            (summary.correct, summary.wrong, summary.ungraded),
            (3, 2, 1)
        );
        assert!(summary.to_text().contains("40.0 %"));
    }
}
