//! Networks and addresses as the IP blocks of Istio.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use context_mesh_core::address::Networks;

use super::refusal::Refusal;

/// Returns the blocks of a set of networks.
pub(super) fn blocks(networks: &Networks) -> Vec<String> {
    let v4 = networks.v4.iter().flat_map(|(first, last)| {
        let cover = cover(u128::from(*first), u128::from(*last), 32);
        cover
            .into_iter()
            .filter_map(|(at, bits)| Some(format!("{}/{bits}", Ipv4Addr::from_bits(u32::try_from(at).ok()?))))
    });
    let v6 = networks.v6.iter().flat_map(|(first, last)| {
        cover(*first, *last, 128).into_iter().map(|(at, bits)| format!("{}/{bits}", Ipv6Addr::from_bits(at)))
    });
    v4.chain(v6).collect()
}

/// Returns the fewest blocks that make up a range of addresses of `width` bits: first address, length of the prefix.
fn cover(first: u128, last: u128, width: u32) -> Vec<(u128, u32)> {
    let mut found = Vec::new();
    let mut next = Some(first);
    while let Some(at) = next.filter(|at| *at <= last) {
        // The block begins at a multiple of its size, and ends within the range.
        let mut free = at.trailing_zeros().min(width);
        while free > 0 && ones(free) > last - at {
            free -= 1;
        }
        found.push((at, width - free));
        next = at.checked_add(ones(free)).and_then(|end| end.checked_add(1));
    }
    found
}

/// Returns the number with that many bits set.
fn ones(count: u32) -> u128 {
    u128::MAX.checked_shr(128 - count.min(128)).unwrap_or(0)
}

/// Returns addresses that are compared as texts. They must be written as the filter writes them.
pub(super) fn addresses(texts: &[String]) -> Result<Vec<String>, Refusal> {
    let address = |text: &String| {
        let address: Option<IpAddr> = text.parse().ok();
        let written = address.map(|address| address.to_canonical().to_string());
        if written.as_ref() == Some(text) {
            return Ok(text.clone());
        }
        let help = match written {
            Some(written) => format!("write `{written}`, or use `inNetworks`"),
            None => "compare with IP addresses".to_owned(),
        };
        Err(Refusal::new(format!("no address is written as `{text}`"), help))
    };
    texts.iter().map(address).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_become_blocks() {
        for (networks, expected) in [
            (&["10.0.0.0/8"][..], &["10.0.0.0/8"][..]),
            (&["0.0.0.0/0", "::/0"], &["0.0.0.0/0", "::/0"]),
            (&["10.0.0.1/32", "2001:db8::1/128"], &["10.0.0.1/32", "2001:db8::1/128"]),
            (&["10.0.0.0/9", "10.128.0.0/9"], &["10.0.0.0/9", "10.128.0.0/9"]),
            (&["10.0.0.0/8", "10.1.0.0/16"], &["10.0.0.0/8"]),
            (&["255.255.255.255/32"], &["255.255.255.255/32"]),
            (&["2001:db8::/32"], &["2001:db8::/32"]),
        ] {
            let networks = Networks::of(networks.iter().copied()).unwrap();
            assert_eq!(blocks(&networks), expected);
        }
        let odd = Networks { v4: vec![(1, 6)], v6: Vec::new() };
        assert_eq!(blocks(&odd), ["0.0.0.1/32", "0.0.0.2/31", "0.0.0.4/31", "0.0.0.6/32"]);
    }

    #[test]
    fn an_address_is_compared_in_one_form() {
        for (text, fine) in [
            ("10.0.0.1", true),
            ("2001:db8::1", true),
            ("2001:DB8::1", false),
            ("::ffff:10.0.0.1", false),
            ("x", false),
        ] {
            assert_eq!(addresses(&[text.to_owned()]).is_ok(), fine, "{text}");
        }
    }
}
