//! The rule-based grader: extraction, then comparison.

use super::{Comparison, Grade, Grader, Verdict, compare, equivalence, extract, forms};

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
    pub fn grade_answer(gold: Option<&str>, answer: &str) -> Grade {
        Self::grade_found(gold, Some((answer.to_owned(), None)))
    }

    /// Grades what was found, if anything was, and by which rule.
    fn grade_found(gold: Option<&str>, found: Option<(String, Option<&str>)>) -> Grade {
        let Some(gold) = gold.filter(|gold| !gold.trim().is_empty()) else {
            let (extracted, extraction) = found.unzip();
            return Grade {
                extracted,
                extraction: extraction.flatten().map(str::to_owned),
                ..Grade::ungraded("no-gold", "no gold answer")
            };
        };
        let Some((answer, extraction)) = found else {
            return Grade {
                verdict: Verdict::Wrong,
                extracted: None,
                extraction: None,
                rule: "no-answer".to_owned(),
                forms: None,
                reason: None,
            };
        };
        let Comparison {
            verdict,
            rule,
            reason,
        } = compare(gold, &answer);
        Grade {
            verdict,
            forms: Some(forms(gold, &answer)),
            extracted: Some(answer),
            extraction: extraction.map(str::to_owned),
            rule: rule.to_owned(),
            reason,
        }
    }
}

impl Grader for RuleGrader {
    fn name(&self) -> &str {
        "rules-v2"
    }

    fn grade(&self, gold: Option<&str>, text: &str) -> Grade {
        let found = extract(text).map(|found| (found.answer, Some(found.rule)));
        let asks_yes_or_no = gold.is_some_and(equivalence::is_yes_or_no);
        let found = match found {
            None if asks_yes_or_no => {
                extract::yes_or_no(text).map(|found| (found.answer, Some(found.rule)))
            }
            found => found,
        };
        Self::grade_found(gold, found)
    }
}
