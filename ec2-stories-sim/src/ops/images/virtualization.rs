//! Which properties of an image go together.

use crate::wire::ApiError;
use crate::wire::generated::ec2::Image;

/// Sources: RegisterImage, parameters VirtualizationType, EnaSupport, SriovNetSupport, BootMode, TpmSupport; EC2 user
/// guide, "Instance launch behavior with EC2 boot modes" and "Requirements for using NitroTPM".
pub(super) fn check(image: &Image) -> Result<(), ApiError> {
    let kind = image.virtualization_type.as_deref().unwrap_or_default();
    if !matches!(kind, "hvm" | "paravirtual") {
        return Err(ApiError::invalid_value(kind, "virtualizationType"));
    }
    if let Some(sriov) = image.sriov_net_support.as_deref().filter(|sriov| *sriov != "simple") {
        return Err(ApiError::invalid_value(sriov, "sriovNetSupport"));
    }
    let architecture = image.architecture.as_deref().unwrap_or_default();
    let boot_mode = image.boot_mode.as_deref();
    let hvm = kind == "hvm";
    let wrong = if !hvm && architecture.starts_with("arm64") {
        "The architecture arm64 needs the virtualization type hvm"
    } else if !hvm && image.ena_support == Some(true) {
        "EnaSupport needs the virtualization type hvm"
    } else if !hvm && image.sriov_net_support.is_some() {
        "SriovNetSupport needs the virtualization type hvm"
    } else if !hvm && boot_mode.is_some_and(|mode| mode != "legacy-bios") {
        "The virtualization type paravirtual boots in the mode legacy-bios only"
    } else if architecture == "arm64" && boot_mode.is_some_and(|mode| mode != "uefi") {
        "The architecture arm64 boots in the mode uefi only"
    } else if architecture == "i386" && boot_mode.is_some_and(|mode| mode != "legacy-bios") {
        "The architecture i386 boots in the mode legacy-bios only"
    } else if image.tpm_support.is_some() && boot_mode != Some("uefi") {
        "TpmSupport needs the boot mode uefi"
    } else {
        return Ok(());
    };
    Err(ApiError::invalid_combination(wrong))
}
