//! EC2's error codes
//! (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>).

use ec2_stories_core::ErrorKind;

/// What a code means. Throttle, capacity, limit and permanent are told apart here and nowhere else.
pub(super) fn kind(code: &str, http: Option<u16>) -> ErrorKind {
    match code.trim_start_matches("Client.") {
        "RequestLimitExceeded"
        | "Throttling"
        | "ThrottlingException"
        | "RequestThrottled"
        | "EC2ThrottledException"
        | "RequestThrottledException"
        | "SlowDown" => ErrorKind::Throttled,
        "InsufficientInstanceCapacity"
        | "InsufficientHostCapacity"
        | "InsufficientReservedInstanceCapacity"
        | "InsufficientCapacity"
        | "InsufficientCapacityOnHost"
        // A full subnet: another one of the plan may have room.
        | "InsufficientFreeAddressesInSubnet"
        | "SpotMaxPriceTooLow"
        | "Unsupported" => ErrorKind::Capacity,
        "AuthFailure"
        | "InvalidClientTokenId"
        | "SignatureDoesNotMatch"
        | "RequestExpired"
        | "ExpiredToken"
        | "MissingAuthenticationToken"
        | "IncompleteSignature"
        | "ExpiredTokenException"
        | "InvalidSignatureException"
        | "UnrecognizedClientException" => ErrorKind::Credentials,
        "UnauthorizedOperation" | "OptInRequired" | "Blocked" | "PendingVerification" | "AccessDenied" | "AccessDeniedException" => {
            ErrorKind::Forbidden
        }
        "IdempotentParameterMismatch"
        | "ConflictException"
        | "InvalidAMIName.Duplicate"
        | "InvalidGroup.Duplicate"
        | "InvalidKeyPair.Duplicate"
        | "InvalidPermission.Duplicate" => ErrorKind::Conflict,
        "IdempotentInstanceTerminated" => ErrorKind::Failed,
        "DependencyViolation" | "InvalidSnapshot.InUse" | "InvalidGroup.InUse" | "InvalidGroup.InvalidUse" => ErrorKind::InUse,
        "InsufficientAddressCapacity" | "ServiceQuotaExceededException" => ErrorKind::Limit,
        _ if code.contains("LimitExceeded") || code.contains("CountExceeded") => ErrorKind::Limit,
        _ if is_not_found(code) => ErrorKind::NotFound,
        _ if http.is_some_and(|status| status >= 500) => ErrorKind::Unavailable,
        _ if code.starts_with("Invalid")
            || code.starts_with("Missing")
            || code.starts_with("Unknown")
            || code == "ValidationException"
            || code == "OperationNotPermitted"
            || code == "IncorrectInstanceState" =>
        {
            ErrorKind::Invalid
        }
        _ => ErrorKind::Unexpected,
    }
}

fn is_not_found(code: &str) -> bool {
    code.ends_with(".NotFound")
        || code.ends_with(".Malformed")
        || code == "InvalidAMIID.Unavailable"
        || code == "ResourceNotFoundException"
}

/// The credentials were refused, whatever they may do.
pub(crate) fn is_about_credentials(code: &str) -> bool {
    kind(code, None) == ErrorKind::Credentials
}

/// EC2 means it, whatever the HTTP status: the SDK would repeat these because they come with a 500.
pub(crate) fn is_definitive(code: &str) -> bool {
    code.starts_with("Insufficient")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throttle_capacity_and_permanent_are_three_classes() {
        assert_eq!(kind("RequestLimitExceeded", Some(503)), ErrorKind::Throttled);
        assert_eq!(kind("InsufficientInstanceCapacity", Some(500)), ErrorKind::Capacity);
        assert_eq!(kind("InsufficientFreeAddressesInSubnet", Some(400)), ErrorKind::Capacity);
        assert_eq!(kind("VcpuLimitExceeded", Some(400)), ErrorKind::Limit);
        assert_eq!(kind("InvalidParameterValue", Some(400)), ErrorKind::Invalid);
        assert_eq!(kind("InternalError", Some(500)), ErrorKind::Unavailable);
        assert_eq!(kind("SomethingNew", Some(400)), ErrorKind::Unexpected);
    }

    #[test]
    fn only_capacity_is_definitive_among_the_faults() {
        assert!(is_definitive("InsufficientInstanceCapacity"));
        assert!(!is_definitive("RequestLimitExceeded"));
        assert!(!is_definitive("InternalError"));
    }
}
