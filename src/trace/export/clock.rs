//! Times of records as other formats want them.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Subject;
use crate::trace::record::StepRecord;

/// Nanoseconds since 1970 of a time in RFC 3339; `None` where it is none, or
/// from before.
pub(super) fn nanoseconds(at: &str) -> Option<u64> {
    let time = OffsetDateTime::parse(at, &Rfc3339).ok()?;
    u64::try_from(time.unix_timestamp_nanos()).ok()
}

/// The same the other way, in UTC to the microsecond; 1970 where there is no
/// such time.
pub(super) fn rfc3339(nanoseconds: u64) -> String {
    let whole = nanoseconds - nanoseconds % 1000;
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(whole))
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(|| "1970-01-01T00:00:00Z".to_owned())
}

/// A duration in nanoseconds; 0 for what is none.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a duration that is too long or negative becomes the nearest that fits"
)]
pub(super) fn duration(seconds: f64) -> u64 {
    (seconds * 1e9).round() as u64
}

/// When a step was begun and finished; `None` where its record does not say.
pub(super) fn times(step: &StepRecord) -> Option<(u64, u64)> {
    let end = nanoseconds(&step.at)?;
    Some((end.saturating_sub(duration(step.seconds)), end))
}

/// When the first step of a trajectory began and the last one ended; where no
/// step says, when its run began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub begin: u64,
    pub end: u64,
}

impl Span {
    pub fn of(subject: &Subject<'_>) -> Self {
        let all = || {
            let nodes = subject.tree.nodes();
            nodes.filter_map(|(_, node)| times(&node.step))
        };
        let started = subject.head.and_then(|head| nanoseconds(&head.started));
        let begin = all().map(|(begin, _)| begin).min();
        let begin = begin.or(started).unwrap_or(0);
        Self {
            begin,
            end: all().map(|(_, end)| end).max().unwrap_or(begin),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_go_there_and_back() {
        for at in ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.678Z"] {
            assert_eq!(rfc3339(nanoseconds(at).unwrap()), at);
        }
        assert_eq!(
            nanoseconds("2026-01-02T05:04:05+02:00"),
            nanoseconds("2026-01-02T03:04:05Z")
        );
        assert_eq!(nanoseconds(""), None);
        assert_eq!(nanoseconds("1969-01-01T00:00:00Z"), None);
        assert_eq!(duration(1.5), 1_500_000_000);
        assert_eq!(duration(-1.0), 0);
    }
}
