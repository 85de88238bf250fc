//! Rows that the papers published, to stand beside ours: as printed there,
//! without intervals, and always marked as published.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// A data set that rows were published on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DataSet {
    Gsm8k,
    Math500,
    OmniMath,
}

/// One published row.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Published {
    pub data_set: DataSet,
    /// The models routed between.
    pub pair: &'static str,
    pub method: &'static str,
    pub external: &'static str,
    /// In percent.
    pub accuracy: f64,
    pub cost: f64,
    pub unit: &'static str,
    /// A/C as printed; `None` where none is.
    pub per_cost: Option<f64>,
    pub source: &'static str,
}

/// Accuracy, cost, A/C.
type Figures = (f64, f64, f64);
/// Method, external models, figures by data set, source.
type Line = (
    &'static str,
    &'static str,
    [Option<Figures>; 3],
    &'static str,
);

const POLICY_OPEN: &str = "arXiv 2605.06116, table 1";
const POLICY_API: &str = "arXiv 2605.06116, table 2";
const STEER: &str = "STEER, arXiv 2511.06190, table 1";

const OPEN_PAIR: &str = "Qwen2.5-Math 1.5B/7B, T 0.7";
const API_PAIR: &str = "Qwen2.5-Math/GPT-4.1-mini, T 0.7";

/// In 1e12 FLOPs a problem, 2·N a generated token.
const OPEN: [Line; 7] = [
    (
        "1.5B only",
        "none",
        [
            Some((85.2, 0.973, 87.56)),
            Some((73.0, 1.82, 40.1)),
            Some((26.4, 2.72, 9.7)),
        ],
        POLICY_OPEN,
    ),
    (
        "7B only",
        "none",
        [
            Some((94.6, 4.42, 21.40)),
            Some((79.6, 9.10, 8.75)),
            Some((28.2, 13.56, 2.08)),
        ],
        POLICY_OPEN,
    ),
    (
        "SpecReason",
        "judge (7B)",
        [
            Some((85.2, 1.03, 82.72)),
            Some((77.4, 7.74, 10.0)),
            Some((28.0, 12.8, 2.18)),
        ],
        POLICY_OPEN,
    ),
    (
        "Damani et al.",
        "trained",
        [None, Some((74.8, 3.08, 24.3)), Some((26.8, 3.33, 8.05))],
        STEER,
    ),
    (
        "RSD",
        "PRM",
        [
            Some((94.4, 2.27, 41.59)),
            Some((79.8, 4.56, 17.5)),
            Some((30.0, 8.54, 3.51)),
        ],
        POLICY_OPEN,
    ),
    (
        "STEER",
        "none",
        [
            Some((94.4, 2.66, 35.49)),
            Some((79.6, 6.38, 12.4)),
            Some((28.3, 9.16, 3.09)),
        ],
        POLICY_OPEN,
    ),
    (
        "threshold policy",
        "none",
        [
            Some((94.5, 2.03, 46.55)),
            Some((82.8, 5.34, 15.5)),
            Some((29.1, 8.24, 3.53)),
        ],
        POLICY_OPEN,
    ),
];

/// In US cents a problem. The small model (1.5B on GSM8K, 7B elsewhere) is
/// counted as free.
const API: [Line; 5] = [
    (
        "GPT-4.1-mini only",
        "none",
        [
            Some((95.2, 0.0293, 32.4)),
            Some((84.8, 0.1313, 6.46)),
            Some((43.0, 0.3356, 1.28)),
        ],
        POLICY_API,
    ),
    (
        "SpecReason",
        "judge (mini)",
        [
            Some((94.9, 0.0994, 9.55)),
            Some((80.8, 0.3653, 2.21)),
            Some((26.0, 0.5691, 0.46)),
        ],
        POLICY_API,
    ),
    (
        "RSD",
        "PRM",
        [
            Some((93.5, 0.0093, 100.5)),
            Some((87.1, 0.0331, 26.31)),
            Some((40.2, 0.2932, 1.52)),
        ],
        POLICY_API,
    ),
    (
        "STEER",
        "none",
        [
            Some((94.5, 0.0608, 15.54)),
            Some((84.0, 0.0827, 10.16)),
            Some((30.0, 0.0823, 3.64)),
        ],
        POLICY_API,
    ),
    (
        "threshold policy",
        "none",
        [
            Some((94.5, 0.0205, 46.09)),
            Some((85.0, 0.0493, 17.24)),
            Some((38.6, 0.285, 1.35)),
        ],
        POLICY_API,
    ),
];

impl DataSet {
    pub const ALL: [Self; 3] = [Self::Gsm8k, Self::Math500, Self::OmniMath];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gsm8k => "GSM8K",
            Self::Math500 => "MATH500",
            Self::OmniMath => "OmniMath",
        }
    }
}

impl fmt::Display for DataSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One data set, or all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted(Option<DataSet>);

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("all") {
            return Ok(Self(None));
        }
        let found = DataSet::ALL
            .into_iter()
            .find(|set| set.name().eq_ignore_ascii_case(text));
        found
            .map(|set| Self(Some(set)))
            .ok_or_else(|| "one of `gsm8k`, `math500`, `omnimath`, `all`".to_owned())
    }
}

/// The published rows of the data sets wanted, by data set.
#[must_use]
pub fn published(wanted: &[Wanted]) -> Vec<Published> {
    let is_wanted = |set: &DataSet| wanted.iter().any(|one| one.0.is_none_or(|one| one == *set));
    let mut rows = Vec::new();
    for (at, data_set) in DataSet::ALL.into_iter().enumerate() {
        if !is_wanted(&data_set) {
            continue;
        }
        for (pair, unit, lines) in [
            (OPEN_PAIR, "1e12 FLOPs", &OPEN[..]),
            (API_PAIR, "US cents", &API[..]),
        ] {
            rows.extend(
                lines
                    .iter()
                    .filter_map(|(method, external, figures, source)| {
                        let (accuracy, cost, per_cost) = figures[at]?;
                        Some(Published {
                            data_set,
                            pair,
                            method,
                            external,
                            accuracy,
                            cost,
                            unit,
                            per_cost: Some(per_cost),
                            source,
                        })
                    }),
            );
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_printed_ratios_follow_from_the_printed_figures() {
        let rows = published(&["all".parse().unwrap()]);
        assert_eq!(rows.len(), 3 * 7 - 1 + 3 * 5);
        for row in rows {
            let ratio = match row.unit {
                "US cents" => row.accuracy / 100.0 / row.cost,
                _ => row.accuracy / row.cost,
            };
            let printed = row.per_cost.unwrap();
            // One ratio of the paper is not that of its own figures: what is
            // printed here is what it prints.
            let odd = (row.accuracy, row.cost, printed) == (40.2, 0.2932, 1.52);
            assert!(
                odd || (ratio - printed).abs() <= 0.01 * printed,
                "{row:?}: {ratio}"
            );
        }
    }

    #[test]
    fn data_sets_are_chosen_by_name() {
        let of = |text: &str| published(&[text.parse().unwrap()]);
        assert!(of("GSM8K").iter().all(|row| row.data_set == DataSet::Gsm8k));
        assert_eq!(of("math500").len(), 12);
        assert!("aime".parse::<Wanted>().unwrap_err().contains("omnimath"));
    }
}
