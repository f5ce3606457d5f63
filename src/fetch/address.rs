//! Which addresses are on the public internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address belongs to somebody on the public internet: not to this machine, not to a network around it, and
/// to no range with a meaning of its own.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Ranges that are not public, as the registry of special-purpose addresses lists them, each with its prefix length.
const SPECIAL_V4: [([u8; 4], u32); 16] = [
    ([0, 0, 0, 0], 8),       // this network
    ([10, 0, 0, 0], 8),      // private
    ([100, 64, 0, 0], 10),   // behind a carrier's translation
    ([127, 0, 0, 0], 8),     // loopback
    ([169, 254, 0, 0], 16),  // link-local, and the metadata of cloud machines
    ([172, 16, 0, 0], 12),   // private
    ([192, 0, 0, 0], 24),    // protocol assignments
    ([192, 0, 2, 0], 24),    // documentation
    ([192, 88, 99, 0], 24),  // relays from IPv6, withdrawn
    ([192, 168, 0, 0], 16),  // private
    ([198, 18, 0, 0], 15),   // benchmarks
    ([198, 51, 100, 0], 24), // documentation
    ([203, 0, 113, 0], 24),  // documentation
    ([224, 0, 0, 0], 4),     // multicast
    ([240, 0, 0, 0], 4),     // reserved
    ([255, 255, 255, 255], 32),
];

fn is_public_v4(address: Ipv4Addr) -> bool {
    let bits = address.to_bits();
    let within = |(start, length): &([u8; 4], u32)| {
        let start = Ipv4Addr::from(*start).to_bits();
        (bits ^ start) >> (32 - length) == 0
    };
    !SPECIAL_V4.iter().any(within)
}

/// Ranges within the one that public addresses are given from, `2000::/3`.
const SPECIAL_V6: [([u16; 3], u32); 4] = [
    ([0x2001, 0, 0], 23),     // protocol assignments, tunnels among them
    ([0x2001, 0xdb8, 0], 32), // documentation
    ([0x2002, 0, 0], 16),     // tunnels that carry IPv4 addresses, withdrawn
    ([0x3fff, 0, 0], 20),     // documentation
];

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inner) = address.to_ipv4_mapped().or_else(|| translated(address)) {
        return is_public_v4(inner);
    }
    let prefix = |words: [u16; 3]| words.iter().fold(0_u64, |bits, word| (bits << 16) | u64::from(*word)) << 16;
    let [a, b, c, ..] = address.segments();
    let bits = prefix([a, b, c]);
    let within = |(start, length): &([u16; 3], u32)| (bits ^ prefix(*start)) >> (64 - length) == 0;
    within(&([0x2000, 0, 0], 3)) && !SPECIAL_V6.iter().any(within)
}

/// The IPv4 address behind `64:ff9b::/96`, by which machines without IPv4 reach it.
fn translated(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [0x64, 0xff9b, 0, 0, 0, 0, high, low] = address.segments() else { return None };
    Some(Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low)))
}

#[cfg(test)]
mod tests;
