//! Addresses and ports.

use std::net::IpAddr;

use super::condition::{Condition, literal};

/// An IPv4 address as one of IPv6.
const MAPPED: &str = "::ffff:0.0.0.0";

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
    let lists =
        networks.chunks(200).map(|part| Condition::Call(format!("{subject}.inNetworks([{}])", part.join(", "))));
    Ok(Condition::any(lists))
}

/// Returns the same for the client's address, which may come from a header.
///
/// Conditions read `::ffff:10.0.0.1` as `10.0.0.1`. For Envoy it is an IPv6 address if a header says so, and then in no
/// network of IPv4.
///
/// # Errors
/// A value that is no network.
pub(super) fn of_client<'v>(values: impl Iterator<Item = &'v str>) -> Result<Condition, String> {
    let networks = values.map(network).collect::<Result<Vec<_>, _>>()?;
    let (six, four): (Vec<_>, Vec<_>) = networks.iter().map(String::as_str).partition(|network| network.contains(':'));
    let is_mapped = || Condition::Call("source.address.startsWith('[::ffff:')".to_owned());
    let of_four = in_networks("source.ip", four.into_iter())?;
    // A network that has one of these addresses has all of them: others are not accepted.
    let has_mapped = six.iter().any(|known| {
        let length = known.split_once('/').map_or("", |(_, length)| length);
        network(&format!("{MAPPED}/{length}")).is_ok_and(|mapped| mapped == *known)
    });
    let of_six = in_networks("source.ip", six.into_iter())?;
    let mapped = if has_mapped { is_mapped() } else { Condition::Always(false) };
    let four = if of_four == Condition::Always(false) { of_four } else { Condition::all([of_four, is_mapped().not()]) };
    Ok(Condition::any([four, of_six, mapped]))
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
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
            let network = std::net::Ipv6Addr::from_bits(address.to_bits() & mask);
            // Conditions read these addresses as those of IPv4, and Envoy does not.
            if length > 96 && network.to_ipv4_mapped().is_some() {
                return Err(invalid());
            }
            IpAddr::from(network)
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
    fn an_ipv4_address_from_a_header_is_in_no_network_of_ipv4() {
        let of = |values: &[&'static str]| of_client(values.iter().copied()).map(|found| found.text());
        let mapped = "source.address.startsWith('[::ffff:')";
        let four = format!("source.ip.inNetworks(['10.0.0.0/8']) && !{mapped}");
        assert_eq!(of(&["10.0.0.0/8"]), Ok(four.clone()));
        assert_eq!(of(&["2001:db8::/32"]), Ok("source.ip.inNetworks(['2001:db8::/32'])".to_owned()));
        for all in ["::/0", "::/80", "::ffff:0:0/96", "::ff00:0:0/88"] {
            let network = network(all).unwrap();
            assert_eq!(
                of(&["10.0.0.0/8", all]),
                Ok(format!("{four} || source.ip.inNetworks(['{network}']) || {mapped}"))
            );
        }
        assert_eq!(of(&["::/96"]), Ok("source.ip.inNetworks(['::/96'])".to_owned()));
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
