//! Several parts as one message: RFC 2046, section 5.1.

use std::fmt::Write;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

use super::Rendered;

/// RFC 2045, section 6.8: lines of base64.
const BASE64_LINE: usize = 76;

/// The message. Its boundary comes from its content, so that equal parts give equal bytes.
pub(super) fn message(parts: &[Rendered]) -> String {
    let boundary = boundary(parts);
    let mut message =
        format!("Content-Type: multipart/mixed; boundary=\"{boundary}\"\nMIME-Version: 1.0\n\n");
    for (index, part) in parts.iter().enumerate() {
        let (encoding, body) = encode(&part.text);
        // Writing to a String cannot fail.
        let _ = write!(
            message,
            "--{boundary}\nContent-Type: {}; charset=\"utf-8\"\nMIME-Version: 1.0\n\
             Content-Transfer-Encoding: {encoding}\n\
             Content-Disposition: attachment; filename=\"{:02}-{}\"\n\n{body}\n",
            part.mime,
            index + 1,
            part.name,
        );
    }
    let _ = writeln!(message, "--{boundary}--");
    message
}

/// Python's parser, cloud-init's, reads other bytes than ASCII as Latin-1 unless they are base64.
fn encode(text: &str) -> (&'static str, String) {
    if text.is_ascii() {
        return ("7bit", text.to_owned());
    }
    let encoded = BASE64_STANDARD.encode(text);
    let lines: Vec<&str> =
        encoded.as_bytes().chunks(BASE64_LINE).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    ("base64", lines.join("\n"))
}

/// A line that no part has.
fn boundary(parts: &[Rendered]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.mime);
        hash.update([0]);
        hash.update(&part.text);
        hash.update([0]);
    }
    loop {
        let boundary = format!("=={}==", hex::encode(&hash.clone().finalize()[..16]));
        if !parts.iter().any(|part| part.text.contains(&boundary)) {
            return boundary;
        }
        hash.update([1]);
    }
}
