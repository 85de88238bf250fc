//! The time of day, for records.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Now as RFC 3339 in UTC, to the millisecond.
pub fn now() -> String {
    let now = OffsetDateTime::now_utc();
    let whole = now
        .replace_millisecond(now.millisecond())
        .expect("a millisecond of a time is a millisecond");
    whole
        .format(&Rfc3339)
        .expect("a time of this era has an RFC 3339 form")
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_is_utc_to_the_millisecond() {
        let now = super::now();
        assert!(now.ends_with('Z') && now.contains('T'), "{now}");
        assert!(now.len() <= "2026-01-02T03:04:05.678Z".len(), "{now}");
    }
}
