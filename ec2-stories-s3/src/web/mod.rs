//! Plain HTTP, for web sites that are no S3: GET, HEAD, PUT, POST and DELETE, with what counts as success as data.
//!
//! ```no_run
//! # async fn example() -> ec2_stories_core::Result<()> {
//! use ec2_stories_s3::web::{Web, WebRequest};
//!
//! let web = Web::new()?;
//! let page = web.get("https://example.org/").await?;
//! let request = WebRequest::put("https://example.org/things/1")
//!     .text("content")
//!     .accepting("200-299, 409".parse()?);
//! if web.send(&request).await?.status == 409 {
//!     println!("was there before; the page has {} bytes", page.body.len());
//! }
//! # Ok(())
//! # }
//! ```

mod client;
mod error;
mod redirect;
mod reply;
mod request;
mod status;
mod tls;

pub use client::Web;
pub use reply::WebReply;
pub use request::{Method, Redirects, WebBody, WebRequest};
pub use status::Statuses;
