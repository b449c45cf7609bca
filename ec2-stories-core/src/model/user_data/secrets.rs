//! What must not be in user data, for every process on the instance can read it.

use serde_json::Value;

use crate::{Error, Result};

/// Keys of cloud-config whose value is a secret, or a hash to guess one from.
const KEYS: [&str; 8] = [
    "passwd",
    "password",
    "plain_text_passwd",
    "hashed_passwd",
    "chpasswd",
    "ssh_keys",
    "private_key",
    "secret",
];
/// Ends of further ones, such as `admin_password` and `ed25519_private`.
const ENDS: [&str; 5] = ["_password", "_passwd", "_private", "_private_key", "_secret"];

pub(super) fn check_text(field: &str, text: &str) -> Result<()> {
    if text.contains("PRIVATE KEY-----") {
        let why = "holds a private key, and every process on the instance can read user data; make the key on the \
                   instance, or copy it over SSH";
        return Err(Error::invalid(field, why));
    }
    Ok(())
}

/// Looks at every key and text below.
pub(super) fn check_value(field: &str, value: &Value) -> Result<()> {
    match value {
        Value::String(text) => check_text(field, text),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(index, item)| check_value(&format!("{field}[{index}]"), item)),
        Value::Object(map) => map.iter().try_for_each(|(key, value)| {
            let field = format!("{field}.{key}");
            if is_secret(key, value) {
                let why = "every process on the instance can read user data; log in with SSH keys, and copy secrets \
                           over SSH";
                return Err(Error::invalid(field, why));
            }
            check_value(&field, value)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

/// A flag such as `lock_passwd: true` or `chpasswd: { expire: false }` says nothing secret.
fn is_secret(key: &str, value: &Value) -> bool {
    let key = key.to_ascii_lowercase();
    let named = KEYS.contains(&key.as_str()) || ENDS.iter().any(|end| key.ends_with(end));
    named && holds_text(value)
}

fn holds_text(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => items.iter().any(holds_text),
        Value::Object(map) => map.values().any(holds_text),
        Value::Number(_) => true,
        Value::Null | Value::Bool(_) => false,
    }
}
