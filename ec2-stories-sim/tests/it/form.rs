//! Calls by form, and just enough XML reading to check replies.

use bytes::Bytes;
use ec2_stories_sim::{Broken, Sim};

/// A reply to one call.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) xml: String,
}

impl Reply {
    /// The texts of every element of this name, in order.
    pub(crate) fn all(&self, element: &str) -> Vec<String> {
        let document = roxmltree::Document::parse(&self.xml).unwrap();
        let named = document.descendants().filter(|node| node.tag_name().name() == element);
        named.map(|node| node.text().unwrap_or_default().to_owned()).collect()
    }

    /// The texts of elements of this name directly inside of `parent`.
    pub(crate) fn inside(&self, parent: &str, element: &str) -> Vec<String> {
        let document = roxmltree::Document::parse(&self.xml).unwrap();
        let parents = document.descendants().filter(|node| node.tag_name().name() == parent);
        let children =
            parents.flat_map(|node| node.children()).filter(|node| node.tag_name().name() == element);
        children.map(|node| node.text().unwrap_or_default().to_owned()).collect()
    }

    /// The text of the first element of this name.
    pub(crate) fn one(&self, element: &str) -> String {
        self.all(element).into_iter().next().unwrap_or_else(|| panic!("no <{element}> in {}", self.xml))
    }

    /// The error's code.
    pub(crate) fn code(&self) -> String {
        self.one("Code")
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.status, 200, "{}", self.xml);
        self
    }
}

/// A signed form of one action; `version` picks the service.
pub(crate) fn request(
    service: &str,
    region: &str,
    key: &str,
    fields: &[(&str, &str)],
) -> http::Request<Bytes> {
    let version = if service == "sts" { "2011-06-15" } else { "2016-11-15" };
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("Version", version).extend_pairs(fields);
    let credential =
        format!("AWS4-HMAC-SHA256 Credential={key}/20260101/{region}/{service}/aws4_request, Signature=0");
    http::Request::post(format!("https://{service}.{region}.amazonaws.com/"))
        .header("authorization", credential)
        .body(Bytes::from(form.finish()))
        .unwrap()
}

pub(crate) async fn try_call(sim: &Sim, action: &str, fields: &[(&str, &str)]) -> Result<Reply, Broken> {
    let fields = [&[("Action", action)], fields].concat();
    send(sim, request("ec2", "us-east-1", "AKIATEST", &fields)).await
}

/// One EC2 call in the home region, whatever comes of it.
pub(crate) async fn call(sim: &Sim, action: &str, fields: &[(&str, &str)]) -> Reply {
    try_call(sim, action, fields).await.expect("the connection holds")
}

/// One EC2 call in another region.
pub(crate) async fn call_in(sim: &Sim, region: &str, action: &str, fields: &[(&str, &str)]) -> Reply {
    let fields = [&[("Action", action)], fields].concat();
    send(sim, request("ec2", region, "AKIATEST", &fields)).await.expect("the connection holds")
}

pub(crate) async fn send(sim: &Sim, request: http::Request<Bytes>) -> Result<Reply, Broken> {
    let (parts, body) = sim.handle(request).await?.into_parts();
    let xml = String::from_utf8(body.to_vec()).unwrap();
    Ok(Reply { status: parts.status.as_u16(), headers: parts.headers, xml })
}

/// The newest Debian 12 image.
pub(crate) async fn image(sim: &Sim, architecture: &str) -> String {
    let fields = [
        ("Owner.1", "136693071363"),
        ("Filter.1.Name", "architecture"),
        ("Filter.1.Value.1", architecture),
        ("Filter.2.Name", "name"),
        ("Filter.2.Value.1", "debian-12-*-20251103-*"),
    ];
    call(sim, "DescribeImages", &fields).await.ok().one("imageId")
}

/// Launches `count` instances of a `t3.micro` and returns the reply.
pub(crate) async fn launch(sim: &Sim, count: &str, more: &[(&str, &str)]) -> Reply {
    let image = image(sim, "x86_64").await;
    let base =
        [("ImageId", image.as_str()), ("InstanceType", "t3.micro"), ("MinCount", count), ("MaxCount", count)];
    call(sim, "RunInstances", &[&base[..], more].concat()).await
}

/// The states that a describe by id shows.
pub(crate) async fn states(sim: &Sim, ids: &[String]) -> Vec<String> {
    let names: Vec<String> = (1..=ids.len()).map(|n| format!("InstanceId.{n}")).collect();
    let fields: Vec<(&str, &str)> =
        names.iter().map(String::as_str).zip(ids.iter().map(String::as_str)).collect();
    let reply = call(sim, "DescribeInstances", &fields).await.ok();
    reply.inside("instanceState", "name")
}

/// Waits until what was launched is known to every call, and running.
pub(crate) async fn until_running() {
    tokio::time::sleep(std::time::Duration::from_secs(40)).await;
}
