//! The functions for IP addresses and CIDR ranges.

use core::net::IpAddr;

use crate::address::{self, mask};
use crate::vm::env::{Env, Outcome};
use crate::vm::error::EvalErrorKind;
use crate::vm::value::Value;

const NO_OVERLOAD: EvalErrorKind = EvalErrorKind::NoSuchOverload;
const INVALID: EvalErrorKind = EvalErrorKind::InvalidArgument;

fn contains((range, bits): (IpAddr, u8), address: IpAddr) -> bool {
    range.is_ipv4() == address.is_ipv4() && mask(range, bits) == mask(address, bits)
}

/// `ip()`
pub(in crate::vm) fn ip<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    match arguments {
        [Value::String(text)] => address::parse(text).map(Value::Ip).ok_or(INVALID),
        [Value::Ip(address)] | [Value::Cidr(address, _)] => Ok(Value::Ip(*address)),
        _ => Err(NO_OVERLOAD),
    }
}

/// `cidr()`
pub(in crate::vm) fn cidr<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    match arguments {
        [Value::String(text)] => {
            address::parse_network(text).map(|(address, bits)| Value::Cidr(address, bits)).ok_or(INVALID)
        }
        [Value::Cidr(address, bits)] => Ok(Value::Cidr(*address, *bits)),
        _ => Err(NO_OVERLOAD),
    }
}

/// `isIP()`
pub(in crate::vm) fn is_ip<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [Value::String(text)] = arguments else { return Err(NO_OVERLOAD) };
    Ok(Value::Bool(address::parse(text).is_some()))
}

/// `isCIDR()`
pub(in crate::vm) fn is_cidr<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [Value::String(text)] = arguments else { return Err(NO_OVERLOAD) };
    Ok(Value::Bool(address::parse_network(text).is_some()))
}

/// `ip.isCanonical()`
pub(in crate::vm) fn is_canonical<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [Value::String(text)] = arguments else { return Err(NO_OVERLOAD) };
    let address = address::parse(text).ok_or(INVALID)?;
    Ok(Value::Bool(address.to_string() == *text))
}

/// Returns the result of a function of one address.
fn asked<'a>(arguments: &[Value<'a>], answer: impl FnOnce(IpAddr) -> Value<'a>) -> Outcome<'a> {
    match arguments {
        [Value::Ip(address)] => Ok(answer(*address)),
        _ => Err(NO_OVERLOAD),
    }
}

/// `family()`
pub(in crate::vm) fn family<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    asked(arguments, |address| Value::Int(if address.is_ipv4() { 4 } else { 6 }))
}

/// `isUnspecified()`
pub(in crate::vm) fn is_unspecified<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    asked(arguments, |address| Value::Bool(address.is_unspecified()))
}

/// `isLoopback()`
pub(in crate::vm) fn is_loopback<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    asked(arguments, |address| Value::Bool(address.is_loopback()))
}

/// `isGlobalUnicast()`: any address of one host that is not local to a link. Private addresses are included.
pub(in crate::vm) fn is_global_unicast<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    asked(arguments, |address| {
        let broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
        let special = address.is_unspecified() || address.is_loopback() || address.is_multicast();
        Value::Bool(!broadcast && !special && !link_local_unicast(address))
    })
}

/// `isLinkLocalMulticast()`
pub(in crate::vm) fn is_link_local_multicast<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    asked(arguments, |address| match address {
        IpAddr::V4(v4) => Value::Bool(matches!(v4.octets(), [224, 0, 0, _])),
        IpAddr::V6(v6) => {
            let [first, ..] = v6.segments();
            Value::Bool(first & 0xff0f == 0xff02)
        }
    })
}

/// `isLinkLocalUnicast()`
pub(in crate::vm) fn is_link_local_unicast<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    asked(arguments, |address| Value::Bool(link_local_unicast(address)))
}

fn link_local_unicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => {
            let [first, ..] = v6.segments();
            first & 0xffc0 == 0xfe80
        }
    }
}

/// `containsIP()`
pub(in crate::vm) fn contains_ip<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let (range, address) = match arguments {
        [Value::Cidr(range, bits), Value::Ip(address)] => ((*range, *bits), *address),
        [Value::Cidr(range, bits), Value::String(text)] => ((*range, *bits), address::parse(text).ok_or(INVALID)?),
        _ => return Err(NO_OVERLOAD),
    };
    Ok(Value::Bool(contains(range, address)))
}

/// `containsCIDR()`
pub(in crate::vm) fn contains_cidr<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let (range, (address, bits)) = match arguments {
        [Value::Cidr(range, own), Value::Cidr(address, bits)] => ((*range, *own), (*address, *bits)),
        [Value::Cidr(range, own), Value::String(text)] => {
            ((*range, *own), address::parse_network(text).ok_or(INVALID)?)
        }
        _ => return Err(NO_OVERLOAD),
    };
    Ok(Value::Bool(range.1 <= bits && contains(range, address)))
}

