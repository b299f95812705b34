//! Addresses and ports.

use std::net::IpAddr;

use super::condition::{Condition, literal};

/// Returns the condition that an address is in one of the networks: `10.0.0.0/8`, or one address.
///
/// # Errors
/// A value that is neither.
pub(super) fn in_networks<'v>(subject: &str, values: impl Iterator<Item = &'v str>) -> Result<Condition, String> {
    let mut networks = Vec::new();
    for value in values {
        let network = literal(&network(value)?);
        if !networks.contains(&network) {
            networks.push(network);
        }
    }
    // The compiler makes one set of a list, so long ones are cut only to keep expressions short.
    let lists = networks.chunks(200).map(|part| Condition::Call(format!("{subject}.inNetworks([{}])", part.join(", "))));
    Ok(Condition::any(lists))
}

/// Returns an address within a network.
pub(super) fn example(value: &str) -> Option<String> {
    value.split('/').next().map(str::to_owned).filter(|address| address.parse::<IpAddr>().is_ok())
}

/// Returns a network without the bits behind its prefix, which Envoy ignores.
fn network(value: &str) -> Result<String, String> {
    let invalid = || format!("`{value}` is neither an address nor a network");
    let (address, length) = match value.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (value, None),
    };
    let address: IpAddr = address.parse().map_err(|_| invalid())?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let length = match length {
        None => most,
        Some(text) if text.starts_with('+') || (text.len() > 1 && text.starts_with('0')) => return Err(invalid()),
        Some(text) => text.parse().ok().filter(|length| *length <= most).ok_or_else(invalid)?,
    };
    let address = match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            IpAddr::from(std::net::Ipv4Addr::from_bits(address.to_bits() & mask))
        }
        // Envoy does not compare the IPv4 addresses of a listener with these.
        IpAddr::V6(address) if address.to_ipv4_mapped().is_some() => return Err(invalid()),
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
            IpAddr::from(std::net::Ipv6Addr::from_bits(address.to_bits() & mask))
        }
    };
    Ok(format!("{address}/{length}"))
}

/// Returns the condition that the port is one of these.
///
/// # Errors
/// A value that is no port.
pub(super) fn ports<'v>(values: impl Iterator<Item = &'v str>) -> Result<Condition, String> {
    let mut ports = Vec::new();
    for value in values {
        let digits = !value.is_empty() && value.chars().all(|c| c.is_ascii_digit());
        let port: u16 = value.parse().ok().filter(|_| digits).ok_or_else(|| format!("`{value}` is not a port"))?;
        let port = port.to_string();
        if !ports.contains(&port) {
            ports.push(port);
        }
    }
    Ok(Condition::equals("destination.port", ports))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_have_no_bits_behind_their_prefix() {
        for (value, expected) in [
            ("10.1.2.3", Some("10.1.2.3/32")),
            ("10.1.2.3/8", Some("10.0.0.0/8")),
            ("10.1.2.3/0", Some("0.0.0.0/0")),
            ("2001:db8::1/32", Some("2001:db8::/32")),
            ("2001:db8::1", Some("2001:db8::1/128")),
            ("::/0", Some("::/0")),
            ("::ffff:10.0.0.1", None),
            ("10.0.0.0/33", None),
            ("10.0.0.0/08", None),
            ("10.0.0", None),
            ("*", None),
        ] {
            assert_eq!(network(value).ok().as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn ports_are_numbers() {
        assert_eq!(ports(["80", "8080", "080"].into_iter()).unwrap().text(), "destination.port in [80, 8080]");
        assert_eq!(ports(["80"].into_iter()).unwrap().text(), "destination.port == 80");
        for wrong in ["65536", "", "+80", "http"] {
            assert!(ports([wrong].into_iter()).is_err(), "{wrong}");
        }
    }
}
