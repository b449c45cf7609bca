//! Key pairs.

mod describe;
mod material;
#[cfg(test)]
mod tests;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::ctx::Ctx;
use crate::state::Cloud;
use crate::state::keys::KeyPair;
use crate::wire::ApiError;
use crate::wire::generated::ec2::{
    CreateKeyPairRequest, CreateKeyPairResponse, DeleteKeyPairRequest, DeleteKeyPairResponse,
    ImportKeyPairRequest, ImportKeyPairResponse,
};

pub(crate) use describe::describe_key_pairs;

/// The default type is RSA, the default format PEM. Source: CreateKeyPair, parameters KeyType and KeyFormat.
pub(crate) fn create_key_pair(
    cloud: &mut Cloud,
    ctx: &Ctx,
    request: CreateKeyPairRequest,
) -> Result<CreateKeyPairResponse, ApiError> {
    let tags = cloud.tags.from_specifications("key-pair", &request.tag_specifications)?;
    let name = request.key_name.unwrap_or_default();
    cloud.keys.check_name(&name)?;
    if request.key_format.as_deref() == Some("ppk") {
        return Err(ApiError::new("UnsupportedOperation", "The simulation writes private keys as PEM only."));
    }
    let made = match request.key_type.as_deref() {
        Some("ed25519") => material::ed25519(&mut *ctx.rng(), &name),
        _ => material::rsa(&mut *ctx.rng(), &name),
    }?;
    let pair = KeyPair {
        id: ctx.id("key"),
        name,
        key_type: made.public.key_type,
        fingerprint: made.public.fingerprint,
        public_key: made.public.line,
        created: ctx.now,
    };
    cloud.tags.set(&pair.id, &tags)?;
    cloud.keys.insert(pair.clone());
    Ok(CreateKeyPairResponse {
        key_pair_id: Some(pair.id),
        key_name: Some(pair.name),
        key_fingerprint: Some(pair.fingerprint),
        key_material: Some(made.private.into()),
        tags,
    })
}

pub(crate) fn import_key_pair(
    cloud: &mut Cloud,
    ctx: &Ctx,
    request: ImportKeyPairRequest,
) -> Result<ImportKeyPairResponse, ApiError> {
    let tags = cloud.tags.from_specifications("key-pair", &request.tag_specifications)?;
    let name = request.key_name.unwrap_or_default();
    cloud.keys.check_name(&name)?;
    let material = BASE64_STANDARD.decode(request.public_key_material.unwrap_or_default());
    let text =
        material.ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(material::malformed)?;
    let public = material::import(&text)?;
    let pair = KeyPair {
        id: ctx.id("key"),
        name,
        key_type: public.key_type,
        fingerprint: public.fingerprint,
        public_key: public.line,
        created: ctx.now,
    };
    cloud.tags.set(&pair.id, &tags)?;
    cloud.keys.insert(pair.clone());
    Ok(ImportKeyPairResponse {
        key_pair_id: Some(pair.id),
        key_name: Some(pair.name),
        key_fingerprint: Some(pair.fingerprint),
        tags,
    })
}

/// A pair that is not there counts as deleted. Seen: EC2 answers `true` for a name that never was.
pub(crate) fn delete_key_pair(
    cloud: &mut Cloud,
    _: &Ctx,
    request: DeleteKeyPairRequest,
) -> Result<DeleteKeyPairResponse, ApiError> {
    let found = match (request.key_name, request.key_pair_id) {
        (Some(name), None) => cloud.keys.get(&name),
        (None, Some(id)) => cloud.keys.get_by_id(&id),
        (Some(_), Some(_)) => {
            let message = "The parameter keyName cannot be used with the parameter keyPairId";
            return Err(ApiError::invalid_combination(message));
        }
        (None, None) => return Err(ApiError::missing_parameter("KeyName")),
    };
    let name = found.ok().map(|pair| pair.name.clone());
    let key_pair_id = name.and_then(|name| cloud.keys.remove(&name)).map(|pair| pair.id);
    if let Some(id) = &key_pair_id {
        cloud.tags.remove(id);
    }
    Ok(DeleteKeyPairResponse { key_pair_id, r#return: Some(true) })
}
