//! Settings in cloud-init's own words.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{User, WriteFile, keys, secrets};
use crate::attributes::{Reference, Scope, Template};
use crate::{Error, ErrorKind, Result};

/// A cloud-config: the keys of cloud-init's modules and their values.
///
/// Every text in it is a [`Template`], in a story as in code: `${db/0.private_ip}` is replaced *before* the YAML is
/// written, so a value with quotes or line ends in it stays one value; a shell's `${HOME}` is written `$${HOME}`.
///
/// ```
/// use ec2_stories_core::attributes::Template;
/// use ec2_stories_core::model::{CloudConfig, User};
///
/// let config = CloudConfig::new()
///     .packages(["postgresql-client"])
///     .file("/etc/shop.toml", Template::new("db = \"${db/0.private_ip}\"\n")?)
///     .user(User::new("deploy").authorized_key("ssh-ed25519 AAAA… deploy").sudo())
///     .run(["systemctl", "restart", "shop"])
///     .set("package_update", true)?;
/// # Ok::<(), ec2_stories_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>", into = "Map<String, Value>")]
pub struct CloudConfig(Map<String, Value>);

impl CloudConfig {
    /// The keys in the schema of cloud-init 22.4. A plan notes others, unless a later version knows them.
    pub const KEYS: &'static [&'static str] = keys::SCHEMA;

    /// No settings.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Installs packages, once the lists of what there is are fresh.
    #[must_use]
    pub fn packages(mut self, names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        for name in names {
            push(&mut self.0, "packages", literal(name.as_ref()));
        }
        self.with("package_update", json!(true))
    }

    /// Writes a file with mode 0644.
    #[must_use]
    pub fn file(self, path: &str, content: Template) -> Self {
        self.write_file(WriteFile::new(path, content))
    }

    /// Writes a file.
    #[must_use]
    pub fn write_file(mut self, file: WriteFile) -> Self {
        push(&mut self.0, "write_files", file.into());
        self
    }

    /// Runs a command late in the first boot, without a shell in between; in the order given.
    #[must_use]
    pub fn run(mut self, arguments: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let arguments = arguments.into_iter().map(|argument| literal(argument.as_ref())).collect();
        push(&mut self.0, "runcmd", Value::Array(arguments));
        self
    }

    /// Runs a line of shell late in the first boot; in the order given.
    #[must_use]
    pub fn run_shell(mut self, line: Template) -> Self {
        push(&mut self.0, "runcmd", json!(String::from(line)));
        self
    }

    /// Makes a user beside the image's own.
    #[must_use]
    pub fn user(mut self, user: User) -> Self {
        // A list without it takes the image's user, and the key pair with it, away.
        self.0.entry("users").or_insert_with(|| json!(["default"]));
        push(&mut self.0, "users", user.into());
        self
    }

    /// Lets the holder of this OpenSSH public key log in as the image's own user, beside the key pair.
    #[must_use]
    pub fn authorized_key(mut self, line: &str) -> Self {
        push(&mut self.0, "ssh_authorized_keys", literal(line));
        self
    }

    /// Sets the host's name: the same for every node of the fleet.
    #[must_use]
    pub fn hostname(self, name: &str) -> Self {
        self.with("hostname", literal(name))
    }

    /// Sets the time zone, such as `Europe/Berlin`.
    #[must_use]
    pub fn timezone(self, name: &str) -> Self {
        self.with("timezone", literal(name))
    }

    /// Adds a source of packages for apt: a `deb` line, and the public key, in armor, that signs it.
    #[must_use]
    pub fn apt_source(mut self, name: &str, line: &str, key: Option<&str>) -> Self {
        let mut source = json!({ "source": literal(line) });
        if let Some(key) = key {
            source["key"] = literal(key);
        }
        let apt = section(&mut self.0, "apt");
        section(apt, "sources").insert(name.to_owned(), source);
        self
    }

    /// Sets any key of cloud-init's; texts in the value are templates. A plan notes a key that cloud-init does not know.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`], for a value that has no form in JSON, or a text that is no template.
    pub fn set(mut self, key: &str, value: impl Serialize) -> Result<Self> {
        let value = serde_json::to_value(value).map_err(|error| Error::invalid(key, error))?;
        check_templates(key, &value)?;
        self.0.insert(key.to_owned(), value);
        Ok(self)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(super) fn references(&self) -> Vec<Reference> {
        let mut found = Vec::new();
        for value in self.0.values() {
            collect(value, &mut found);
        }
        found
    }

    pub(super) fn check_secrets(&self, field: &str) -> Result<()> {
        secrets::check_value(field, &Value::Object(self.0.clone()))
    }

    pub(super) fn render(&self, scope: &Scope<'_>) -> Result<String> {
        let mut resolved = Value::Object(self.0.clone());
        resolve(&mut resolved, scope)?;
        Ok(format!("#cloud-config\n{}", Self::yaml(&resolved)?))
    }

    /// YAML of version 1.1, which is what cloud-init reads.
    pub(crate) fn yaml(value: &Value) -> Result<String> {
        let options = serde_saphyr::ser_options! {
            // Never folded: long lines are keys and commands.
            folded_wrap_chars: usize::MAX,
        };
        serde_saphyr::to_string_with_options(value, options).map_err(|error| {
            Error::new(ErrorKind::Unexpected, "writing cloud-config failed").because(error.to_string())
        })
    }

    fn with(mut self, key: &str, value: Value) -> Self {
        self.0.insert(key.to_owned(), value);
        self
    }
}

