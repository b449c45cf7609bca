//! The envelopes around a reply, and what a request and its reply are.

use super::error::ApiError;
use super::params::{ListStyle, Params};
use super::xml::Xml;

/// The two dialects of AWS Query in use.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Protocol {
    /// <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-query-api.html>
    Ec2,
    /// AWS Query: lists and results have one level more.
    Sts,
}

/// One operation's parameters.
pub(crate) trait Request: Sized {
    /// What it answers.
    type Response: Response;

    /// Reads and checks what the model says; what a value means is the handler's business.
    fn parse(params: &Params) -> Result<Self, ApiError>;
}

/// One operation's reply.
pub(crate) trait Response {
    /// The whole document.
    fn to_xml(&self, request_id: &str) -> String;
}

impl Protocol {
    pub(crate) fn lists(self) -> ListStyle {
        match self {
            Self::Ec2 => ListStyle::Flat,
            Self::Sts => ListStyle::Member,
        }
    }

    pub(crate) fn reply(self, operation: &str, request_id: &str, members: impl FnOnce(&mut Xml)) -> String {
        let mut xml = Xml::default();
        let root = format!("{operation}Response");
        xml.open_root(&root, self.namespace());
        match self {
            Self::Ec2 => {
                xml.text("requestId", request_id);
                members(&mut xml);
            }
            Self::Sts => {
                xml.element(&format!("{operation}Result"), members);
                xml.element("ResponseMetadata", |xml| xml.text("RequestId", request_id));
            }
        }
        xml.close(&root);
        xml.finish()
    }

    pub(crate) fn error(self, error: &ApiError, request_id: &str) -> String {
        let mut xml = Xml::default();
        let what = |xml: &mut Xml| {
            xml.text("Code", &error.code);
            xml.text("Message", &error.message);
        };
        match self {
            Self::Ec2 => xml.element("Response", |xml| {
                xml.element("Errors", |xml| xml.element("Error", what));
                xml.text("RequestID", request_id);
            }),
            Self::Sts => {
                xml.open_root("ErrorResponse", self.namespace());
                xml.element("Error", |xml| {
                    xml.text("Type", if error.status < 500 { "Sender" } else { "Receiver" });
                    what(xml);
                });
                xml.text("RequestId", request_id);
                xml.close("ErrorResponse");
            }
        }
        xml.finish()
    }

    /// As in the model's metadata.
    fn namespace(self) -> &'static str {
        match self {
            Self::Ec2 => "http://ec2.amazonaws.com/doc/2016-11-15/",
            Self::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ec2_error_has_the_shape_that_sdks_read() {
        let xml = Protocol::Ec2.error(&ApiError::new("Some.Code", "a < b"), "id-1");
        assert!(xml.ends_with(
            "<Response><Errors><Error><Code>Some.Code</Code><Message>a &lt; b</Message></Error></Errors>\
             <RequestID>id-1</RequestID></Response>"
        ));
    }
}
