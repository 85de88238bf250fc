//! How long a server asks to be left alone, and whether to ask it again.

use std::time::Duration;

use reqwest::header::HeaderMap;
use time::{Date, Month, OffsetDateTime, Time};

/// A header that is text, blanks around it off.
pub(super) fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let value = headers.get(name)?.to_str().ok()?;
    Some(value.trim())
}

/// What `x-should-retry` says.
pub(super) fn should_retry(headers: &HeaderMap) -> Option<bool> {
    match text(headers, "x-should-retry")? {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// How long the server asks to wait: `retry-after-ms`, or `retry-after` in
/// seconds or as a date; where the rate is `limited`, else, when its limits
/// are reset.
pub(super) fn asked(headers: &HeaderMap, limited: bool, now: OffsetDateTime) -> Option<Duration> {
    let seconds = |text: &str, unit: f64| {
        let number: f64 = text.parse().ok()?;
        Duration::try_from_secs_f64(number * unit).ok()
    };
    if let Some(wait) = text(headers, "retry-after-ms").and_then(|text| seconds(text, 0.001)) {
        return Some(wait);
    }
    let after = text(headers, "retry-after").and_then(|text| {
        seconds(text, 1.0).or_else(|| {
            let until = http_date(text)? - now;
            Some(until.try_into().unwrap_or(Duration::ZERO))
        })
    });
    match after {
        // No wait at all is what some send who do not know.
        Some(wait) if !wait.is_zero() || !limited => Some(wait),
        other => limited.then(|| reset(headers)).flatten().or(other),
    }
}

/// When the limit that was reached is reset: the later one where both were.
/// Where the server does not say which, the sooner one is worth a try.
fn reset(headers: &HeaderMap) -> Option<Duration> {
    let limits = ["requests", "tokens"].map(|what| {
        let reset = text(headers, &format!("x-ratelimit-reset-{what}")).and_then(duration)?;
        let left = text(headers, &format!("x-ratelimit-remaining-{what}"))
            .and_then(|text| text.parse::<f64>().ok());
        Some((reset, left == Some(0.0)))
    });
    let all = || limits.iter().flatten();
    let reached = all().filter(|(_, reached)| *reached);
    reached
        .map(|(reset, _)| *reset)
        .max()
        .or_else(|| all().map(|(reset, _)| *reset).min())
}

/// Reads `1s`, `6m0s`, `250ms`, `1h2m3.5s`; what is no time above 0 is
/// nothing. A bare number may be anything: seconds, or a time of day.
fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(digits);
        let end = after
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let (unit, left) = after.split_at(end);
        total += number.parse::<f64>().ok()?
            * match unit {
                "ms" => 0.001,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                "d" => 86_400.0,
                _ => return None,
            };
        rest = left;
    }
    let total = Duration::try_from_secs_f64(total).ok()?;
    (!total.is_zero()).then_some(total)
}

/// Reads the one date form HTTP still sends: `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(text: &str) -> Option<OffsetDateTime> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let mut words = text.split_once(", ")?.1.split([' ', ':']);
    let mut next = || words.next();
    let day: u8 = next()?.parse().ok()?;
    let month = next()?;
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let year: i32 = next()?.parse().ok()?;
    let hour: u8 = next()?.parse().ok()?;
    let minute: u8 = next()?.parse().ok()?;
    let second: u8 = next()?.parse().ok()?;
    let date = Date::from_calendar_date(year, month, day).ok()?;
    let time = Time::from_hms(hour, minute, second).ok()?;
    (next()? == "GMT").then(|| date.with_time(time).assume_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        headers
    }

    fn wait(pairs: &[(&'static str, &str)]) -> Option<f64> {
        let now = http_date("Sun, 06 Nov 1994 08:49:30 GMT").unwrap();
        asked(&headers(pairs), true, now).map(|wait| wait.as_secs_f64())
    }

    #[test]
    fn retry_after_is_read_in_every_form() {
        for (name, value, seconds) in [
            ("retry-after", "7", Some(7.0)),
            ("retry-after", "0.5", Some(0.5)),
            ("retry-after-ms", "1500", Some(1.5)),
            ("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT", Some(7.0)),
            ("retry-after", "Sun, 06 Nov 1994 08:49:00 GMT", Some(0.0)),
            ("retry-after", "soon", None),
            ("retry-after", "-3", None),
            ("retry-after", "NaN", None),
        ] {
            assert_eq!(wait(&[(name, value)]), seconds, "{name}: {value}");
        }
    }

    #[test]
    fn resets_are_a_fallback_and_the_limit_that_was_reached_counts() {
        const LEFT: [&str; 2] = [
            "x-ratelimit-remaining-requests",
            "x-ratelimit-remaining-tokens",
        ];
        const RESET: [&str; 2] = ["x-ratelimit-reset-requests", "x-ratelimit-reset-tokens"];
        let both = |left: [&'static str; 2], reset: [&'static str; 2]| {
            wait(&[
                (LEFT[0], left[0]),
                (LEFT[1], left[1]),
                (RESET[0], reset[0]),
                (RESET[1], reset[1]),
            ])
        };
        assert_eq!(both(["0", "0"], ["1s", "6m0s"]), Some(360.0));
        assert_eq!(both(["0", "0"], ["6m0s", "250ms"]), Some(360.0));
        assert_eq!(both(["0", "500"], ["1s", "6m0s"]), Some(1.0));
        assert_eq!(both(["9", "0"], ["1s", "1h2m3.5s"]), Some(3723.5));
        assert_eq!(both(["-1", "-1"], ["2s", "1s"]), Some(1.0));
        assert_eq!(both(["-1", "0"], ["-1", "0"]), None);
        assert_eq!(both(["0", "0"], ["0s", "soon"]), None);
        assert_eq!(both(["0", "0"], ["1767225600", "1x"]), None);
        assert_eq!(wait(&[(RESET[1], "7.66s")]), Some(7.66));
        // The header made for it comes first, unless it says nothing.
        assert_eq!(wait(&[("retry-after", "2"), (RESET[0], "1s")]), Some(2.0));
        assert_eq!(wait(&[("retry-after", "0"), (RESET[0], "1s")]), Some(1.0));
        // A server that merely failed has reached no limit.
        let only = headers(&[(RESET[0], "1s")]);
        assert_eq!(asked(&only, false, OffsetDateTime::UNIX_EPOCH), None);
    }

    #[test]
    fn only_a_plain_word_overrules() {
        let says = |word: &str| should_retry(&headers(&[("x-should-retry", word)]));
        assert_eq!((says("true"), says("false")), (Some(true), Some(false)));
        assert_eq!((says("maybe"), says("")), (None, None));
        assert_eq!(should_retry(&HeaderMap::new()), None);
    }
}