/// The map at a key; what is no map is replaced by one.
fn section<'a>(map: &'a mut Map<String, Value>, key: &str) -> &'a mut Map<String, Value> {
    let value = map.entry(key).or_insert(Value::Null);
    if !value.is_object() {
        *value = json!({});
    }
    value.as_object_mut().expect("made one above")
}

/// Text that is no template.
pub(super) fn literal(text: &str) -> Value {
    Value::String(Template::literal(text).into())
}

/// Adds to a list; what is no list becomes the first of one.
pub(super) fn push(map: &mut Map<String, Value>, key: &str, value: Value) {
    let list = map.entry(key).or_insert_with(|| Value::Array(Vec::new()));
    match list {
        Value::Array(items) => items.push(value),
        other => *other = Value::Array(vec![other.take(), value]),
    }
}

fn resolve(value: &mut Value, scope: &Scope<'_>) -> Result<()> {
    match value {
        Value::String(text) => *text = Template::new(text.as_str())?.resolve(scope)?,
        Value::Array(items) => items.iter_mut().try_for_each(|item| resolve(item, scope))?,
        Value::Object(map) => map.values_mut().try_for_each(|value| resolve(value, scope))?,
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    Ok(())
}

fn collect(value: &Value, found: &mut Vec<Reference>) {
    match value {
        // Read before: what is no template is refused where it comes in.
        Value::String(text) => {
            found.extend(Template::new(text.as_str()).iter().flat_map(Template::references).cloned());
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(map) => map.values().for_each(|value| collect(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn check_templates(key: &str, value: &Value) -> Result<()> {
    match value {
        Value::String(text) => Template::new(text.as_str())
            .map(drop)
            .map_err(|error| Error::invalid(key, error.message().trim_start_matches("template: "))),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(index, item)| check_templates(&format!("{key}[{index}]"), item)),
        Value::Object(map) => {
            map.iter().try_for_each(|(name, value)| check_templates(&format!("{key}.{name}"), value))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

impl TryFrom<Map<String, Value>> for CloudConfig {
    type Error = Error;

    fn try_from(map: Map<String, Value>) -> Result<Self> {
        map.iter().try_for_each(|(key, value)| check_templates(key, value))?;
        Ok(Self(map))
    }
}

impl From<CloudConfig> for Map<String, Value> {
    fn from(config: CloudConfig) -> Self {
        config.0
    }
}
