//! `firewall = [{ tcp = 443, from = "anywhere" }]`

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::story::tree::{Checked, Value, Wrong, array, only, string, table, text};

const PROTOCOLS: [&str; 5] = ["tcp", "udp", "icmp", "icmpv6", "all"];

pub(super) fn write_out<'i>(value: Value<'i>, _: &Path) -> Checked<Value<'i>> {
    let span = value.span();
    let DeValue::Array(rules) = value.get_ref() else { return Ok(value) };
    let rules = rules.iter().map(rule).collect::<Checked<Vec<_>>>()?;
    Ok(table(span.clone(), [("rules", array(span, rules))]))
}

fn rule<'i>(value: &Value<'i>) -> Checked<Value<'i>> {
    let span = value.span();
    let DeValue::Table(rule) = value.get_ref() else {
        return Err(Wrong::new(span, "a rule is { tcp = 443, from = \"anywhere\" }"));
    };
    if rule.contains_key("protocol") {
        return Ok(value.clone());
    }
    only(rule, &["tcp", "udp", "icmp", "icmpv6", "all", "from", "description"])?;
    let mut named = PROTOCOLS.into_iter().filter_map(|name| rule.get_key_value(name));
    let (Some((protocol, what)), None) = (named.next(), named.next()) else {
        return Err(Wrong::new(span, "a rule is for one of tcp, udp, icmp, icmpv6 and all"));
    };
    let mut entries = vec![("protocol", text(protocol.span(), protocol.get_ref().as_ref()))];
    if matches!(protocol.get_ref().as_ref(), "tcp" | "udp") {
        entries.push(("ports", ports(what)?));
    } else if what.get_ref().as_bool() != Some(true) {
        return Err(Wrong::new(
            what.span(),
            format!("only tcp and udp have ports; write {} = true", protocol.get_ref()),
        ));
    }
    entries.push(("source", source(rule, span.clone())?));
    entries.extend(rule.get("description").map(|text| ("description", text.clone())));
    Ok(table(span, entries))
}

/// `443`, `"443"` or `"8000-8100"`
fn ports<'i>(value: &Value<'i>) -> Checked<Value<'i>> {
    let span = value.span();
    let wrong = || Wrong::new(span.clone(), "expected a port such as 443, or a range such as \"8000-8100\"");
    let (from, to) = match value.get_ref() {
        DeValue::Integer(_) => (value.clone(), value.clone()),
        DeValue::String(DeString::Borrowed(range)) => {
            let (from, to) = range.split_once('-').unwrap_or((range, range));
            let port = |text: &'i str| match text.trim().parse::<u16>() {
                Ok(_) => DeValue::parse(text.trim()).map(Spanned::into_inner).map_err(|_| wrong()),
                Err(_) => Err(wrong()),
            };
            (Spanned::new(span.clone(), port(from)?), Spanned::new(span.clone(), port(to)?))
        }
        _ => return Err(wrong()),
    };
    Ok(table(span, [("from", from), ("to", to)]))
}

fn source<'i>(rule: &DeTable<'i>, span: Range<usize>) -> Checked<Value<'i>> {
    let Some(from) = rule.get("from") else {
        return Err(Wrong::new(span, "a rule says from where: from = \"10.0.0.0/8\""));
    };
    let span = from.span();
    if matches!(from.get_ref(), DeValue::Table(_)) {
        return Ok(from.clone());
    }
    let one = |key, value: &str| table(span.clone(), [(key, text(span.clone(), value))]);
    Ok(match string(from, "a source such as \"anywhere\"")? {
        "anywhere" => from.clone(),
        "my-address" | "my_address" => text(span, "my_address"),
        group if group.starts_with("sg-") => one("group", group),
        other => match other.strip_prefix("fleet:") {
            Some(fleet) => one("fleet", fleet),
            None if other.parse::<ipnet::IpNet>().is_ok() => one("cidr", other),
            None => {
                return Err(Wrong::new(
                    span,
                    format!(
                        "expected anywhere, my-address, fleet:NAME, sg-… or a network such as 10.0.0.0/8, not {other:?}"
                    ),
                ));
            }
        },
    })
}
