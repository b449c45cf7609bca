//! Values whose form EC2 fixes: better refused here than by a launch.

use crate::model::{FirewallPolicy, Market, Source};
use crate::{Error, Result};

/// What EC2 imports: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/create-key-pairs.html>.
const KEY_TYPES: [&str; 2] = ["ssh-ed25519", "ssh-rsa"];

/// A public key in OpenSSH's format: a type, its data in base64, and perhaps a comment.
pub(super) fn public_key(field: &str, key: &str) -> Result<()> {
    let mut words = key.split_whitespace();
    let (kind, data) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if !KEY_TYPES.contains(&kind) {
        return Err(Error::invalid(
            field,
            "is not an OpenSSH public key that EC2 takes, such as `ssh-ed25519 AAAA…` or `ssh-rsa AAAA…`",
        ));
    }
    let digits = data.trim_end_matches('=');
    let in_base64 = |c: char| c.is_ascii_alphanumeric() || c == '+' || c == '/';
    // The data begins with the length of the type's name, whose first two bytes are zero.
    let whole = data.len().is_multiple_of(4) && data.len() - digits.len() <= 2;
    if !(whole && digits.starts_with("AAAA") && digits.chars().all(in_base64)) {
        return Err(Error::invalid(field, format!("what follows {kind} is not a key in base64")));
    }
    Ok(())
}

/// The highest spot price an hour, in dollars.
pub(super) fn market(field: &str, market: &Market) -> Result<()> {
    let Market::Spot { max_price: Some(price) } = market else { return Ok(()) };
    let digits = price.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if digits && price.parse::<f64>().is_ok_and(|price| price > 0.0) {
        return Ok(());
    }
    Err(Error::invalid(field, format!("{price:?} is not a price in dollars an hour, such as \"0.02\"")))
}

/// A block device's name: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/device_naming.html>.
pub(super) fn device(field: &str, device: &str) -> Result<()> {
    let name = device.strip_prefix("/dev/").unwrap_or(device);
    let letters = name.strip_prefix("sd").or_else(|| name.strip_prefix("xvd")).unwrap_or_default();
    let rest = letters.trim_start_matches(|c: char| c.is_ascii_lowercase());
    let lettered = (1..=2).contains(&(letters.len() - rest.len()));
    if lettered
        && (rest.is_empty() || rest.parse::<u8>().is_ok_and(|partition| (1..=15).contains(&partition)))
    {
        return Ok(());
    }
    Err(Error::invalid(
        field,
        format!("{device:?} is not a device that EC2 knows, such as /dev/sdf or /dev/xvdba"),
    ))
}

/// The id of a security group.
pub(super) fn group(field: &str, id: &str) -> Result<()> {
    match id.strip_prefix("sg-") {
        Some(rest) if !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()) => Ok(()),
        _ => Err(Error::invalid(
            field,
            format!("{id:?} is not a security group's id, such as sg-0123456789abcdef0"),
        )),
    }
}

/// The groups that rules name.
pub(super) fn groups_of(field: &str, policy: &FirewallPolicy) -> Result<()> {
    for (index, rule) in policy.rules.iter().enumerate() {
        if let Source::Group(id) = &rule.source {
            group(&format!("{field}.rules[{index}].source"), id.as_str())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_keys() {
        let good = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJfKTGYxPLzC0a9ZTZd0V2Vt5YQWtYqXQKzBMTKSqmVo me@here";
        public_key("key", good).unwrap();
        for bad in ["", "ssh-ed25519", "ssh-ed25519 notbase64!!", "ssh-dss AAAAB3Nz", "AAAAC3NzaC1lZDI1NTE5"]
        {
            public_key("key", bad).unwrap_err();
        }
    }

    #[test]
    fn spot_prices() {
        let spot = |price: &str| market("market", &Market::Spot { max_price: Some(price.to_owned()) });
        for good in ["0.02", "1", ".5"] {
            spot(good).unwrap();
        }
        for bad in ["abc", "", "0", "-1", "1e3", "inf", "$1", "1.2.3"] {
            spot(bad).unwrap_err();
        }
    }

    #[test]
    fn devices() {
        for good in ["/dev/sdf", "/dev/sda1", "xvdba", "/dev/xvda", "/dev/sdh15"] {
            device("device", good).unwrap();
        }
        for bad in
            ["xyz", "", "/dev/", "/dev/sd", "/dev/sdf16", "/dev/sdf0", "/dev/nvme0n1", "sdF", "/dev/sdabc"]
        {
            device("device", bad).unwrap_err();
        }
    }

    #[test]
    fn group_ids() {
        group("group", "sg-0a1b2c").unwrap();
        for bad in ["web", "sg-", "sg-a b", "SG-1"] {
            group("group", bad).unwrap_err();
        }
    }
}
