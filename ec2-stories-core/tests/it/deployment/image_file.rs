//! Fleets whose image is a file.

use std::sync::Arc;

use ec2_stories_core::memory::{MemoryCloud, MemoryUploader};
use ec2_stories_core::model::{Image, ImageFile};
use ec2_stories_core::provider::{ImageRegistry, ImageUploader};
use ec2_stories_core::{Deployment, ErrorKind, Fleet};
use tempfile::TempDir;

use super::world::World;

struct Desk {
    world: World,
    uploader: MemoryUploader,
    folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        let (world, uploader) = (World::new(), MemoryUploader::new());
        let desk = Self { world, uploader, folder: tempfile::tempdir().unwrap() };
        desk.write(1);
        desk
    }

    fn write(&self, content: u8) {
        std::fs::write(self.folder.path().join("web.raw"), vec![content; 4096]).unwrap();
    }

    fn file(&self) -> ImageFile {
        ImageFile::new(self.folder.path().join("web.raw"))
    }

    fn shop(&self, image: impl Into<Image>) -> Deployment {
        let image = image.into();
        let fleet = |name| Fleet::builder().name(name).nodes(1).image(image.clone()).build().unwrap();
        let uploader: Arc<dyn ImageUploader> = Arc::new(self.uploader.clone());
        self.world.shop([fleet("web"), fleet("batch")]).uploading_with(uploader)
    }

    async fn up_and_down(&self, image: Image) {
        let running = self.shop(image).start().await.unwrap();
        running.ready().await.unwrap();
        running.terminate().await.unwrap().assert_clean();
    }

    fn cloud(&self) -> &MemoryCloud {
        &self.world.cloud
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_uploaded_once_whoever_asks_for_it() {
    let desk = Desk::new();
    let plan = desk.shop(Image::File(desk.file())).plan().await.unwrap();
    assert!(plan.is_sound());
    let upload = plan.fleets[0].upload.as_ref().unwrap();
    assert_eq!((upload.bytes, &plan.fleets[0].image), (4096, &None));
    assert!(upload.name.starts_with("web-"), "{}", upload.name);
    let line = format!("before web: upload {} (4096 bytes), register it as web-", desk.file().path.display());
    assert!(plan.to_string().contains(&line), "{plan}");
    assert_eq!((desk.uploader.sent(), desk.cloud().published().await.unwrap().len()), (0, 0));

    for _ in 0..2 {
        desk.up_and_down(Image::File(desk.file())).await;
        assert_eq!(desk.uploader.sent(), 4096);
        assert_eq!(desk.cloud().published().await.unwrap().len(), 1, "it stays");
    }
    let plan = desk.shop(Image::File(desk.file())).plan().await.unwrap();
    assert!(plan.fleets.iter().all(|fleet| fleet.upload.is_none() && fleet.image.is_some()));

    desk.write(2);
    desk.up_and_down(Image::File(desk.file())).await;
    assert_eq!(desk.uploader.sent(), 8192);
    assert_eq!(desk.cloud().published().await.unwrap().len(), 2, "another content is another image");
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_is_up_needs_no_file_any_more() {
    let desk = Desk::new();
    let running = desk.shop(Image::File(desk.file())).start().await.unwrap();
    running.ready().await.unwrap();
    let _ = running.detach().await.unwrap();
    std::fs::remove_file(desk.file().path).unwrap();
    let again = desk.shop(Image::File(desk.file())).start().await.unwrap();
    again.ready().await.unwrap();
    again.terminate().await.unwrap().assert_clean();
}

#[tokio::test(start_paused = true)]
async fn what_stands_in_the_way_is_a_finding() {
    let desk = Desk::new();
    let finding = async |shop: Deployment| {
        let plan = shop.plan().await.unwrap();
        assert_eq!(shop.start().await.unwrap_err().kind(), ErrorKind::Invalid);
        plan.findings()[0].to_string()
    };
    let fleet = Fleet::builder().name("web").nodes(1).image(Image::File(desk.file())).build().unwrap();
    let without = finding(desk.world.shop([fleet])).await;
    assert!(without.contains("fleet.web.image") && without.contains("no uploader"), "{without}");
    let named = || Image::File(ImageFile { name: Some("web-7".to_owned()), ..desk.file() });
    desk.up_and_down(named()).await;
    desk.write(2);
    let taken = finding(desk.shop(named())).await;
    assert!(taken.contains("another content"), "{taken}");
    std::fs::remove_file(desk.file().path).unwrap();
    let gone = finding(desk.shop(Image::File(desk.file()))).await;
    assert!(gone.contains("web.raw"), "{gone}");
    let wrong = ImageFile { name: Some("a:b".to_owned()), ..desk.file() };
    let wrong = Fleet::builder().name("web").nodes(1).image(Image::File(wrong)).build().unwrap_err();
    assert_eq!(wrong.resource(), Some("fleet.web.image.file.name"));
    assert_eq!(desk.uploader.sent(), 4096);
}
