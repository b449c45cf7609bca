//! What a volume of each type may be.

use super::disks::Disk;
use crate::wire::ApiError;

struct Limits {
    kind: &'static str,
    gib: (i32, i32),
    /// Least and most, where it can be said.
    iops: Option<(i32, i32)>,
    throughput: Option<(i32, i32)>,
}

/// Source: EBS user guide, "Amazon EBS volume types": sizes in GiB, IOPS, MiB/s.
const LIMITS: [Limits; 7] = [
    Limits { kind: "gp3", gib: (1, 65_536), iops: Some((3_000, 80_000)), throughput: Some((125, 2_000)) },
    Limits { kind: "gp2", gib: (1, 16_384), iops: None, throughput: None },
    Limits { kind: "io1", gib: (4, 16_384), iops: Some((100, 64_000)), throughput: None },
    Limits { kind: "io2", gib: (4, 65_536), iops: Some((100, 256_000)), throughput: None },
    Limits { kind: "st1", gib: (125, 16_384), iops: None, throughput: None },
    Limits { kind: "sc1", gib: (125, 16_384), iops: None, throughput: None },
    Limits { kind: "standard", gib: (1, 1_024), iops: None, throughput: None },
];

pub(super) fn check(disk: &Disk) -> Result<(), ApiError> {
    let kind = disk.kind.as_str();
    let Some(limits) = LIMITS.iter().find(|limits| limits.kind == kind) else {
        return Err(ApiError::invalid_value(kind, "volumeType"));
    };
    between("size", disk.size_gib, limits.gib)?;
    for (name, value, range) in
        [("iops", disk.iops, limits.iops), ("throughput", disk.throughput, limits.throughput)]
    {
        match (value, range) {
            (Some(value), Some(range)) => between(name, value, range)?,
            (Some(_), None) => {
                let message = format!("The parameter {name} is not supported for {kind} volumes.");
                return Err(ApiError::invalid_combination(message));
            }
            (None, _) => {}
        }
    }
    if matches!(kind, "io1" | "io2") && disk.iops.is_none() {
        let message = format!("The parameter iops must be specified for {kind} volumes.");
        return Err(ApiError::new("MissingParameter", message));
    }
    Ok(())
}

fn between(name: &str, value: i32, (least, most): (i32, i32)) -> Result<(), ApiError> {
    let wrong = if value < least {
        format!("too low; minimum is {least}")
    } else if value > most {
        format!("too high; maximum is {most}")
    } else {
        return Ok(());
    };
    Err(ApiError::invalid_parameter(format!("Volume {name} of {value} is {wrong}.")))
}
