//! Listings: a prefix, a delimiter, a page.

use std::collections::BTreeMap;
use std::ops::Bound;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::*;
use s3s::{S3Request, S3Result};

use super::error::{invalid_argument, refuse};
use super::frontend::{Frontend, date};
use super::state;

/// What one page of any listing holds at most.
const PAGE: i32 = 1000;
/// What `encoding-type=url` leaves as it is.
const PLAIN: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/').remove(b'*');

/// A page of keys, where keys that share a prefix up to the delimiter are one.
#[derive(Debug, Default, PartialEq)]
struct Page<'a> {
    keys: Vec<&'a str>,
    prefixes: Vec<String>,
    /// The last key or prefix of the page, if there is more after it.
    next: Option<String>,
}

struct Wanted<'a> {
    prefix: &'a str,
    delimiter: Option<&'a str>,
    /// Only what comes after this key or prefix.
    after: &'a str,
    most: usize,
}

fn page<'a, V>(keys: &'a BTreeMap<String, V>, wanted: &Wanted<'_>) -> Page<'a> {
    let mut page = Page::default();
    let (mut last, mut count) = (None::<String>, 0);
    let from = if wanted.after > wanted.prefix { wanted.after } else { wanted.prefix };
    for (key, _) in keys.range::<str, _>((Bound::Included(from), Bound::Unbounded)) {
        let Some(rest) = key.strip_prefix(wanted.prefix) else {
            break;
        };
        let cut = wanted.delimiter.and_then(|delimiter| Some(rest.find(delimiter)? + delimiter.len()));
        let shown = cut.map_or(key.as_str(), |cut| &key[..wanted.prefix.len() + cut]);
        if shown <= wanted.after && !wanted.after.is_empty()
            || page.prefixes.last().is_some_and(|p| p == shown)
        {
            continue;
        }
        if count == wanted.most {
            page.next = last;
            break;
        }
        count += 1;
        last = Some(shown.to_owned());
        match cut {
            Some(_) => page.prefixes.push(shown.to_owned()),
            None => page.keys.push(key),
        }
    }
    page
}

fn most(given: Option<i32>) -> S3Result<(i32, usize)> {
    let given = given.unwrap_or(PAGE);
    let most = usize::try_from(given.min(PAGE));
    most.map(|most| (given.min(PAGE), most))
        .map_err(|_| invalid_argument("Argument maxKeys must be an integer between 0 and 2147483647"))
}

/// Keys may hold what XML cannot: `encoding-type=url` is the way to list those.
#[derive(Clone, Copy)]
struct Encoding(bool);

impl Encoding {
    fn read(given: Option<&EncodingType>) -> S3Result<Self> {
        match given.map(EncodingType::as_str) {
            None => Ok(Self(false)),
            Some(EncodingType::URL) => Ok(Self(true)),
            Some(_) => Err(invalid_argument("Invalid Encoding Method specified in Request")),
        }
    }

    fn write(self, text: &str) -> String {
        if self.0 { utf8_percent_encode(text, PLAIN).to_string() } else { text.to_owned() }
    }

    fn option(self, text: Option<&str>) -> Option<String> {
        text.map(|text| self.write(text))
    }

    fn prefixes(self, prefixes: &[String]) -> Option<Vec<CommonPrefix>> {
        let shown = prefixes.iter().map(|prefix| CommonPrefix { prefix: Some(self.write(prefix)) });
        (!prefixes.is_empty()).then(|| shown.collect())
    }
}

fn delimiter(given: Option<&str>) -> Option<&str> {
    given.filter(|text| !text.is_empty())
}

fn shown(key: &str, object: &state::Object, encoding: Encoding, owner: Option<Owner>) -> Object {
    Object {
        checksum_algorithm: Some(vec![ChecksumAlgorithm::from_static(object.sum.algorithm.name())]),
        checksum_type: Some(ChecksumType::from_static(object.sum.kind())),
        e_tag: Some(ETag::Strong(object.etag.clone())),
        key: Some(encoding.write(key)),
        last_modified: Some(date(object.modified)),
        owner,
        restore_status: None,
        size: i64::try_from(object.blob.len()).ok(),
        storage_class: Some(ObjectStorageClass::from(class(object).as_str().to_owned())),
    }
}

fn class(object: &state::Object) -> StorageClass {
    let standard = || StorageClass::from_static(StorageClass::STANDARD);
    object.attributes.storage_class.clone().unwrap_or_else(standard)
}

