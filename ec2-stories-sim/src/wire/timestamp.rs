//! Times as EC2 writes them: `2026-11-22T18:20:54.000Z`.

use jiff::Timestamp;

pub(crate) fn format(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// Any ISO 8601 time with a zone, as the SDKs send them.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_milliseconds() {
        let time = parse("2026-11-22T18:20:54Z").unwrap();
        assert_eq!(format(time), "2026-11-22T18:20:54.000Z");
        assert_eq!(parse(&format(time)), Some(time));
        assert_eq!(parse("yesterday"), None);
    }
}
