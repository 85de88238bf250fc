//! Specs of the routers that read a confidence from a calibration file.

use std::path::PathBuf;

use crate::router::given::Given;
use crate::signal::confidence::{self, Domain, Source};

use super::{RouterError, RouterSpec};

/// The confidence that a router reads.
pub(super) fn signal(
    router: &'static str,
    given: &mut Given,
    default: Source,
) -> Result<Source, RouterError> {
    let named = given.parsed(router, "signal", confidence::KNOWN)?;
    Ok(named.unwrap_or(default))
}

pub(super) fn percentile_spec(given: &mut Given) -> Result<RouterSpec, RouterError> {
    let p = given.within("percentile", "p", 0.0..=100.0, "between 0 and 100")?;
    Ok(RouterSpec::Percentile {
        p: p.ok_or(RouterError::Needs {
            router: "percentile",
            what: "its p",
            example: "percentile:p=20",
        })?,
        signal: signal("percentile", given, Source::Prob)?,
        file: given.remove("file").map(PathBuf::from),
    })
}

pub(super) fn steer_spec(given: &mut Given) -> Result<RouterSpec, RouterError> {
    let gamma = given.within("steer", "gamma", 0.0..=1.0, "between 0 and 1")?;
    let gamma = gamma.ok_or(RouterError::Needs {
        router: "steer",
        what: "its gamma",
        example: "steer:gamma=0.5",
    })?;
    let domain = given.parsed::<Domain>("steer", "domain", "`math` or `general`")?;
    Ok(RouterSpec::Steer {
        gamma,
        signal: signal("steer", given, Source::Logit)?.within(domain)?,
        file: given.remove("file").map(PathBuf::from),
    })
}