pub(super) async fn list_objects_v2(
    front: &Frontend,
    request: S3Request<ListObjectsV2Input>,
) -> S3Result<ListObjectsV2Output> {
    let input = request.input;
    let encoding = Encoding::read(input.encoding_type.as_ref())?;
    let (max_keys, most) = most(input.max_keys)?;
    let start = match &input.continuation_token {
        Some(token) => Some(read_token(token)?),
        None => input.start_after.clone(),
    };
    let mut world = front.world();
    let bucket = front.bucket(&mut world.storage, &input.bucket, input.expected_bucket_owner.as_deref())?;
    let wanted = Wanted {
        prefix: input.prefix.as_deref().unwrap_or_default(),
        delimiter: delimiter(input.delimiter.as_deref()),
        after: start.as_deref().unwrap_or_default(),
        most,
    };
    let page = page(&bucket.objects, &wanted);
    let owner = || (input.fetch_owner == Some(true)).then(|| front.owner());
    let contents = page.keys.iter().map(|key| shown(key, &bucket.objects[*key], encoding, owner()));
    Ok(ListObjectsV2Output {
        contents: (!page.keys.is_empty()).then(|| contents.collect()),
        common_prefixes: encoding.prefixes(&page.prefixes),
        key_count: i32::try_from(page.keys.len() + page.prefixes.len()).ok(),
        is_truncated: Some(page.next.is_some()),
        next_continuation_token: page.next.map(|next| BASE64_URL_SAFE_NO_PAD.encode(next)),
        max_keys: Some(max_keys),
        prefix: Some(encoding.write(wanted.prefix)),
        delimiter: encoding.option(input.delimiter.as_deref()),
        start_after: encoding.option(input.start_after.as_deref()),
        name: Some(input.bucket),
        continuation_token: input.continuation_token,
        encoding_type: input.encoding_type,
        request_charged: None,
    })
}

fn read_token(token: &str) -> S3Result<String> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| invalid_argument("The continuation token provided is incorrect"))
}

pub(super) async fn list_objects(
    front: &Frontend,
    request: S3Request<ListObjectsInput>,
) -> S3Result<ListObjectsOutput> {
    let input = request.input;
    let encoding = Encoding::read(input.encoding_type.as_ref())?;
    let (max_keys, most) = most(input.max_keys)?;
    let mut world = front.world();
    let bucket = front.bucket(&mut world.storage, &input.bucket, input.expected_bucket_owner.as_deref())?;
    let wanted = Wanted {
        prefix: input.prefix.as_deref().unwrap_or_default(),
        delimiter: delimiter(input.delimiter.as_deref()),
        after: input.marker.as_deref().unwrap_or_default(),
        most,
    };
    let page = page(&bucket.objects, &wanted);
    let contents =
        page.keys.iter().map(|key| shown(key, &bucket.objects[*key], encoding, Some(front.owner())));
    Ok(ListObjectsOutput {
        contents: (!page.keys.is_empty()).then(|| contents.collect()),
        common_prefixes: encoding.prefixes(&page.prefixes),
        is_truncated: Some(page.next.is_some()),
        // Without a delimiter the last key says where to go on: ListObjects, NextMarker.
        next_marker: page.next.filter(|_| wanted.delimiter.is_some()).map(|next| encoding.write(&next)),
        max_keys: Some(max_keys),
        prefix: Some(encoding.write(wanted.prefix)),
        delimiter: encoding.option(input.delimiter.as_deref()),
        marker: Some(encoding.write(wanted.after)),
        name: Some(input.bucket),
        encoding_type: input.encoding_type,
        request_charged: None,
    })
}

/// Buckets here have no versioning: every object is the one version `null` of itself.
pub(super) async fn list_object_versions(
    front: &Frontend,
    request: S3Request<ListObjectVersionsInput>,
) -> S3Result<ListObjectVersionsOutput> {
    let input = request.input;
    let encoding = Encoding::read(input.encoding_type.as_ref())?;
    let (max_keys, most) = most(input.max_keys)?;
    let mut world = front.world();
    let bucket = front.bucket(&mut world.storage, &input.bucket, input.expected_bucket_owner.as_deref())?;
    let wanted = Wanted {
        prefix: input.prefix.as_deref().unwrap_or_default(),
        delimiter: delimiter(input.delimiter.as_deref()),
        after: input.key_marker.as_deref().unwrap_or_default(),
        most,
    };
    let page = page(&bucket.objects, &wanted);
    let versions = page.keys.iter().map(|key| {
        let object = &bucket.objects[*key];
        let shown = shown(key, object, encoding, Some(front.owner()));
        ObjectVersion {
            checksum_algorithm: shown.checksum_algorithm,
            checksum_type: shown.checksum_type,
            e_tag: shown.e_tag,
            is_latest: Some(true),
            key: shown.key,
            last_modified: shown.last_modified,
            owner: shown.owner,
            restore_status: None,
            size: shown.size,
            storage_class: Some(ObjectVersionStorageClass::from(class(object).as_str().to_owned())),
            version_id: Some("null".to_owned()),
        }
    });
    let versions = (!page.keys.is_empty()).then(|| versions.collect());
    Ok(ListObjectVersionsOutput {
        versions,
        common_prefixes: encoding.prefixes(&page.prefixes),
        is_truncated: Some(page.next.is_some()),
        next_version_id_marker: page.next.is_some().then(|| "null".to_owned()),
        next_key_marker: page.next.map(|next| encoding.write(&next)),
        max_keys: Some(max_keys),
        prefix: Some(encoding.write(wanted.prefix)),
        delimiter: encoding.option(input.delimiter.as_deref()),
        key_marker: Some(encoding.write(wanted.after)),
        version_id_marker: input.version_id_marker,
        name: Some(input.bucket),
        encoding_type: input.encoding_type,
        ..ListObjectVersionsOutput::default()
    })
}

