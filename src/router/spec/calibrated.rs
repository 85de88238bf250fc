//! Specs of the routers that read a confidence from a calibration file.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::signal::confidence::{self, Domain, Source};

use super::syntax::{PERCENT, SHARE, number};
use super::{RouterError, RouterSpec};

/// The confidence that a router reads.
pub(super) fn signal(router: &'static str, value: &str) -> Result<Source, RouterError> {
    value.parse().map_err(|_| RouterError::Value {
        router,
        key: "signal",
        value: value.into(),
        must: confidence::KNOWN,
    })
}

pub(super) fn percentile_spec(
    given: &mut BTreeMap<String, String>,
) -> Result<RouterSpec, RouterError> {
    let p = given.remove("p").ok_or(RouterError::Needs {
        router: "percentile",
        what: "its p",
        example: "percentile:p=20",
    })?;
    Ok(RouterSpec::Percentile {
        p: number("percentile", "p", &p, PERCENT)?,
        signal: given
            .remove("signal")
            .map_or(Ok(Source::Prob), |value| signal("percentile", &value))?,
        file: given.remove("file").map(PathBuf::from),
    })
}

pub(super) fn steer_spec(given: &mut BTreeMap<String, String>) -> Result<RouterSpec, RouterError> {
    let gamma = given.remove("gamma").ok_or(RouterError::Needs {
        router: "steer",
        what: "its gamma",
        example: "steer:gamma=0.5",
    })?;
    let signal = given
        .remove("signal")
        .map_or(Ok(Source::Logit), |value| signal("steer", &value))?;
    let domain = given.remove("domain").map(|value| {
        value.parse::<Domain>().map_err(|_| RouterError::Value {
            router: "steer",
            key: "domain",
            value,
            must: "`math` or `general`",
        })
    });
    let signal = signal.within(domain.transpose()?)?;
    Ok(RouterSpec::Steer {
        gamma: number("steer", "gamma", &gamma, SHARE)?,
        signal,
        file: given.remove("file").map(PathBuf::from),
    })
}
