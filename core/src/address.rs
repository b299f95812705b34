//! IP addresses and networks, as texts and as sets.
//!
//! An IPv4 address that is mapped into IPv6 is the IPv4 address. The form of it with dots is not accepted, and neither
//! is a zone.

use crate::sort;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use wincode::{SchemaRead, SchemaWrite};

/// Parses an address.
pub(crate) fn parse(text: &str) -> Option<IpAddr> {
    let address: IpAddr = text.parse().ok()?;
    match address {
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() && text.contains('.') => None,
        address => Some(address.to_canonical()),
    }
}

/// Parses a network such as `10.0.0.0/8`. Returns its address and the length of its prefix. The network of an IPv4 address
/// that is mapped into IPv6 is none: `::ffff:a00:0/8` could mean 8 bits of either address.
pub(crate) fn parse_network(text: &str) -> Option<(IpAddr, u8)> {
    let (address, bits) = text.rsplit_once('/')?;
    let address = parse(address).filter(|parsed| parsed.is_ipv6() || !address.contains(':'))?;
    let plain = bits.bytes().all(|byte| byte.is_ascii_digit()) && (bits == "0" || !bits.starts_with('0'));
    let bits: u8 = if plain { bits.parse().ok()? } else { return None };
    (bits <= width(address)).then_some((address, bits))
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// Returns the address with all bits after the prefix zero.
pub(crate) fn mask(address: IpAddr, bits: u8) -> IpAddr {
    let cut = u32::from(width(address).saturating_sub(bits));
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(cut).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask))
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(cut).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask))
        }
    }
}

/// A set of networks: ranges of addresses (first and last), sorted and without overlaps. A look-up is a binary search,
/// however many there are.
#[derive(Debug, Clone, Default, PartialEq, Eq, SchemaRead, SchemaWrite)]
pub struct Networks {
    /// Ranges of IPv4.
    pub v4: Vec<(u32, u32)>,
    /// Ranges of IPv6.
    pub v6: Vec<(u128, u128)>,
}

impl Networks {
    /// Returns the set of these networks, or `None` if a text is not a network.
    pub fn of<'t>(texts: impl IntoIterator<Item = &'t str>) -> Option<Self> {
        let mut set = Self::default();
        for text in texts {
            let (address, bits) = parse_network(text)?;
            let rest = u32::from(width(address).saturating_sub(bits));
            match mask(address, bits) {
                IpAddr::V4(first) => {
                    let others = u32::MAX.checked_shl(rest).map_or(u32::MAX, |kept| !kept);
                    set.v4.push((first.to_bits(), first.to_bits() | others));
                }
                IpAddr::V6(first) => {
                    let others = u128::MAX.checked_shl(rest).map_or(u128::MAX, |kept| !kept);
                    set.v6.push((first.to_bits(), first.to_bits() | others));
                }
            }
        }
        Some(Self { v4: apart(set.v4), v6: apart(set.v6) })
    }

    /// Returns the union of both sets.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        let v4 = self.v4.iter().chain(&other.v4).copied().collect();
        let v6 = self.v6.iter().chain(&other.v6).copied().collect();
        Self { v4: apart(v4), v6: apart(v6) }
    }

    /// Returns whether the address is in one of the networks.
    pub fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(v4) => within(&self.v4, v4.to_bits()),
            IpAddr::V6(v6) => within(&self.v6, v6.to_bits()),
        }
    }

    /// Returns whether the ranges are sorted and do not overlap, as [`Networks::contains`] requires.
    pub(crate) fn is_ordered(&self) -> bool {
        is_ordered(&self.v4) && is_ordered(&self.v6)
    }
}

/// Sorts ranges, and joins those that overlap.
fn apart<T: Ord + Copy>(mut ranges: Vec<(T, T)>) -> Vec<(T, T)> {
    sort::sort(&mut ranges);
    let mut found: Vec<(T, T)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match found.last_mut() {
            Some((_, end)) if first <= *end => *end = last.max(*end),
            _ => found.push((first, last)),
        }
    }
    found
}

fn within<T: Ord>(ranges: &[(T, T)], address: T) -> bool {
    let after = ranges.partition_point(|(first, _)| *first <= address);
    after.checked_sub(1).and_then(|at| ranges.get(at)).is_some_and(|(_, last)| address <= *last)
}

fn is_ordered<T: Ord>(ranges: &[(T, T)]) -> bool {
    let apart = ranges.iter().zip(ranges.iter().skip(1)).all(|((_, last), (first, _))| last < first);
    apart && ranges.iter().all(|(first, last)| first <= last)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_set_contains_what_one_of_its_networks_contains() {
        let sets: [&[&str]; 5] = [
            &["10.0.0.0/8", "192.168.1.7/24", "10.1.0.0/16", "2001:db8::/32", "192.168.2.0/24"],
            &["0.0.0.0/0"],
            &["::/0"],
            &["10.0.0.1/32", "::1/128"],
            &[],
        ];
        let addresses = [
            "0.0.0.0",
            "9.255.255.255",
            "10.0.0.0",
            "10.0.0.1",
            "10.255.255.255",
            "11.0.0.0",
            "192.168.0.255",
            "192.168.1.0",
            "192.168.2.255",
            "192.168.3.0",
            "255.255.255.255",
            "::",
            "::1",
            "2001:db7:ffff::1",
            "2001:db8::1",
            "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
            "2001:db9::",
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        ];
        let mut inside = 0;
        for texts in sets {
            let set = Networks::of(texts.iter().copied()).unwrap();
            assert!(set.is_ordered(), "{texts:?}");
            for address in addresses {
                let address = parse(address).unwrap();
                let one = texts.iter().any(|text| {
                    let (network, bits) = parse_network(text).unwrap();
                    network.is_ipv4() == address.is_ipv4() && mask(network, bits) == mask(address, bits)
                });
                assert_eq!(set.contains(address), one, "{address} in {texts:?}");
                inside += usize::from(one);
            }
        }
        assert_eq!(inside, 27);
        let [a, b] = [["10.0.0.0/9"], ["10.128.0.0/9"]].map(|texts| Networks::of(texts).unwrap());
        assert!(a.or(&b).contains(parse("10.200.0.1").unwrap()) && a.or(&b).is_ordered());
    }

    #[test]
    fn what_is_no_network_makes_no_set() {
        for text in [
            "10.0.0.0",
            "10.0.0.0/33",
            "10.0.0.0/08",
            "x/8",
            "",
            "::ffff:10.0.0.0/100",
            "::ffff:a00:0/8",
            "::ffff:a00:0/104",
            "10.0.0.0/+8",
            "fe80::1%eth0/64",
            "[::1]/128",
            "10.0.0.0/8/8",
            "010.0.0.0/8",
            " 10.0.0.0/8",
            "10.0.0.0:80/8",
        ] {
            assert_eq!(Networks::of(["10.0.0.0/8", text]), None, "{text}");
        }
    }

    #[test]
    fn ranges_out_of_order_are_noticed() {
        for v4 in [vec![(5, 4)], vec![(1, 5), (5, 9)], vec![(7, 9), (1, 2)]] {
            assert!(!Networks { v4: v4.clone(), v6: Vec::new() }.is_ordered(), "{v4:?}");
        }
    }
}
