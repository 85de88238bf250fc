//! From when to when the records of a log are.

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use super::Span;

/// The first and the last time that was seen.
#[derive(Debug, Default)]
pub(super) struct Times(Option<(OffsetDateTime, OffsetDateTime)>);

impl Times {
    /// Takes one more; what cannot be read says nothing.
    pub fn see(&mut self, at: Option<&str>) {
        let read = at.and_then(|at| OffsetDateTime::parse(at, &Rfc3339).ok());
        let Some(at) = read else { return };
        let (first, last) = self.0.get_or_insert((at, at));
        *first = at.min(*first);
        *last = at.max(*last);
    }

    pub fn span(&self) -> Option<Span> {
        let (first, last) = self.0?;
        let text = |at: OffsetDateTime| at.to_offset(UtcOffset::UTC).format(&Rfc3339).ok();
        Some(Span {
            first: text(first)?,
            last: text(last)?,
            seconds: (last - first).as_seconds_f64(),
        })
    }
}

/// A duration in the largest units that say enough.
pub(super) fn duration(seconds: f64) -> String {
    let whole = seconds.round();
    let of = |unit: f64| (whole / unit).floor();
    if whole < 60.0 {
        format!("{seconds:.1} s")
    } else if whole < 3600.0 {
        format!("{} min {:02} s", of(60.0), whole % 60.0)
    } else if whole < 86_400.0 {
        format!("{} h {:02} min", of(3600.0), of(60.0) % 60.0)
    } else {
        format!("{} d {:02} h", of(86_400.0), of(3600.0) % 24.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_span_is_from_the_earliest_to_the_latest_whatever_their_order_and_zone() {
        let mut times = Times::default();
        assert_eq!(times.span(), None);
        for at in [
            "2026-01-02T03:04:05.25Z",
            "yesterday",
            "2026-01-02T04:04:05.2+01:00",
            "2026-01-02T03:04:07Z",
        ] {
            times.see(Some(at));
        }
        times.see(None);
        let span = times.span().unwrap();
        assert_eq!(span.first, "2026-01-02T03:04:05.2Z");
        assert_eq!(span.last, "2026-01-02T03:04:07Z");
        assert!((span.seconds - 1.8).abs() < 1e-9);
    }

    #[test]
    fn durations_are_told_in_two_units_at_most() {
        let told = [0.04, 59.4, 61.0, 3599.6, 7261.0, 90_000.0].map(duration);
        assert_eq!(
            told,
            [
                "0.0 s",
                "59.4 s",
                "1 min 01 s",
                "1 h 00 min",
                "2 h 01 min",
                "1 d 01 h"
            ]
        );
    }
}