/// `masked()`
pub(in crate::vm) fn masked<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    match arguments {
        [Value::Cidr(address, bits)] => Ok(Value::Cidr(mask(*address, *bits), *bits)),
        _ => Err(NO_OVERLOAD),
    }
}

/// `prefixLength()`
pub(in crate::vm) fn prefix_length<'a>(_: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    match arguments {
        [Value::Cidr(_, bits)] => Ok(Value::Int(i64::from(*bits))),
        _ => Err(NO_OVERLOAD),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vm::library::testing::call;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn texts_are_addresses_or_not() {
        let cases = [
            ("127.0.0.1", true, true),
            ("::1", true, true),
            ("2001:db8::1", true, true),
            ("2001:DB8::1", true, false),
            ("2001:db8:0:0:0:0:0:1", true, false),
            ("::ffff:1.2.3.4", false, false),
            ("::ffff:c0a8:1", true, false),
            ("1.2.3", false, false),
            ("1.2.3.04", false, false),
            ("fe80::1%eth0", false, false),
            ("1.2.3.4/8", false, false),
            ("", false, false),
        ];
        for (text, is_ip, canonical) in cases {
            let text = Value::String(text);
            assert_eq!(call("isIP", &[text]), format!("Bool({is_ip})"), "{text:?}");
            let expected = if is_ip { format!("Bool({canonical})") } else { "invalid-argument".into() };
            assert_eq!(call("ip.isCanonical", &[text]), expected, "{text:?}");
        }
    }

    #[test]
    fn texts_are_ranges_or_not() {
        let cases = [
            ("10.0.0.0/8", true),
            ("10.1.2.3/0", true),
            ("::1/128", true),
            ("10.0.0.0/33", false),
            ("::/129", false),
            ("10.0.0.0/08", false),
            ("10.0.0.0/+8", false),
            ("10.0.0.0/", false),
            ("10.0.0.0", false),
            ("::ffff:1.2.3.4/100", false),
        ];
        for (text, is_cidr) in cases {
            assert_eq!(call("isCIDR", &[Value::String(text)]), format!("Bool({is_cidr})"), "{text}");
        }
    }

    #[test]
    fn addresses_are_of_kinds() {
        let kinds = ["isUnspecified", "isLoopback", "isGlobalUnicast", "isLinkLocalMulticast", "isLinkLocalUnicast"];
        let cases = [
            ("0.0.0.0", "10000"),
            ("::", "10000"),
            ("127.0.0.9", "01000"),
            ("::1", "01000"),
            ("192.168.0.1", "00100"),
            ("2001:db8::1", "00100"),
            ("fd00::1", "00100"),
            ("255.255.255.255", "00000"),
            ("224.0.0.1", "00010"),
            ("224.0.1.1", "00000"),
            ("ff02::1", "00010"),
            ("ff05::1", "00000"),
            ("169.254.1.1", "00001"),
            ("fe80::1", "00001"),
        ];
        for (text, expected) in cases {
            let address = Value::Ip(text.parse().unwrap());
            let answers: String =
                kinds.iter().map(|kind| if call(kind, &[address]) == "Bool(true)" { '1' } else { '0' }).collect();
            assert_eq!(answers, expected, "{text}");
            assert_eq!(call("family", &[address]), if text.contains(':') { "Int(6)" } else { "Int(4)" });
        }
    }

    #[test]
    fn ranges_contain_addresses_and_ranges() {
        let (address, bits) = address::parse_network("192.168.1.5/24").unwrap();
        let range = Value::Cidr(address, bits);
        let text = Value::String;
        let cases = [
            ("containsIP", text("192.168.1.200"), "Bool(true)"),
            ("containsIP", text("192.168.2.1"), "Bool(false)"),
            ("containsIP", text("::1"), "Bool(false)"),
            ("containsIP", text("x"), "invalid-argument"),
            ("containsIP", Value::Ip(address), "Bool(true)"),
            ("containsCIDR", text("192.168.1.128/25"), "Bool(true)"),
            ("containsCIDR", text("192.168.0.0/16"), "Bool(false)"),
            ("containsCIDR", range, "Bool(true)"),
            ("containsCIDR", Value::Int(1), "no-such-overload"),
        ];
        for (function, argument, expected) in cases {
            assert_eq!(call(function, &[range, argument]), expected, "{function}({argument:?})");
        }
        assert_eq!(call("masked", &[range]), "Cidr(192.168.1.0, 24)");
        assert_eq!(call("prefixLength", &[range]), "Int(24)");
        assert_eq!(call("ip", &[range]), "Ip(192.168.1.5)");
        assert_eq!(call("string", &[range]), r#"String("192.168.1.5/24")"#);
        assert_eq!(mask("ffff::1".parse().unwrap(), 0).to_string(), "::");
    }
}
