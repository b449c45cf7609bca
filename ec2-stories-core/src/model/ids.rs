//! Identifiers as EC2 gives them: opaque strings that must not be mixed up.

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the identifier as it is.
            pub fn new(id: impl Into<String>) -> Self {
                Self(id.into())
            }

            /// The identifier.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self(id.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(id: String) -> Self {
                Self(id)
            }
        }
    };
}

id! {
    /// An instance, `i-…`.
    InstanceId
}
id! {
    /// A machine image, `ami-…`.
    ImageId
}
id! {
    /// A snapshot, `snap-…`.
    SnapshotId
}
id! {
    /// A reservation, `r-…`: what one launch call made.
    ReservationId
}
id! {
    /// A security group, `sg-…`.
    SecurityGroupId
}
id! {
    /// A subnet, `subnet-…`.
    SubnetId
}
id! {
    /// A key pair's name.
    KeyName
}
id! {
    /// An availability zone, such as `eu-west-1a`.
    AvailabilityZone
}
id! {
    /// An instance type, such as `t3.micro`.
    InstanceType
}
id! {
    /// The idempotency token of a launch: at most 64 ASCII characters, case-sensitive.
    ClientToken
}
