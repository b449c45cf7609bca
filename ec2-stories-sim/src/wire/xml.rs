//! Writes XML, escaped.

use jiff::Timestamp;

use super::sensitive::Sensitive;
use super::timestamp;

/// A document being written.
#[derive(Debug)]
pub(crate) struct Xml(String);

impl Default for Xml {
    fn default() -> Self {
        Self("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned())
    }
}

impl Xml {
    pub(crate) fn open_root(&mut self, name: &str, namespace: &str) {
        self.0.extend(["<", name, " xmlns=\"", namespace, "\">"]);
    }

    pub(crate) fn close(&mut self, name: &str) {
        self.0.extend(["</", name, ">"]);
    }

    pub(crate) fn element(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        self.0.extend(["<", name, ">"]);
        content(self);
        self.close(name);
    }

    pub(crate) fn text(&mut self, name: &str, text: &str) {
        self.element(name, |xml| xml.escape(text));
    }

    pub(crate) fn list<T: Element>(&mut self, name: &str, item: &str, items: &[T]) {
        self.element(name, |xml| items.iter().for_each(|each| each.write(item, xml)));
    }

    pub(crate) fn finish(self) -> String {
        self.0
    }

    fn escape(&mut self, text: &str) {
        for char in text.chars() {
            match char {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                // A parser would make a line feed of it.
                '\r' => self.0.push_str("&#13;"),
                // Not allowed in XML 1.0 in any form.
                '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' => self.0.push('\u{fffd}'),
                char => self.0.push(char),
            }
        }
    }
}

/// A value that can stand in a reply.
pub(crate) trait Element {
    fn write(&self, name: &str, xml: &mut Xml);
}

impl<T: Element> Element for Option<T> {
    fn write(&self, name: &str, xml: &mut Xml) {
        if let Some(value) = self {
            value.write(name, xml);
        }
    }
}

impl<T: Element> Element for Vec<T> {
    fn write(&self, name: &str, xml: &mut Xml) {
        // EC2 answers `<ipRanges/>` for an empty list, but leaves out the tags of what has none.
        if !(self.is_empty() && name == "tagSet") {
            xml.list(name, "item", self);
        }
    }
}

impl Element for String {
    fn write(&self, name: &str, xml: &mut Xml) {
        xml.text(name, self);
    }
}

impl Element for Sensitive {
    fn write(&self, name: &str, xml: &mut Xml) {
        xml.text(name, self);
    }
}

impl Element for Timestamp {
    fn write(&self, name: &str, xml: &mut Xml) {
        xml.text(name, &timestamp::format(*self));
    }
}

macro_rules! displayed {
    ($($type:ty)*) => {$(
        impl Element for $type {
            fn write(&self, name: &str, xml: &mut Xml) {
                xml.text(name, &self.to_string());
            }
        }
    )*};
}

displayed!(bool i32 i64 f64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        let mut xml = Xml::default();
        "<&>\"\r\u{1}é".to_owned().write("a", &mut xml);
        assert!(xml.finish().ends_with("<a>&lt;&amp;&gt;&quot;&#13;\u{fffd}é</a>"));
    }

    #[test]
    fn an_empty_list_is_an_empty_element_but_for_tags() {
        let mut xml = Xml::default();
        Vec::<i32>::new().write("groupSet", &mut xml);
        Vec::<i32>::new().write("tagSet", &mut xml);
        vec![1, 2].write("ids", &mut xml);
        assert!(xml.finish().ends_with("\n<groupSet></groupSet><ids><item>1</item><item>2</item></ids>"));
    }
}
