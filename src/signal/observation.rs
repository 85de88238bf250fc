//! The observation o_t = (u_t, t, d, f_t, ℓ_t, m_t) a policy sees (§1).

use std::collections::BTreeMap;

/// What is known after step t, before the router picks who writes step t+1.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// u_t; `None` where unavailable.
    pub confidence: Option<f64>,
    /// 1-based position t.
    pub index: u32,
    /// d, on the data set's own scale.
    pub difficulty: Option<f64>,
    /// f_t: whether the step holds the final answer.
    pub has_answer: bool,
    /// ℓ_t: length of the step in tokens; `None` where nobody counted them.
    pub tokens: Option<u32>,
    /// m_t: 0-based place in the pool of the model that wrote the step;
    /// `None` where no model of the pool did.
    pub writer: Option<usize>,
    /// Number of models in the pool.
    pub models: usize,
}

/// A feature list asks for something an observation does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown feature {name:?}: this pool offers {offered}")]
pub struct UnknownFeature {
    pub name: String,
    /// The names there are, comma-separated.
    pub offered: String,
}

impl Observation {
    /// Every feature by name: `confidence`, `step`, `difficulty`,
    /// `has_answer`, `tokens`, and the one-hot `writer_0` … `writer_<K-1>` in
    /// pool order. A missing value is `None`, never 0.
    pub fn named(&self) -> BTreeMap<String, Option<f64>> {
        let mut named = BTreeMap::from([
            ("confidence".to_owned(), finite(self.confidence)),
            ("step".to_owned(), Some(f64::from(self.index))),
            ("difficulty".to_owned(), finite(self.difficulty)),
            ("has_answer".to_owned(), Some(one_if(self.has_answer))),
            ("tokens".to_owned(), self.tokens.map(f64::from)),
        ]);
        for model in 0..self.models {
            named.insert(
                format!("writer_{model}"),
                Some(one_if(self.writer == Some(model))),
            );
        }
        named
    }

    /// The observation whose features [`named`](Self::named) gave, over a pool
    /// of `models` models: what a decision of the log was made from. `None`
    /// where the features are not those of an observation.
    pub fn from_named(named: &BTreeMap<String, Option<f64>>, models: usize) -> Option<Self> {
        let value = |name: &str| named.get(name).copied();
        let count = |value: f64| {
            let whole = value.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&value);
            whole.then_some(value as u32)
        };
        let mut writer = None;
        for model in 0..models {
            if value(&format!("writer_{model}"))?? > 0.5 {
                writer = Some(model);
            }
        }
        Some(Self {
            confidence: finite(value("confidence")?),
            index: count(value("step")??)?,
            difficulty: finite(value("difficulty")?),
            has_answer: value("has_answer")?? > 0.5,
            tokens: match value("tokens")? {
                Some(tokens) => Some(count(tokens)?),
                None => None,
            },
            writer,
            models,
        })
    }

    /// The named features in the order asked for.
    ///
    /// # Errors
    /// [`UnknownFeature`] for the first name that [`named`](Self::named) lacks.
    pub fn features<S: AsRef<str>>(&self, names: &[S]) -> Result<Vec<Option<f64>>, UnknownFeature> {
        let named = self.named();
        let pick = |name: &S| {
            let name = name.as_ref();
            named.get(name).copied().ok_or_else(|| UnknownFeature {
                name: name.to_owned(),
                offered: named.keys().cloned().collect::<Vec<_>>().join(", "),
            })
        };
        names.iter().map(pick).collect()
    }
}

fn one_if(condition: bool) -> f64 {
    f64::from(u8::from(condition))
}

fn finite(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observation() -> Observation {
        Observation {
            confidence: Some(0.5),
            index: 3,
            difficulty: None,
            has_answer: true,
            tokens: Some(21),
            writer: Some(1),
            models: 3,
        }
    }

    #[test]
    fn features_come_in_the_order_asked_for() {
        let names = [
            "writer_1",
            "step",
            "difficulty",
            "confidence",
            "writer_2",
            "has_answer",
        ];
        assert_eq!(
            observation().features(&names).unwrap(),
            [Some(1.0), Some(3.0), None, Some(0.5), Some(0.0), Some(1.0)]
        );
    }

    #[test]
    fn an_observation_is_read_back_from_its_features() {
        let person = Observation {
            confidence: None,
            tokens: None,
            writer: None,
            difficulty: Some(2.5),
            ..observation()
        };
        for seen in [observation(), person] {
            assert_eq!(Observation::from_named(&seen.named(), 3), Some(seen));
        }
        let mut other = observation().named();
        assert_eq!(Observation::from_named(&other, 4), None, "another pool");
        other.insert("step".to_owned(), Some(0.5));
        assert_eq!(Observation::from_named(&other, 3), None);
        assert_eq!(Observation::from_named(&BTreeMap::new(), 2), None);
    }

    #[test]
    fn an_unknown_feature_is_named() {
        let error = observation().features(&["step", "mood"]).unwrap_err();
        assert_eq!(error.name, "mood");
        assert!(error.to_string().contains("writer_2"));
    }

    #[test]
    fn a_value_that_is_no_number_is_missing() {
        let odd = Observation {
            confidence: Some(f64::NAN),
            ..observation()
        };
        assert_eq!(odd.named()["confidence"], None);
    }
}
