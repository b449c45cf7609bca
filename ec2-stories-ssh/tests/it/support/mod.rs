//! What the tests share.

mod machine;
pub(crate) mod proxy;
pub(crate) mod sshd;

use ec2_stories_core::Error;
use ec2_stories_ssh::{HostKeys, Identity, Session, Ssh};
pub(crate) use sshd::Sshd;

/// Logins with the server's own key pair.
pub(crate) fn ssh(server: &Sshd, host_keys: HostKeys) -> Ssh {
    Ssh::builder()
        .user(server.user())
        .identity(Identity::key_file(server.path("client")))
        .host_keys(host_keys)
        .build()
        .unwrap()
}

pub(crate) fn pinned(server: &Sshd) -> HostKeys {
    HostKeys::pinned([server.host_key()]).unwrap()
}

/// A server and a session on it.
pub(crate) async fn connected() -> (Sshd, Session) {
    let server = Sshd::start();
    let session = ssh(&server, pinned(&server)).connect(&server.target()).await.unwrap();
    (server, session)
}

/// The error of what must fail.
#[track_caller]
pub(crate) fn refused<T>(result: Result<T, Error>) -> Error {
    match result {
        Ok(_) => panic!("must be refused"),
        Err(error) => error,
    }
}

/// Waits for a state of the outside world that has to be asked for.
pub(crate) async fn eventually(what: &str, mut is: impl AsyncFnMut() -> bool) {
    for _ in 0..500 {
        if is().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("never: {what}");
}
