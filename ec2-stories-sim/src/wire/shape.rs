//! Turns the generated tables into structs that are read from parameters and written as XML.
//!
//! A line of a table is `member: Type = "Name" [rule]…`. `input!` structs are read, `output!` ones written, `both!`
//! ones have the name to read and the name to write: `"Name" / "name"`. Rules are functions of `rules`. `convert!` makes
//! one structure from another whose members have the same names, `overlay!` lets one stand in for another of its kind.

use jiff::Timestamp;

use super::error::ApiError;
use super::params::Cursor;
use super::sensitive::Sensitive;
use super::timestamp;
use super::xml::{Element, Xml};

/// A value that can be read from parameters.
pub(crate) trait FromParams: Sized {
    fn read(at: &Cursor<'_>) -> Result<Self, ApiError>;
}

impl<T: FromParams> FromParams for Option<T> {
    fn read(at: &Cursor<'_>) -> Result<Self, ApiError> {
        if at.is_absent() { Ok(None) } else { T::read(at).map(Some) }
    }
}

impl<T: FromParams> FromParams for Vec<T> {
    fn read(at: &Cursor<'_>) -> Result<Self, ApiError> {
        at.items()?.iter().map(T::read).collect()
    }
}

impl FromParams for String {
    fn read(at: &Cursor<'_>) -> Result<Self, ApiError> {
        at.text().map(str::to_owned)
    }
}

impl FromParams for Sensitive {
    fn read(at: &Cursor<'_>) -> Result<Self, ApiError> {
        String::read(at).map(Self::from)
    }
}

impl FromParams for Timestamp {
    fn read(at: &Cursor<'_>) -> Result<Self, ApiError> {
        let text = at.text()?;
        timestamp::parse(text).ok_or_else(|| ApiError::invalid_value(text, at.path()))
    }
}

macro_rules! parsed {
    ($($type:ty)*) => {$(
        impl FromParams for $type {
            fn read(at: &Cursor<'_>) -> Result<Self, ApiError> {
                let text = at.text()?;
                text.parse().map_err(|_| ApiError::invalid_value(text, at.path()))
            }
        }
    )*};
}

parsed!(bool i32 i64 f64);

/// The `<return>true</return>` of an operation that has nothing to tell.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Acknowledged;

impl Element for Acknowledged {
    fn write(&self, name: &str, xml: &mut Xml) {
        xml.text(name, "true");
    }
}

macro_rules! record {
    ($name:ident { $($member:ident: $type:ty,)* }) => {
        #[derive(Clone, Debug, Default, PartialEq)]
        pub(crate) struct $name {
            $(pub(crate) $member: $type,)*
        }
    };
}

macro_rules! reader {
    ($name:ident { $($member:ident: $type:ty = $wire:literal $([$rule:ident $($argument:expr),*])*,)* }) => {
        impl $crate::wire::shape::FromParams for $name {
            fn read(
                at: &$crate::wire::params::Cursor<'_>,
            ) -> Result<Self, $crate::wire::ApiError> {
                at.only(&[$($wire),*])?;
                $(
                    let place = at.member($wire);
                    let $member: $type = $crate::wire::shape::FromParams::read(&place)?;
                    $($crate::wire::rules::$rule(&place, &$member, $($argument),*)?;)*
                )*
                Ok(Self { $($member,)* })
            }
        }
    };
}

macro_rules! writer {
    ($name:ident { $($member:ident = $wire:literal $([item $item:literal])?,)* }) => {
        impl $name {
            #[allow(unused_variables)] // Some have no members.
            fn write_members(&self, xml: &mut $crate::wire::xml::Xml) {
                $($crate::wire::shape::write_member!(self.$member, xml, $wire $(, $item)?);)*
            }
        }

        impl $crate::wire::xml::Element for $name {
            fn write(&self, name: &str, xml: &mut $crate::wire::xml::Xml) {
                xml.element(name, |xml| self.write_members(xml));
            }
        }
    };
}

macro_rules! write_member {
    ($member:expr, $xml:ident, $wire:literal) => {
        $crate::wire::xml::Element::write(&$member, $wire, $xml)
    };
    ($member:expr, $xml:ident, $wire:literal, $item:literal) => {
        $xml.list($wire, $item, &$member)
    };
}

macro_rules! input {
    (struct $name:ident { $($member:ident: $type:ty = $wire:literal $([$($rule:tt)*])*,)* }) => {
        $crate::wire::shape::record! { $name { $($member: $type,)* } }
        $crate::wire::shape::reader! { $name { $($member: $type = $wire $([$($rule)*])*,)* } }
    };
}

macro_rules! output {
    (struct $name:ident { $($member:ident: $type:ty = $wire:literal $([$($rule:tt)*])?,)* }) => {
        $crate::wire::shape::record! { $name { $($member: $type,)* } }
        $crate::wire::shape::writer! { $name { $($member = $wire $([$($rule)*])?,)* } }
    };
}

macro_rules! both {
    (struct $name:ident { $($member:ident: $type:ty = $read:literal / $written:literal $([$($rule:tt)*])*,)* }) => {
        $crate::wire::shape::record! { $name { $($member: $type,)* } }
        $crate::wire::shape::reader! { $name { $($member: $type = $read $([$($rule)*])*,)* } }
        $crate::wire::shape::writer! { $name { $($member = $written,)* } }
    };
}

/// What a member becomes in a structure of another name. All members are options or lists.
pub(crate) trait Convert<To> {
    fn convert(self) -> To;
}

impl<From: Into<To>, To> Convert<Option<To>> for Option<From> {
    fn convert(self) -> Option<To> {
        self.map(Into::into)
    }
}

impl<From: Into<To>, To> Convert<Vec<To>> for Vec<From> {
    fn convert(self) -> Vec<To> {
        self.into_iter().map(Into::into).collect()
    }
}

macro_rules! convert {
    ($from:ident => $to:ident { $($member:ident),* }) => {
        impl From<$from> for $to {
            #[allow(clippy::needless_update)] // Some have no other members.
            fn from(from: $from) -> Self {
                Self {
                    $($member: $crate::wire::shape::Convert::convert(from.$member),)*
                    ..Self::default()
                }
            }
        }
    };
}

/// A member that another stands in for when it is not given.
pub(crate) trait OrElse {
    fn or_else(self, other: Self) -> Self;
}

impl<T> OrElse for Option<T> {
    fn or_else(self, other: Self) -> Self {
        self.or(other)
    }
}

impl<T> OrElse for Vec<T> {
    fn or_else(self, other: Self) -> Self {
        if self.is_empty() { other } else { self }
    }
}

macro_rules! overlay {
    ($name:ident { $($member:ident),* }) => {
        impl $name {
            /// Every member of its own or, where it has none, that of `defaults`.
            pub(crate) fn or(self, defaults: Self) -> Self {
                Self { $($member: $crate::wire::shape::OrElse::or_else(self.$member, defaults.$member),)* }
            }
        }
    };
}

macro_rules! operations {
    ($protocol:ident; $($name:ident: $request:ident => $response:ident,)*) => {
        /// The operations that the service knows here.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub(crate) enum Operation {
            $($name,)*
        }

        impl Operation {
            pub(crate) const NAMES: &[&str] = &[$(stringify!($name),)*];

            pub(crate) fn from_name(name: &str) -> Option<Self> {
                match name {
                    $(stringify!($name) => Some(Self::$name),)*
                    _ => None,
                }
            }

            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }
        }

        $(
            impl $crate::wire::Request for $request {
                type Response = $response;

                fn parse(params: &$crate::wire::Params) -> Result<Self, $crate::wire::ApiError> {
                    let lists = $crate::wire::Protocol::$protocol.lists();
                    $crate::wire::shape::FromParams::read(&params.cursor(lists))
                }
            }

            impl $crate::wire::Response for $response {
                fn to_xml(&self, request_id: &str) -> String {
                    $crate::wire::Protocol::$protocol
                        .reply(stringify!($name), request_id, |xml| self.write_members(xml))
                }
            }
        )*
    };
}

pub(crate) use {both, convert, input, operations, output, overlay, reader, record, write_member, writer};
