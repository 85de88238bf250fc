//! How long people labelled, from the times of their labels.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A longer gap between two labels is a break.
const BREAK: f64 = 300.0;

/// The time of a label; `None` where it cannot be read.
pub fn read(when: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(when, &Rfc3339).ok()
}

/// Seconds between labels, breaks left out; what has no readable time is left
/// out as well.
pub fn worked<'a>(times: impl Iterator<Item = &'a str>) -> f64 {
    let mut times: Vec<OffsetDateTime> = times.filter_map(read).collect();
    times.sort_unstable();
    let gaps = times
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).as_seconds_f64());
    gaps.filter(|&gap| gap <= BREAK).sum()
}

#[cfg(test)]
mod tests {
    use super::worked;

    #[test]
    fn breaks_and_unreadable_times_are_left_out() {
        let times = [
            "2026-01-02T03:04:15.5Z",
            "2026-01-02T03:04:05Z",
            "yesterday",
            "2026-01-02T04:00:00Z",
            "2026-01-02T05:00:02+01:00",
        ];
        assert!((worked(times.into_iter()) - 12.5).abs() < 1e-9);
        assert!(worked([].into_iter()).abs() < 1e-9);
    }
}