pub(super) async fn list_multipart_uploads(
    front: &Frontend,
    request: S3Request<ListMultipartUploadsInput>,
) -> S3Result<ListMultipartUploadsOutput> {
    let input = request.input;
    let encoding = Encoding::read(input.encoding_type.as_ref())?;
    let (max_uploads, most) = most(input.max_uploads)?;
    if delimiter(input.delimiter.as_deref()).is_some() {
        return Err(super::error::not_implemented("delimiter in ListMultipartUploads"));
    }
    let prefix = input.prefix.clone().unwrap_or_default();
    let after = match (&input.key_marker, &input.upload_id_marker) {
        (None, Some(_)) => {
            let message = "Value of upload-id-marker is ignored without key-marker";
            return Err(refuse(s3s::S3ErrorCode::InvalidArgument, message));
        }
        (key, id) => key.clone().map(|key| (key, id.clone())),
    };
    let passed = |key: &str, id: &str| match &after {
        None => true,
        Some((marker, None)) => key > marker.as_str(),
        Some((marker, Some(last))) => (key, id) > (marker.as_str(), last.as_str()),
    };
    let mut world = front.world();
    let bucket = front.bucket(&mut world.storage, &input.bucket, input.expected_bucket_owner.as_deref())?;
    let mut found =
        bucket.uploads.iter().filter(|((key, id), _)| key.starts_with(&prefix) && passed(key, id));
    let page: Vec<_> = found.by_ref().take(most).collect();
    let next = found.next().and_then(|_| page.last().map(|((key, id), _)| (key.clone(), id.clone())));
    let uploads = page.iter().map(|((key, id), upload)| MultipartUpload {
        checksum_algorithm: upload.algorithm.map(|each| ChecksumAlgorithm::from_static(each.name())),
        checksum_type: upload.algorithm.map(|_| ChecksumType::from_static(upload.kind())),
        initiated: Some(date(upload.initiated)),
        initiator: Some(Initiator { display_name: None, id: front.owner().id }),
        key: Some(encoding.write(key)),
        owner: Some(front.owner()),
        storage_class: upload.attributes.storage_class.clone(),
        upload_id: Some(id.clone()),
    });
    let uploads = (!page.is_empty()).then(|| uploads.collect());
    Ok(ListMultipartUploadsOutput {
        uploads,
        is_truncated: Some(next.is_some()),
        next_key_marker: next.as_ref().map(|(key, _)| encoding.write(key)),
        next_upload_id_marker: next.map(|(_, id)| id),
        max_uploads: Some(max_uploads),
        prefix: encoding.option(input.prefix.as_deref()),
        key_marker: encoding.option(input.key_marker.as_deref()),
        upload_id_marker: input.upload_id_marker,
        bucket: Some(input.bucket),
        encoding_type: input.encoding_type,
        ..ListMultipartUploadsOutput::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(names: &[&str]) -> BTreeMap<String, ()> {
        names.iter().map(|name| ((*name).to_owned(), ())).collect()
    }

    #[test]
    fn a_delimiter_folds_keys_into_prefixes() {
        let keys = keys(&["a", "b/1", "b/2", "c/1/x", "d"]);
        let wanted = Wanted { prefix: "", delimiter: Some("/"), after: "", most: 10 };
        let all = page(&keys, &wanted);
        assert_eq!(
            (all.keys, all.prefixes, all.next),
            (vec!["a", "d"], vec!["b/".into(), "c/".into()], None)
        );
        let inner = page(&keys, &Wanted { prefix: "b/", ..wanted });
        assert_eq!(inner.keys, ["b/1", "b/2"]);
    }

    #[test]
    fn pages_meet_without_gap_or_overlap() {
        let keys = keys(&["a", "b/1", "b/2", "b0", "c/1", "c/2", "d"]);
        for most in 1..=6 {
            let (mut seen, mut after) = (Vec::new(), String::new());
            loop {
                let page = page(&keys, &Wanted { prefix: "", delimiter: Some("/"), after: &after, most });
                assert!(page.keys.len() + page.prefixes.len() <= most);
                seen.extend(page.keys.into_iter().map(str::to_owned));
                seen.extend(page.prefixes);
                let Some(next) = page.next else { break };
                after = next;
            }
            seen.sort();
            assert_eq!(seen, ["a", "b/", "b0", "c/", "d"], "{most} a page");
        }
    }

    #[test]
    fn nothing_is_truncated_when_nothing_is_wanted() {
        let keys = keys(&["a"]);
        assert_eq!(page(&keys, &Wanted { prefix: "", delimiter: None, after: "", most: 0 }), Page::default());
    }
}
