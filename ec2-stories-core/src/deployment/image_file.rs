//! Images that are files: looked for by their content, uploaded and registered when a deployment starts.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;
use tokio::sync::watch;

use super::driver::{Context, persist};
use super::preflight::Sought;
use crate::image::{ImageSource, ImageSpec};
use crate::model::{FleetSpec, Image, ImageFile, ImageQuery, Name, Owner, RegisteredImage};
use crate::{Error, ErrorKind, Result};

/// What a start does before it launches a fleet whose image the cloud does not have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedUpload {
    /// The file that is uploaded.
    pub file: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// The name that the image is registered under.
    pub name: String,
}

impl fmt::Display for PlannedUpload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MIB: u64 = 1024 * 1024;
        write!(f, "upload {} (", self.file.display())?;
        match self.bytes {
            bytes if bytes < MIB => write!(f, "{bytes} bytes")?,
            // A size for people: no file comes near to what a float holds exactly.
            bytes if bytes < 1024 * MIB => write!(f, "{:.1} MiB", bytes as f64 / MIB as f64)?,
            bytes => write!(f, "{:.1} GiB", bytes as f64 / (1024 * MIB) as f64)?,
        }
        write!(f, "), register it as {}", self.name)
    }
}

/// Looks whether the cloud has the image in the file.
pub(super) async fn look(context: &Context, fleet: &FleetSpec, file: &ImageFile) -> Result<Sought> {
    if let Some(image) = context.known().supplied.get(&fleet.name) {
        return Ok(Sought::Found(Box::new(image.clone())));
    }
    let (source, spec, hash) = match read(fleet, file).await {
        Ok(read) => read,
        Err(error) => return Ok(Sought::Nowhere(error.chain())),
    };
    if let Some(image) = registered(context, fleet, file, &spec, &hash).await? {
        if image.content_hash() != Some(hash.as_str()) {
            let why = format!("{} has this name and another content: take another name", image.id);
            return Ok(Sought::Nowhere(why));
        }
        context.known().supplied.insert(fleet.name.clone(), image.clone());
        return Ok(Sought::Found(Box::new(image)));
    }
    let Some(uploader) = &context.uploader else {
        let why =
            "the cloud does not have this file's image, and the deployment has no uploader to bring it there";
        return Ok(Sought::Nowhere(why.to_owned()));
    };
    if let Err(error) = uploader.check(&source) {
        return Ok(Sought::Nowhere(error.chain()));
    }
    let upload = PlannedUpload { file: file.path.clone(), bytes: source.bytes(), name: spec.name };
    Ok(Sought::InAFile(upload))
}

async fn read(fleet: &FleetSpec, file: &ImageFile) -> Result<(ImageSource, ImageSpec, String)> {
    let source = ImageSource::open(&file.path)?;
    let hash = source.content_hash().await?;
    let spec = file.spec(&hash, fleet.architecture);
    Ok((source, spec, hash))
}

/// The image that was made of this content; the one that has the name, where the description says a name.
async fn registered(
    context: &Context,
    fleet: &FleetSpec,
    file: &ImageFile,
    spec: &ImageSpec,
    hash: &str,
) -> Result<Option<RegisteredImage>> {
    if file.name.is_some() {
        let name = spec.name.clone();
        let query = ImageQuery { owner: Owner::own(), name, architecture: spec.architecture };
        return persist(context, "find_image", &fleet.name, || context.cloud.find_image(&query)).await;
    }
    let find = || context.cloud.find_content(hash);
    let image = persist(context, "find_content", &fleet.name, find).await?;
    Ok(image.filter(|image| image.architecture == spec.architecture.as_str()))
}

/// Uploads the fleet's image and registers it. Both go on where they were cut off, and do nothing twice.
pub(super) async fn supply(context: &Context, fleet: &Name) -> Result<()> {
    let missing = |why: &str| Error::new(ErrorKind::Unexpected, why).on(format!("fleet.{fleet}.image"));
    let spec = &context.fleet(fleet).ok_or_else(|| missing("there is no such fleet"))?.spec;
    let Image::File(file) = &spec.image else { return Err(missing("is no file")) };
    let uploader = context.uploader.as_ref().ok_or_else(|| missing("there is no uploader"))?;
    let source = ImageSource::open(&file.path)?;
    let upload = || uploader.upload(&source, watch::Sender::default());
    let uploaded = persist(context, "upload", fleet, upload).await?;
    let wanted = file.spec(&uploaded.content_hash, spec.architecture);
    let register = || context.cloud.register(&uploaded, &wanted);
    let image = persist(context, "register", fleet, register).await?;
    context.known().supplied.insert(fleet.clone(), image);
    Ok(())
}
