//! Bytes through a client that hands out text: user data may be compressed, and travels as base64 between the
//! connector and us.

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// The one path below `/latest` that holds bytes.
pub(super) const USER_DATA: &str = "user-data";

/// An HTTP client whose replies for user data are base64.
#[derive(Clone, Debug)]
pub(super) struct WithBytes(pub(super) SharedHttpClient);

#[derive(Debug)]
struct Connector(SharedHttpConnector);

impl HttpClient for WithBytes {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector(self.0.http_connector(settings, components)))
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if !request.uri().ends_with(&format!("/latest/{USER_DATA}")) {
            return self.0.call(request);
        }
        let reply = self.0.call(request);
        HttpConnectorFuture::new(async move {
            let mut reply = reply.await?;
            if reply.status().is_success() {
                let body = ByteStream::new(std::mem::replace(reply.body_mut(), SdkBody::taken()));
                let bytes = body.collect().await.map_err(|error| ConnectorError::io(error.into()))?;
                *reply.body_mut() = SdkBody::from(BASE64_STANDARD.encode(bytes.into_bytes()));
                // It says how long the bytes were.
                reply.headers_mut().remove("content-length");
            }
            Ok(reply)
        })
    }
}
