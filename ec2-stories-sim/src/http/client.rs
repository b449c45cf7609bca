//! An SDK HTTP client that hands requests to the simulation without a socket.

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body_util::BodyExt;

use super::body::{half_of, reset};
use super::checkip;
use super::entry::Service;
use crate::s3;
use crate::sim::{Broken, Sim};

/// The client; also its one connector, for there is nothing to connect.
#[derive(Clone, Debug)]
pub(crate) struct InProcess(pub(crate) Sim);

impl HttpClient for InProcess {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let sim = self.0.clone();
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let (parts, body) = request.into_parts();
            if Service::of(&parts) == Service::S3 {
                let request = http::Request::from_parts(parts, s3s::Body::http_body_unsync(body));
                return match s3::serve(&sim, request).await {
                    Ok(response) => into_sdk(response.map(SdkBody::from_body_1_x)),
                    Err(_) => Err(ConnectorError::io(reset().into())),
                };
            }
            let request = drain(http::Request::from_parts(parts, body)).await?;
            if let Some(response) = checkip::answer(&request) {
                return into_sdk(response.map(SdkBody::from));
            }
            match sim.handle(request).await {
                Ok(response) => into_sdk(response.map(SdkBody::from)),
                Err(Broken::Reset) => Err(ConnectorError::io(reset().into())),
                Err(Broken::Truncated(response)) => {
                    into_sdk(response.map(|body| SdkBody::from_body_1_x(half_of(&body))))
                }
            }
        })
    }
}

/// Reads the request to its end before anything takes time: the SDK's stalled-stream protection watches an upload that
/// makes no progress, and virtual seconds pass at once. (S3 reads an upload as it comes, for the same reason before
/// anything takes time.)
pub(crate) async fn drain(request: http::Request<SdkBody>) -> Result<http::Request<Bytes>, ConnectorError> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(ConnectorError::user)?.to_bytes();
    Ok(http::Request::from_parts(parts, body))
}

pub(crate) fn into_sdk(response: http::Response<SdkBody>) -> Result<HttpResponse, ConnectorError> {
    HttpResponse::try_from(response).map_err(|error| ConnectorError::other(error.into(), None))
}
