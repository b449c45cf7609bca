//! The parameters of a request: `TagSpecification.1.Tag.2.Key=…` as a tree.

use std::collections::BTreeMap;

use super::error::ApiError;

/// A Query request's parameters.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Params {
    action: String,
    version: String,
    root: Node,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Node {
    value: Option<String>,
    children: BTreeMap<String, Node>,
}

/// How a list is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ListStyle {
    /// `InstanceId.1` (EC2).
    Flat,
    /// `PolicyArns.member.1` (STS).
    Member,
}

/// Query-string authentication, which is the caller's business.
const AUTHENTICATION: [&str; 7] = [
    "AWSAccessKeyId",
    "Expires",
    "SecurityToken",
    "Signature",
    "SignatureMethod",
    "SignatureVersion",
    "Timestamp",
];

/// Levels of a parameter's name. The model's deepest has ten.
const MAX_DEPTH: usize = 16;

impl Params {
    /// Reads an `application/x-www-form-urlencoded` body or a query string.
    pub(crate) fn from_form(form: &[u8]) -> Result<Self, ApiError> {
        let mut params = Self::default();
        for (name, value) in form_urlencoded::parse(form) {
            match &*name {
                "Action" => params.action = value.into_owned(),
                "Version" => params.version = value.into_owned(),
                name if AUTHENTICATION.contains(&name) || name.starts_with("X-Amz-") => {}
                name if name.split('.').count() > MAX_DEPTH => return Err(ApiError::unknown_parameter(name)),
                name => params.root.at(name).value = Some(value.into_owned()),
            }
        }
        if params.action.is_empty() {
            return Err(ApiError::missing_action());
        }
        Ok(params)
    }

    pub(crate) fn action(&self) -> &str {
        &self.action
    }

    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// One value by its full name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        name.split('.').try_fold(&self.root, |node, part| node.children.get(part))?.value.as_deref()
    }

    pub(crate) fn cursor(&self, lists: ListStyle) -> Cursor<'_> {
        Cursor { node: Some(&self.root), path: String::new(), lists }
    }
}

impl Node {
    fn at(&mut self, path: &str) -> &mut Self {
        path.split('.').fold(self, |node, part| node.children.entry(part.to_owned()).or_default())
    }
}

/// A place in the tree, whether something stands there or not.
#[derive(Debug)]
pub(crate) struct Cursor<'a> {
    node: Option<&'a Node>,
    path: String,
    lists: ListStyle,
}

impl<'a> Cursor<'a> {
    pub(crate) fn is_absent(&self) -> bool {
        self.node.is_none()
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn member(&self, name: &str) -> Self {
        self.child(name, self.node.and_then(|node| node.children.get(name)))
    }

    /// The text that stands here, and nothing below it.
    pub(crate) fn text(&self) -> Result<&'a str, ApiError> {
        let node = self.node.ok_or_else(|| ApiError::missing_parameter(&self.path))?;
        self.only(&[])?;
        node.value.as_deref().ok_or_else(|| ApiError::missing_parameter(&self.path))
    }

    /// Refuses members other than `names`.
    pub(crate) fn only(&self, names: &[&str]) -> Result<(), ApiError> {
        let unknown = self.children().find(|(name, _)| !names.contains(&name.as_str()));
        match unknown {
            Some((name, node)) => {
                Err(ApiError::unknown_parameter(&self.child(name, Some(node)).deepest_first()))
            }
            None => Ok(()),
        }
    }

    /// The items of a list, by their numbers.
    pub(crate) fn items(&self) -> Result<Vec<Self>, ApiError> {
        match self.lists {
            ListStyle::Flat => self.numbered(),
            ListStyle::Member => {
                self.only(&["member"])?;
                self.member("member").numbered()
            }
        }
    }

    fn numbered(&self) -> Result<Vec<Self>, ApiError> {
        let mut items = Vec::new();
        for (name, node) in self.children() {
            let item = self.child(name, Some(node));
            let number: u32 = name.parse().map_err(|_| ApiError::unknown_parameter(&item.path))?;
            items.push((number, item));
        }
        items.sort_by_key(|(number, _)| *number);
        Ok(items.into_iter().map(|(_, item)| item).collect())
    }

    fn children(&self) -> impl Iterator<Item = (&'a String, &'a Node)> + use<'a> {
        self.node.into_iter().flat_map(|node| &node.children)
    }

    fn child(&self, name: &str, node: Option<&'a Node>) -> Self {
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        Self { node, path, lists: self.lists }
    }

    /// The whole name of the first parameter at or below this place.
    fn deepest_first(&self) -> String {
        match self.children().next() {
            Some((name, node)) if self.node.is_some_and(|here| here.value.is_none()) => {
                self.child(name, Some(node)).deepest_first()
            }
            _ => self.path.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_becomes_a_tree_without_what_authenticates_it() {
        let params = Params::from_form(b"Action=A&Version=2016-11-15&X-Amz-Date=x&Tag.1.Key=a+b%26").unwrap();
        assert_eq!((params.action(), params.version()), ("A", "2016-11-15"));
        assert_eq!(params.get("Tag.1.Key"), Some("a b&"));
        assert!(params.cursor(ListStyle::Flat).only(&["Tag"]).is_ok());
    }

    #[test]
    fn items_come_in_the_order_of_their_numbers() {
        let params = Params::from_form(b"Action=A&Id.10=c&Id.2=b&Id.1=a").unwrap();
        let items = params.cursor(ListStyle::Flat).member("Id").items().unwrap();
        assert_eq!(items.iter().map(|item| item.text().unwrap()).collect::<String>(), "abc");
    }

    #[test]
    fn an_unknown_parameter_is_named_in_full() {
        let params = Params::from_form(b"Action=A&Placement.Nonsense.Deep=1").unwrap();
        let error = params.cursor(ListStyle::Flat).member("Placement").only(&["Tenancy"]).unwrap_err();
        assert_eq!(error.code, "UnknownParameter");
        assert_eq!(error.message, "The parameter Placement.Nonsense.Deep is not recognized");
    }

    #[test]
    fn a_name_without_end_does_not_exhaust_the_stack() {
        let form = format!("Action=A&{}=1", ["A"; 100_000].join("."));
        assert_eq!(Params::from_form(form.as_bytes()).unwrap_err().code, "UnknownParameter");
    }

    #[test]
    fn no_action_is_an_error() {
        assert_eq!(Params::from_form(b"Version=1").unwrap_err().code, "MissingAction");
    }
}
