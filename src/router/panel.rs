//! A panel of rules that are asked about a step beside the one that routes:
//! what each would do, and why. Nobody is called; a rule that would need a
//! score which the log does not hold has no opinion.

use std::sync::{Arc, OnceLock};

use crate::trace::record::ModelFacts;

use super::calibration::{PoolModel, is_shipped};
use super::{Router, RouterError, RouterSpec, build, embedded_threshold};

/// The rules that are asked where nobody names others, each at its usual
/// setting.
const USUAL: [&str; 7] = [
    "threshold",
    "percentile:p=30",
    "steer:gamma=0.5",
    "policy",
    "rsd:delta=0.7",
    "specreason:tau=7",
    "query:share=0.5",
];

/// Rules over one pool, each made when it is first asked.
pub struct Panel {
    pool: Vec<PoolModel>,
    /// Whether what ships is of this pool.
    shipped: OnceLock<bool>,
    members: Vec<Member>,
}

/// A rule of a panel.
pub struct Member {
    pub spec: RouterSpec,
    built: OnceLock<Result<Arc<dyn Router>, String>>,
}

impl Panel {
    /// The named rules, or the usual ones.
    pub fn new(pool: &[ModelFacts], named: &[RouterSpec]) -> Self {
        let specs = match named {
            // The usual ones are written above: each parses, as a test says.
            [] => USUAL.iter().filter_map(|text| text.parse().ok()).collect(),
            named => named.to_vec(),
        };
        let members = specs.into_iter().map(|spec| Member {
            spec,
            built: OnceLock::new(),
        });
        Self {
            pool: pool.iter().map(Into::into).collect(),
            shipped: OnceLock::new(),
            members: members.collect(),
        }
    }

    /// Every rule that can be made for this pool: what needs a file that is of
    /// another pool is left out.
    pub fn rules(&self) -> impl Iterator<Item = (&RouterSpec, &Arc<dyn Router>)> {
        self.members.iter().filter_map(|member| {
            let router = self.built(member).as_ref().ok()?;
            Some((&member.spec, router))
        })
    }

    /// What keeps rules from being made, by their spec.
    pub fn missing(&self) -> impl Iterator<Item = (&RouterSpec, &str)> {
        self.members.iter().filter_map(|member| {
            let why = self.built(member).as_ref().err()?;
            Some((&member.spec, why.as_str()))
        })
    }

    /// Makes every rule now, off the path of a frame: files are read and
    /// hashed for some.
    pub fn prepare(&self) {
        for member in &self.members {
            let _ = self.built(member);
        }
    }

    fn built<'a>(&self, member: &'a Member) -> &'a Result<Arc<dyn Router>, String> {
        member.built.get_or_init(|| {
            let shipped = *self.shipped.get_or_init(|| is_shipped(&self.pool));
            let calibrated = shipped.then(embedded_threshold);
            build(&member.spec, &self.pool, calibrated).map_err(|error| error.to_string())
        })
    }
}

/// The rule of a spec for the pool of a log, with what ships where that is of
/// this pool.
///
/// # Errors
/// As [`build`].
pub fn for_pool(spec: &RouterSpec, pool: &[ModelFacts]) -> Result<Arc<dyn Router>, RouterError> {
    let pool: Vec<PoolModel> = pool.iter().map(Into::into).collect();
    let calibrated = is_shipped(&pool).then(embedded_threshold);
    build(spec, &pool, calibrated)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(name: &str) -> ModelFacts {
        ModelFacts::new(name, "vllm")
    }

    #[test]
    fn a_strange_pool_is_asked_about_by_the_rules_that_need_no_file_of_it() {
        let panel = Panel::new(&[model("a"), model("b")], &[]);
        let rules: Vec<String> = panel.rules().map(|(spec, _)| spec.to_string()).collect();
        assert_eq!(rules, ["threshold", "rsd:delta=0.7", "specreason:tau=7"]);
        assert_eq!(panel.missing().count() + rules.len(), USUAL.len());
    }

    #[test]
    fn named_rules_take_the_place_of_the_usual_ones() {
        let named: RouterSpec = "random:p=0.2".parse().unwrap();
        let panel = Panel::new(&[model("a"), model("b")], &[named]);
        assert_eq!(panel.rules().count(), 1);
    }
}
