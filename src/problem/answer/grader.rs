//! The rule-based grader: extraction, then comparison.

use super::{Comparison, Grade, Grader, Verdict, compare, extract, forms};

/// Grades by rules alone.
///
/// - no gold answer: `ungraded`, rule `no-gold`;
/// - no answer in the text: `wrong`, rule `no-answer`, also where the text was
///   cut off (a trajectory's end says that by itself);
/// - otherwise the verdict and rule of [`compare`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RuleGrader;

impl RuleGrader {
    /// Grades an answer that was found already.
    pub fn grade_answer(gold: &str, answer: &str) -> Grade {
        let Comparison {
            verdict,
            rule,
            reason,
        } = compare(gold, answer);
        Grade {
            verdict,
            extracted: Some(answer.to_owned()),
            extraction: None,
            rule: rule.to_owned(),
            forms: Some(forms(gold, answer)),
            reason,
        }
    }
}

impl Grader for RuleGrader {
    fn name(&self) -> &str {
        "rules-v2"
    }

    fn grade(&self, gold: Option<&str>, text: &str) -> Grade {
        let extracted = extract(text);
        let extraction = extracted.as_ref().map(|found| found.rule.to_owned());
        let Some(gold) = gold.filter(|gold| !gold.trim().is_empty()) else {
            return Grade {
                extracted: extracted.map(|found| found.answer),
                extraction,
                ..Grade::ungraded("no-gold", "no gold answer")
            };
        };
        let Some(found) = extracted else {
            return Grade {
                verdict: Verdict::Wrong,
                extracted: None,
                extraction: None,
                rule: "no-answer".to_owned(),
                forms: None,
                reason: None,
            };
        };
        Grade {
            extraction,
            ..Self::grade_answer(gold, &found.answer)
        }
    }
}
