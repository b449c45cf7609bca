//! How an image is registered.

use bon::bon;
use serde::{Deserialize, Serialize};

use super::Encryption;
use crate::model::{Architecture, Tags, VolumeType};
use crate::{Error, Result};

/// How an instance of the image starts, in EC2's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BootMode {
    /// From the master boot record.
    LegacyBios,
    /// By UEFI.
    Uefi,
    /// By UEFI on instance types that have it, else from the master boot record; the image must be able to do both.
    UefiPreferred,
}

impl BootMode {
    /// EC2's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LegacyBios => "legacy-bios",
            Self::Uefi => "uefi",
            Self::UefiPreferred => "uefi-preferred",
        }
    }
}

/// How an uploaded image is to be registered. All of it is said to the cloud, whose own defaults are those of 2006.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageSpec {
    /// Its name, unique in the account and region.
    pub name: String,
    /// What it is, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its architecture.
    #[serde(default)]
    pub architecture: Architecture,
    /// How it boots; see [`boots`](Self::boots) for what holds where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_mode: Option<BootMode>,
    /// It has a driver for the Elastic Network Adapter, without which no current instance type starts it.
    #[serde(default = "yes")]
    pub ena: bool,
    /// Its instances get a trusted platform module, version 2.0.
    #[serde(default)]
    pub tpm: bool,
    /// Its instances answer the metadata service's second version alone.
    #[serde(default = "yes")]
    pub imds_v2: bool,
    /// The device of its root volume.
    #[serde(default = "xvda")]
    pub root_device: String,
    /// The type of its root volume.
    #[serde(default)]
    pub volume_type: VolumeType,
    /// How the snapshot is encrypted that is made for it.
    #[serde(default)]
    pub encryption: Encryption,
    /// Its tags, and its snapshots'.
    #[serde(default)]
    pub tags: Tags,
}

fn yes() -> bool {
    true
}

fn xvda() -> String {
    "/dev/xvda".to_owned()
}

#[bon]
impl ImageSpec {
    /// Describes an image: `ImageSpec::builder().name("web-7").architecture(Architecture::Arm64).build()?`.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    #[builder(start_fn = builder, finish_fn = build)]
    pub fn describe(
        #[builder(into)] name: String,
        #[builder(into)] description: Option<String>,
        #[builder(default)] architecture: Architecture,
        boot_mode: Option<BootMode>,
        #[builder(default = true)] ena: bool,
        #[builder(default)] tpm: bool,
        #[builder(default = true)] imds_v2: bool,
        #[builder(default = xvda(), into)] root_device: String,
        #[builder(default)] volume_type: VolumeType,
        #[builder(default)] encryption: Encryption,
        #[builder(default)] tags: Tags,
    ) -> Result<Self> {
        let spec = Self {
            name,
            description,
            architecture,
            boot_mode,
            ena,
            tpm,
            imds_v2,
            root_device,
            volume_type,
            encryption,
            tags,
        };
        spec.check("image")?;
        Ok(spec)
    }
}

impl ImageSpec {
    /// An x86_64 image of this name, with the safe defaults.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            description: None,
            architecture: Architecture::default(),
            boot_mode: None,
            ena: true,
            tpm: false,
            imds_v2: true,
            root_device: xvda(),
            volume_type: VolumeType::default(),
            encryption: Encryption::default(),
            tags: Tags::new(),
        }
    }

    /// How it boots: as it says, else as any image of its architecture can, `uefi` on arm64 and `legacy-bios` on x86_64.
    #[must_use]
    pub fn boots(&self) -> BootMode {
        self.boot_mode.unwrap_or(match self.architecture {
            Architecture::X86_64 => BootMode::LegacyBios,
            Architecture::Arm64 => BootMode::Uefi,
        })
    }

    /// Checks it against EC2's rules
    /// (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RegisterImage.html>).
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid), naming the field below `field`.
    pub fn check(&self, field: &str) -> Result<()> {
        let wrong = |name: &str, why: &str| Err(Error::invalid(format!("{field}.{name}"), why));
        let allowed = |c: char| c.is_ascii_alphanumeric() || "()[] ./-'@_".contains(c);
        if !(3..=128).contains(&self.name.len()) || !self.name.chars().all(allowed) {
            return wrong("name", "3 to 128 of A-Z, a-z, 0-9, space and ( ) [ ] . / - ' @ _");
        }
        if self.description.as_ref().is_some_and(|text| text.chars().count() > 255) {
            return wrong("description", "at most 255 characters");
        }
        if self.architecture == Architecture::Arm64 && self.boots() != BootMode::Uefi {
            return wrong("boot_mode", "an arm64 image boots by uefi alone");
        }
        if self.tpm && self.boots() != BootMode::Uefi {
            return wrong("tpm", "needs boot_mode uefi");
        }
        if self.architecture == Architecture::Arm64 && !self.ena {
            return wrong("ena", "every arm64 instance type needs it");
        }
        if !self.root_device.starts_with("/dev/") || self.root_device.len() < 8 {
            return wrong("root_device", "a device such as /dev/xvda or /dev/sda1");
        }
        self.encryption.check(&format!("{field}.encryption"))?;
        self.tags.check(&format!("{field}.tags"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_safe() {
        let spec = ImageSpec::builder().name("web-7").build().unwrap();
        assert_eq!(spec, ImageSpec::named("web-7"));
        assert!(spec.imds_v2 && spec.ena && spec.encryption.is_on());
        assert_eq!(spec.boots(), BootMode::LegacyBios);
        assert_eq!(serde_json::from_str::<ImageSpec>(r#"{"name": "web-7"}"#).unwrap(), spec);
    }

    #[test]
    fn a_wrong_field_is_named() {
        let wrong = |spec: ImageSpec| spec.check("image").unwrap_err().resource().unwrap().to_owned();
        let named = ImageSpec::named;
        let arm = || ImageSpec { architecture: Architecture::Arm64, ..named("web-7") };
        assert_eq!(wrong(named("ab")), "image.name");
        assert_eq!(wrong(named("web:7")), "image.name");
        assert_eq!(wrong(ImageSpec { tpm: true, ..named("web-7") }), "image.tpm");
        assert_eq!(wrong(ImageSpec { boot_mode: Some(BootMode::UefiPreferred), ..arm() }), "image.boot_mode");
        assert_eq!(wrong(ImageSpec { ena: false, ..arm() }), "image.ena");
        assert_eq!(wrong(ImageSpec { root_device: "xvda".into(), ..named("web-7") }), "image.root_device");
        let encryption = Encryption::Key("alias/shop".into());
        assert_eq!(wrong(ImageSpec { encryption, ..named("web-7") }), "image.encryption");
        let tags = Tags::new().with("aws:x", "y");
        assert_eq!(wrong(ImageSpec { tags, ..named("web-7") }), "image.tags.aws:x");
        arm().check("image").unwrap();
    }
}
