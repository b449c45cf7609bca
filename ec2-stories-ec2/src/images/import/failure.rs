//! Why an import failed, with what to do about it. EC2 tells it in prose alone
//! (<https://docs.aws.amazon.com/vm-import/latest/userguide/troubleshooting-vmimport.html>).

use ec2_stories_core::provider::{ImageFormat, UploadedImage};
use ec2_stories_core::{Error, ErrorKind, Status};

use super::location::Object;
use super::role::ImportRole;

/// A refused ImportSnapshot.
pub(super) fn of_call(error: Error, object: &Object, role: &ImportRole) -> Error {
    let message = error.message().to_lowercase();
    let Object { bucket, key } = object;
    let (kind, fix) = if message.contains("service role") {
        let fix =
            format!("the role {role} is missing, or may not read the bucket; {}", role.how_to_make(bucket));
        (ErrorKind::Forbidden, fix)
    } else if message.contains("not local to the region") || message.contains("same region") {
        (
            ErrorKind::Invalid,
            format!("the bucket {bucket} must be in the region of the import; upload to one that is"),
        )
    } else if ["invalid s3 source location", "access to the s3 object", "does not exist"]
        .iter()
        .any(|said| message.contains(said))
    {
        (
            ErrorKind::NotFound,
            format!("s3://{bucket}/{key} is not there, or {role} may not read it; upload it again"),
        )
    } else {
        return error.on(format!("s3://{bucket}/{key}"));
    };
    with_fix(&error, kind, &fix)
}

/// A task that failed.
pub(super) fn of_task(message: &str, task: &str, uploaded: &UploadedImage, role: &ImportRole) -> Error {
    let lower = message.to_lowercase();
    let (format, location) = (uploaded.format, &uploaded.location);
    let bucket = Object::parse(location).map(|object| object.bucket).unwrap_or_default();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let (kind, status, fix) = if has(&[
        "access to the given resource",
        "access denied",
        "accessdenied",
        "service role",
    ]) {
        (
            ErrorKind::Forbidden,
            Status::Permanent,
            format!("let the role read it: {}", role.how_to_allow(&bucket)),
        )
    } else if has(&["unsupported vmdk", "unsupported vhd", "unsupported disk"]) {
        (ErrorKind::Invalid, Status::Permanent, convert(format))
    } else if has(&["unknown disk image format", "disk image format not recognized"]) {
        let fix = format!("the file is not {format}; {}", convert(format));
        (ErrorKind::Invalid, Status::Permanent, fix)
    } else if has(&["disk validation failed"]) {
        let fix = format!(
            "the file is damaged, or not {format}: look at it with qemu-img check, then {}",
            convert(format)
        );
        (ErrorKind::Invalid, Status::Permanent, fix)
    } else if has(&["kms", "encrypt"]) {
        let fix = "let the role use the KMS key: kms:CreateGrant, kms:Decrypt, kms:GenerateDataKey*, kms:ReEncrypt*";
        (ErrorKind::Forbidden, Status::Permanent, fix.to_owned())
    } else if lower.starts_with("servererror") || has(&["internal error"]) {
        (ErrorKind::Failed, Status::Temporary, "EC2 failed; start it again".to_owned())
    } else {
        (ErrorKind::Failed, Status::Permanent, "EC2 says no more than that".to_owned())
    };
    // `Invalid` does not show what it is on.
    let message = format!("{location}: {message}; {fix}");
    Error::new(kind, message).status(status).during("import").on(task)
}

fn convert(format: ImageFormat) -> String {
    let options = match format {
        ImageFormat::Vmdk => "-O vmdk -o subformat=streamOptimized",
        _ => "-O raw",
    };
    format!("convert it: qemu-img convert {options}")
}

fn with_fix(error: &Error, kind: ErrorKind, fix: &str) -> Error {
    let mut told = Error::new(kind, format!("{}; {fix}", error.message())).during("ImportSnapshot");
    if let Some(code) = error.api_code() {
        told = told.code(code);
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(message: &str) -> Error {
        let uploaded = UploadedImage {
            location: "s3://images/web.vmdk".to_owned(),
            content_hash: "ab".to_owned(),
            format: ImageFormat::Vmdk,
            bytes: 1,
            virtual_bytes: 1,
        };
        of_task(message, "import-snap-1", &uploaded, &ImportRole::default())
    }

    #[test]
    fn a_failed_task_names_the_fix() {
        let cases = [
            ("ClientError: Disk validation failed [Unsupported VMDK File Format]", "streamOptimized"),
            ("ClientError: Disk validation failed [Invalid S3 object]", "qemu-img check"),
            ("ClientError: Unknown disk image format", "is not vmdk"),
            ("ClientError: We do not have access to the given resource", "put-role-policy"),
            ("ClientError: KMS key is not usable", "kms:CreateGrant"),
        ];
        for (message, fix) in cases {
            let error = task(message);
            assert!(error.message().contains(fix), "{error}");
            assert!(error.message().contains("s3://images/web.vmdk"), "{error}");
            assert!(error.is_permanent());
        }
        assert!(task("ServerError: an internal error has occurred").is_temporary());
    }

    #[test]
    fn a_refused_call_names_the_fix() {
        let object = Object { bucket: "images".to_owned(), key: "web.raw".to_owned() };
        let call = |message: &str| {
            let error = Error::new(ErrorKind::Invalid, message).code("InvalidParameter");
            of_call(error, &object, &ImportRole::default())
        };
        let role =
            call("The service role vmimport provided does not exist or does not have sufficient permissions");
        assert_eq!(role.kind(), ErrorKind::Forbidden);
        assert!(role.message().contains("aws iam create-role --role-name vmimport"), "{role}");
        assert_eq!(role.api_code(), Some("InvalidParameter"));
        let region = call("The given S3 object is not local to the region");
        assert!(region.message().contains("the bucket images must be in the region"), "{region}");
        assert_eq!(call("Invalid S3 source location").kind(), ErrorKind::NotFound);
        assert_eq!(call("something else").message(), "something else");
    }
}
