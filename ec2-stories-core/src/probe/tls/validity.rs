//! From when until when a certificate is good (RFC 5280, 4.1).

use der::asn1::{GeneralizedTime, UtcTime};
use der::{Reader, Result, SliceReader, Tag, TagNumber};

/// When it begins and ends, in seconds since 1970. The rest of the certificate is not looked at.
pub(super) fn validity(certificate: &[u8]) -> Result<(u64, u64)> {
    SliceReader::new(certificate)?.sequence(|certificate| {
        let dates = certificate.sequence(|signed| {
            let version = Tag::ContextSpecific { constructed: true, number: TagNumber(0) };
            if Tag::peek(signed)? == version {
                signed.tlv_bytes()?;
            }
            // The serial number, the algorithm, the issuer.
            for _ in 0..3 {
                signed.tlv_bytes()?;
            }
            let dates = signed.sequence(|dates| Ok::<_, der::Error>((time(dates)?, time(dates)?)))?;
            signed.drain(signed.remaining_len())?;
            Ok::<_, der::Error>(dates)
        })?;
        certificate.drain(certificate.remaining_len())?;
        Ok(dates)
    })
}

/// Two digits for the year until 2049, four from then on.
fn time<'der>(dates: &mut impl Reader<'der>) -> Result<u64> {
    let since_1970 = match Tag::peek(dates)? {
        Tag::UtcTime => dates.decode::<UtcTime>()?.to_unix_duration(),
        _ => dates.decode::<GeneralizedTime>()?.to_unix_duration(),
    };
    Ok(since_1970.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_on_both_sides_of_2050() {
        let mut params = rcgen::CertificateParams::new(["web.example.org".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2051, 1, 1);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        assert_eq!(validity(certificate.der()), Ok((1_767_225_600, 2_556_144_000)));
    }

    #[test]
    fn what_is_no_certificate_is_an_error() {
        for bytes in [&b""[..], b"\x30\x03\x30\x01\x00", b"hello", &[0x30, 0x82, 0xff, 0xff, 0x30]] {
            assert!(validity(bytes).is_err(), "{bytes:?}");
        }
    }
}
