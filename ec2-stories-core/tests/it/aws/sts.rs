//! An STS on a loopback address that grants every role, or refuses all.

use super::server::Server;

/// The secrets that it grants.
pub(crate) const SECRET: &str = "granted+SecretAccessKey/EXAMPLE";
pub(crate) const TOKEN: &str = "granted+SessionToken/EXAMPLE";

/// Grants sessions that end at this time.
pub(crate) async fn granting(expiration: &str) -> Server {
    let body = format!(
        r#"<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
        <AssumedRoleUser><AssumedRoleId>AROA:s</AssumedRoleId><Arn>arn:aws:sts::1:assumed-role/r/s</Arn></AssumedRoleUser>
        <Credentials><AccessKeyId>ASIAGRANTED</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey>
        <SessionToken>{TOKEN}</SessionToken><Expiration>{expiration}</Expiration></Credentials>
        </AssumeRoleResult></AssumeRoleResponse>"#
    );
    Server::answering(move |_| ("200 OK", body.clone())).await
}

/// Answers GetCallerIdentity.
pub(crate) async fn identifying() -> Server {
    let body = r#"<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
        <GetCallerIdentityResult><Account>210987654321</Account></GetCallerIdentityResult>
        </GetCallerIdentityResponse>"#;
    Server::answering(|_| ("200 OK", body.to_owned())).await
}

/// Refuses every role.
pub(crate) async fn refusing() -> Server {
    let body = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>\
        <Message>not authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>";
    Server::answering(|_| ("403 Forbidden", body.to_owned())).await
}
