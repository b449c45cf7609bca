//! Text with late references.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{AttributePath, Attributes};
use crate::model::{Name, NodeAddress};
use crate::{Error, ErrorKind, Result};

/// Text in which `${db/0.private_ip}` stands for an attribute, `${deployment}`, `${fleet}` and `${index}` for
/// where the text is used, and `$${` for a plain `${`.
///
/// Anything else in `${…}` is an error when the template is made, not when it is used.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template {
    source: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Part {
    Text(String),
    Reference(Reference),
}

/// What a template refers to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reference {
    /// An attribute of a node.
    Attribute(AttributePath),
    /// The deployment's name.
    Deployment,
    /// The fleet's name.
    Fleet,
    /// The node's slot, from 0.
    Index,
}

/// Where a template is used.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// The deployment.
    pub deployment: &'a Name,
    /// The fleet.
    pub fleet: &'a Name,
    /// The node, where the text is one node's own.
    pub node: Option<&'a NodeAddress>,
    /// What is known so far.
    pub attributes: &'a Attributes,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`], naming the reference that cannot be read and its byte offset.
    pub fn new(source: impl Into<String>) -> Result<Self> {
        let source = source.into();
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut rest = source.as_str();
        while let Some(at) = rest.find("${") {
            if at > 0 && rest.as_bytes()[at - 1] == b'$' {
                text.push_str(&rest[..at - 1]);
                text.push_str("${");
                rest = &rest[at + 2..];
                continue;
            }
            let offset = source.len() - rest.len() + at;
            let end = rest[at..].find('}').map(|end| at + end);
            let end =
                end.ok_or_else(|| Error::invalid("template", format!("no }} after ${{ at byte {offset}")))?;
            text.push_str(&rest[..at]);
            if !text.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut text)));
            }
            parts.push(Part::Reference(Reference::parse(&rest[at + 2..end], offset)?));
            rest = &rest[end + 1..];
        }
        text.push_str(rest);
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        Ok(Self { source, parts })
    }

    /// Text without references, `${` included as it is.
    #[must_use]
    pub fn literal(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { source: text.replace("${", "$${"), parts: vec![Part::Text(text)] }
    }

    /// What it refers to, in order.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.parts.iter().filter_map(|part| match part {
            Part::Reference(reference) => Some(reference),
            Part::Text(_) => None,
        })
    }

    /// The text, with every reference replaced.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], naming the attribute that is not known (yet), or [`ErrorKind::Invalid`] for
    /// `${index}` where the text is not one node's own.
    pub fn resolve(&self, scope: &Scope<'_>) -> Result<String> {
        let mut text = String::with_capacity(self.source.len());
        for part in &self.parts {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Reference(reference) => text.push_str(&reference.resolve(scope)?),
            }
        }
        Ok(text)
    }
}

impl Reference {
    fn parse(text: &str, offset: usize) -> Result<Self> {
        match text {
            "deployment" => Ok(Self::Deployment),
            "fleet" => Ok(Self::Fleet),
            "index" => Ok(Self::Index),
            path => path.parse().map(Self::Attribute).map_err(|_| {
                Error::invalid(
                    "template",
                    format!(
                        "${{{path}}} at byte {offset} is neither an attribute such as ${{db/0.private_ip}} nor one of \
                         ${{deployment}}, ${{fleet}}, ${{index}}; write $${{ for a plain ${{"
                    ),
                )
            }),
        }
    }

    fn resolve(&self, scope: &Scope<'_>) -> Result<String> {
        match self {
            Self::Deployment => Ok(scope.deployment.to_string()),
            Self::Fleet => Ok(scope.fleet.to_string()),
            Self::Index => scope.node.map(|node| node.slot.to_string()).ok_or_else(|| {
                Error::invalid(
                    "template",
                    "${index} differs from node to node, and this text is the whole fleet's",
                )
            }),
            Self::Attribute(path) => scope.attributes.get(path).map(str::to_owned).ok_or_else(|| {
                Error::new(ErrorKind::NotFound, "the attribute is not known").on(path.to_string())
            }),
        }
    }
}

impl fmt::Display for Template {
    /// As it was written, references unresolved.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl TryFrom<String> for Template {
    type Error = Error;

    fn try_from(source: String) -> Result<Self> {
        Self::new(source)
    }
}

impl From<Template> for String {
    fn from(template: Template) -> Self {
        template.source
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(text: &str) -> Result<String> {
        let (shop, web) = (Name::new("shop").unwrap(), Name::new("web").unwrap());
        let node = NodeAddress::new(web.clone(), 2);
        let mut attributes = Attributes::new();
        attributes.set(&"db/0".parse().unwrap(), "private_ip", "10.0.0.7");
        Template::new(text)?.resolve(&Scope {
            deployment: &shop,
            fleet: &web,
            node: Some(&node),
            attributes: &attributes,
        })
    }

    #[test]
    fn references_are_replaced_and_a_doubled_dollar_is_not_one() {
        assert_eq!(
            resolve("${deployment}-${fleet}-${index}: ${db/0.private_ip}!").unwrap(),
            "shop-web-2: 10.0.0.7!"
        );
        assert_eq!(resolve("echo $${HOME} $HOME $$").unwrap(), "echo ${HOME} $HOME $$");
        assert_eq!(resolve("").unwrap(), "");
    }

    #[test]
    fn what_cannot_be_read_is_refused_when_the_template_is_made() {
        for bad in ["${HOME}", "${", "${db/0}", "${db.private_ip}", "${db/x.ip}", "${}", "a ${index"] {
            assert!(Template::new(bad).is_err(), "{bad}");
        }
        assert_eq!(resolve("${db/1.private_ip}").unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn a_literal_survives_its_text_form() {
        let literal = Template::literal("a ${HOME} b");
        let again = Template::new(String::from(literal.clone())).unwrap();
        assert_eq!(again.references().count(), 0);
        assert_eq!(again.to_string(), literal.to_string());
    }
}
