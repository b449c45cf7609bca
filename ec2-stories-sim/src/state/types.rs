//! Instance types.
//!
//! Source: the "Amazon EC2 instance types" guide, tables of CPU, memory and network specifications by family.

use crate::wire::ApiError;

/// What the simulation knows of an instance type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct TypeInfo {
    pub(crate) name: &'static str,
    pub(crate) vcpus: i32,
    pub(crate) memory_mib: i64,
    pub(crate) arm: bool,
    pub(crate) network: &'static str,
}

impl TypeInfo {
    pub(crate) fn architecture(&self) -> &'static str {
        if self.arm { "arm64" } else { "x86_64" }
    }

    pub(crate) fn burstable(&self) -> bool {
        self.name.starts_with('t')
    }

    /// Every type here but t2 is of the Nitro System.
    pub(crate) fn is_nitro(&self) -> bool {
        !self.name.starts_with("t2.")
    }

    /// Two threads a core on x86, one on Graviton and on t2.
    pub(crate) fn threads_per_core(&self) -> i32 {
        if self.arm || self.name.starts_with("t2.") { 1 } else { 2 }
    }
}

const fn x86(name: &'static str, vcpus: i32, memory_mib: i64, network: &'static str) -> TypeInfo {
    TypeInfo { name, vcpus, memory_mib, arm: false, network }
}

const fn arm(name: &'static str, vcpus: i32, memory_mib: i64, network: &'static str) -> TypeInfo {
    TypeInfo { name, vcpus, memory_mib, arm: true, network }
}

pub(crate) const TYPES: &[TypeInfo] = &[
    x86("c5.large", 2, 4_096, "Up to 10 Gigabit"),
    x86("c5.xlarge", 4, 8_192, "Up to 10 Gigabit"),
    x86("c6i.large", 2, 4_096, "Up to 12.5 Gigabit"),
    x86("c6i.xlarge", 4, 8_192, "Up to 12.5 Gigabit"),
    x86("c6i.2xlarge", 8, 16_384, "Up to 12.5 Gigabit"),
    arm("c7g.medium", 1, 2_048, "Up to 12.5 Gigabit"),
    arm("c7g.large", 2, 4_096, "Up to 12.5 Gigabit"),
    arm("c7g.xlarge", 4, 8_192, "Up to 12.5 Gigabit"),
    x86("m5.large", 2, 8_192, "Up to 10 Gigabit"),
    x86("m5.xlarge", 4, 16_384, "Up to 10 Gigabit"),
    x86("m5.2xlarge", 8, 32_768, "Up to 10 Gigabit"),
    x86("m5.4xlarge", 16, 65_536, "Up to 10 Gigabit"),
    x86("m6i.large", 2, 8_192, "Up to 12.5 Gigabit"),
    x86("m6i.xlarge", 4, 16_384, "Up to 12.5 Gigabit"),
    x86("m6i.2xlarge", 8, 32_768, "Up to 12.5 Gigabit"),
    arm("m7g.medium", 1, 4_096, "Up to 12.5 Gigabit"),
    arm("m7g.large", 2, 8_192, "Up to 12.5 Gigabit"),
    arm("m7g.xlarge", 4, 16_384, "Up to 12.5 Gigabit"),
    x86("r5.large", 2, 16_384, "Up to 10 Gigabit"),
    x86("r6i.large", 2, 16_384, "Up to 12.5 Gigabit"),
    x86("r6i.xlarge", 4, 32_768, "Up to 12.5 Gigabit"),
    arm("r7g.large", 2, 16_384, "Up to 12.5 Gigabit"),
    x86("t2.micro", 1, 1_024, "Low to Moderate"),
    x86("t3.nano", 2, 512, "Up to 5 Gigabit"),
    x86("t3.micro", 2, 1_024, "Up to 5 Gigabit"),
    x86("t3.small", 2, 2_048, "Up to 5 Gigabit"),
    x86("t3.medium", 2, 4_096, "Up to 5 Gigabit"),
    x86("t3.large", 2, 8_192, "Up to 5 Gigabit"),
    x86("t3a.micro", 2, 1_024, "Up to 5 Gigabit"),
    x86("t3a.small", 2, 2_048, "Up to 5 Gigabit"),
    arm("t4g.nano", 2, 512, "Up to 5 Gigabit"),
    arm("t4g.micro", 2, 1_024, "Up to 5 Gigabit"),
    arm("t4g.small", 2, 2_048, "Up to 5 Gigabit"),
    arm("t4g.medium", 2, 4_096, "Up to 5 Gigabit"),
    arm("t4g.large", 2, 8_192, "Up to 5 Gigabit"),
];

pub(crate) fn find(name: &str) -> Result<&'static TypeInfo, ApiError> {
    TYPES.iter().find(|info| info.name == name).ok_or_else(|| {
        let message = format!("Invalid value '{name}' for InstanceType.");
        ApiError::new("InvalidParameterValue", message)
    })
}
