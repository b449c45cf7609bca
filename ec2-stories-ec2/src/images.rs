//! Finding images. Registering them is not here yet: the trait's own bodies say so.

use async_trait::async_trait;
use ec2_stories_core::model::{ImageId, ImageQuery, RegisteredImage};
use ec2_stories_core::provider::ImageRegistry;
use ec2_stories_core::{ErrorKind, Result};

use crate::Ec2;
use crate::api::Call;
use crate::convert;
use crate::tags::filter;

#[async_trait]
impl ImageRegistry for Ec2 {
    async fn find_image(&self, query: &ImageQuery) -> Result<Option<RegisteredImage>> {
        let mut newest: Option<RegisteredImage> = None;
        let mut next = None;
        loop {
            let request = self
                .api()
                .client
                .describe_images()
                .owners(&query.owner.0)
                .filters(filter("name", &query.name))
                .filters(filter("architecture", query.architecture.as_str()))
                .filters(filter("state", "available"))
                .max_results(1_000)
                .set_next_token(next);
            let page = self.api().call(Call::reading("DescribeImages"), request.send()).await?;
            let found = page.images().iter().filter_map(convert::image);
            // The id breaks ties, so that everyone finds the same one.
            newest = newest
                .into_iter()
                .chain(found)
                .max_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
            next = page.next_token().filter(|token| !token.is_empty()).map(ToOwned::to_owned);
            if next.is_none() {
                return Ok(newest);
            }
        }
    }

    async fn get_image(&self, id: &ImageId) -> Result<Option<RegisteredImage>> {
        let request = self.api().client.describe_images().image_ids(id.as_str());
        match self.api().call(Call::reading("DescribeImages"), request.send()).await {
            Ok(reply) => Ok(reply.images().iter().find_map(convert::image)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.on(id.as_str())),
        }
    }
}
