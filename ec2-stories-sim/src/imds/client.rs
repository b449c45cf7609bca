//! An SDK HTTP client that hands requests to the metadata service without a socket.

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;

use super::Metadata;
use crate::http::body::{half_of, reset};
use crate::http::client::{drain, into_sdk};
use crate::sim::Broken;

/// The client; also its one connector.
#[derive(Clone, Debug)]
pub(super) struct InProcess(pub(super) Metadata);

/// A connector that knows how long it may wait: with sockets, reading is what takes that long.
#[derive(Debug)]
struct Connector {
    metadata: Metadata,
    settings: HttpConnectorSettings,
}

impl HttpClient for InProcess {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector { metadata: self.0.clone(), settings: settings.clone() })
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (metadata, limit) = (self.metadata.clone(), self.settings.read_timeout());
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let request = drain(request).await?;
            let answer = metadata.handle(request);
            let answer = match limit {
                None => answer.await,
                Some(limit) => tokio::time::timeout(limit, answer)
                    .await
                    .map_err(|elapsed| ConnectorError::timeout(elapsed.into()))?,
            };
            match answer {
                Ok(response) => into_sdk(response.map(SdkBody::from)),
                Err(Broken::Reset) => Err(ConnectorError::io(reset().into())),
                Err(Broken::Truncated(response)) => {
                    into_sdk(response.map(|body| SdkBody::from_body_1_x(half_of(&body))))
                }
            }
        })
    }
}
