//! User data on the wire.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ec2_stories_core::model::UserData;
use ec2_stories_core::{Error, Result};

/// Base64 of what the instance is to read, once its size is known to pass.
pub(super) fn encode(data: &[u8]) -> Result<String> {
    check(data, "user_data")?;
    Ok(STANDARD.encode(data))
}

/// # Errors
/// [`ErrorKind::Invalid`](ec2_stories_core::ErrorKind::Invalid), naming `field`: EC2's limit is on the bytes before
/// base64.
pub(crate) fn check(data: &[u8], field: &str) -> Result<()> {
    if data.len() <= UserData::MAX {
        return Ok(());
    }
    let advice = if data.starts_with(&[0x1f, 0x8b]) {
        "it is compressed already"
    } else {
        "gzip = true compresses it"
    };
    Err(Error::invalid(
        field,
        format!("{} bytes, at most {} are allowed; {advice}", data.len(), UserData::MAX),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_kibibytes_pass_and_one_byte_more_does_not() {
        assert!(encode(&[b'x'; UserData::MAX]).is_ok());
        let error = encode(&[b'x'; UserData::MAX + 1]).unwrap_err();
        assert_eq!(error.resource(), Some("user_data"));
        assert!(error.message().contains("gzip"));
    }
}
