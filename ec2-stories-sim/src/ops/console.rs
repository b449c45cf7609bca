//! GetConsoleOutput: what the host behind the instance wrote; without hosts the text of a boot, the same for the same
//! instance.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};
use sha2::{Digest, Sha256};

use crate::ctx::Ctx;
use crate::state::Cloud;
use crate::state::instance::Instance;
use crate::state::timeline::State;
use crate::wire::ApiError;
use crate::wire::generated::ec2::{GetConsoleOutputRequest, GetConsoleOutputResponse};

/// Empty until the instance has run. Source: GetConsoleOutput, which gives base64.
pub(crate) fn get_console_output(
    cloud: &mut Cloud,
    ctx: &Ctx,
    req: GetConsoleOutputRequest,
) -> Result<GetConsoleOutputResponse, ApiError> {
    let id = req.instance_id.unwrap_or_default();
    cloud.instances.known(std::slice::from_ref(&id), ctx.now)?;
    let text = cloud.instances.get(&id).map(|instance| console_text(instance, ctx)).unwrap_or_default();
    Ok(GetConsoleOutputResponse {
        instance_id: Some(id),
        timestamp: Some(ctx.now),
        output: (!text.is_empty()).then(|| BASE64_STANDARD.encode(text)),
    })
}

fn console_text(instance: &Instance, ctx: &Ctx) -> Vec<u8> {
    if let Some(host) = &instance.host {
        return host.console();
    }
    if !instance.timeline.ever(State::Running, ctx.now) {
        return Vec::new();
    }
    let mut lines = vec![
        "[    0.000000] Linux version 6.1.0-aws (gcc 12.2.0) #1 SMP PREEMPT_DYNAMIC".to_owned(),
        "[    1.204511] systemd[1]: Detected virtualization amazon.".to_owned(),
        "[    4.830127] cloud-init[612]: Cloud-init v. 22.4.2 running 'init'".to_owned(),
        "ci-info: +++++++++++++++++++++ SSH host key fingerprints +++++++++++++++++++++".to_owned(),
        "-----BEGIN SSH HOST KEY FINGERPRINTS-----".to_owned(),
    ];
    for (kind, bits) in [("ECDSA", 256), ("ED25519", 256), ("RSA", 3072)] {
        lines.push(format!(
            "{bits} SHA256:{} root@{} ({kind})",
            fingerprint(&instance.id, kind),
            instance.id
        ));
    }
    lines.push("-----END SSH HOST KEY FINGERPRINTS-----".to_owned());
    for _ in 0..instance.reboots(ctx.now) {
        lines.push("[    0.000000] Linux version 6.1.0-aws (gcc 12.2.0) #1 SMP PREEMPT_DYNAMIC".to_owned());
    }
    lines.push(format!(
        "Cloud-init v. 22.4.2 finished. Datasource DataSourceEc2Local. {} login:",
        instance.id
    ));
    lines.join("\r\n").into_bytes()
}

/// Derived from the id: a test can say what it expects.
fn fingerprint(id: &str, kind: &str) -> String {
    BASE64_STANDARD_NO_PAD.encode(Sha256::digest(format!("{id} {kind}")))
}
