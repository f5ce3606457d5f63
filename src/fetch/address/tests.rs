use proptest::prelude::*;

use super::*;

fn public(text: &str) -> bool {
    is_public(text.parse().unwrap())
}

#[test]
fn ipv6_is_public_only_where_addresses_are_given() {
    let special = [
        "::",
        "::1",
        "::127.0.0.1",
        "::8.8.8.8",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:10::1",
        "2001:1ff::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00::1",
        "fdff:ffff::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
    ];
    let beside =
        ["2001:200::1", "2001:db7::1", "2001:db9::1", "2003::1", "2606:4700::1111", "2a00:1450::200e", "3ffe::1"];

    assert!(special.iter().all(|text| !public(text)));
    assert!(beside.iter().all(|text| public(text)));
}

#[test]
fn an_ipv4_address_within_ipv6_counts_as_itself() {
    let special = [
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:0.0.0.0",
        "64:ff9b::",
        "64:ff9b::127.0.0.1",
        "64:ff9b::192.168.1.1",
    ];

    assert!(special.iter().all(|text| !public(text)));
    assert!(public("::ffff:8.8.8.8"));
    assert!(public("64:ff9b::8.8.8.8"));
}

/// The registries of special-purpose addresses, where they say that a range is not globally reachable, and the
/// ranges for multicast.
const NOT_REACHABLE: [&str; 39] = [
    "0.0.0.0/8",
    "0.0.0.0/32",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.0.0/29",
    "192.0.0.8/32",
    "192.0.0.170/32",
    "192.0.0.171/32",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.88.99.2/32",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "255.255.255.255/32",
    "::/128",
    "::1/128",
    "64:ff9b:1::/48",
    "100::/64",
    "100:0:0:1::/64",
    "2001::/23",
    "2001::/32",
    "2001:2::/48",
    "2001:10::/28",
    "2001:db8::/32",
    "2002::/16",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
];

/// The same registries, where they say that a range is reachable, outside of the ranges above.
const REACHABLE: [&str; 5] =
    ["192.31.196.0/24", "192.52.193.0/24", "192.175.48.0/24", "64:ff9b::808:0/112", "2620:4f:8000::/48"];

/// The bits of an address in the high end, and how many there are.
fn bits(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    }
}

fn address(bits: u128, length: u32) -> IpAddr {
    if length == 32 { Ipv4Addr::from_bits((bits >> 96) as u32).into() } else { Ipv6Addr::from_bits(bits).into() }
}

/// The first address of a range, the last one, and how many bits all have.
fn range(text: &str) -> (u128, u128, u32) {
    let (start, prefix) = text.split_once('/').unwrap();
    let (start, length) = bits(start.parse().unwrap());
    let host = u128::MAX.checked_shr(prefix.parse().unwrap()).unwrap_or(0);
    (start, start | host, length)
}

fn inside(text: &str, ip: IpAddr) -> bool {
    let ((first, last, length), (bits, own)) = (range(text), bits(ip));
    let unused = if own == 32 { u128::MAX >> 32 } else { 0 };
    own == length && first <= bits && (bits | unused) <= last
}

fn reachable(ip: IpAddr) -> bool {
    let given = ip.is_ipv4() || inside("2000::/3", ip);
    given && !NOT_REACHABLE.iter().any(|range| inside(range, ip))
}

/// Addresses of a range: its first, its last, and any between.
fn of(text: &'static str) -> impl Strategy<Value = IpAddr> {
    let (first, last, length) = range(text);
    prop_oneof![Just(first), Just(last), first..=last].prop_map(move |bits| address(bits, length))
}

/// The neighbours of a range, where there are some.
fn beside(text: &'static str) -> Vec<IpAddr> {
    let (first, last, length) = range(text);
    let step = if length == 32 { 1 << 96 } else { 1 };
    let before = first.checked_sub(step).map(|bits| address(bits, length));
    let behind = last.checked_add(1).map(|bits| address(bits, length));
    before.into_iter().chain(behind).collect()
}

#[test]
fn beside_every_range_of_the_registries_the_registries_decide() {
    let mut seen = 0;
    for neighbour in NOT_REACHABLE.iter().chain(&REACHABLE).flat_map(|range| beside(range)) {
        let translated = matches!(neighbour, IpAddr::V6(address) if translated(address).is_some());
        assert!(translated || is_public(neighbour) == reachable(neighbour), "{neighbour}");
        seen += 1;
    }
    assert!(seen > 70, "{seen}");
}

proptest! {
    #[test]
    fn no_address_of_an_unreachable_range_is_public(ip in prop::sample::select(&NOT_REACHABLE[..]).prop_flat_map(of)) {
        prop_assert!(!is_public(ip), "{}", ip);
        if let IpAddr::V4(v4) = ip {
            let nat64 = Ipv6Addr::from_bits((0x64_ff9b << 96) | u128::from(v4.to_bits()));
            prop_assert!(!is_public(v4.to_ipv6_mapped().into()));
            prop_assert!(!is_public(v4.to_ipv6_compatible().into()));
            prop_assert!(!is_public(nat64.into()));
        }
    }

    #[test]
    fn every_address_of_a_reachable_range_is_public(ip in prop::sample::select(&REACHABLE[..]).prop_flat_map(of)) {
        prop_assert!(is_public(ip), "{}", ip);
    }

    #[test]
    fn everywhere_the_registries_decide(v4: u32, v6: u128, given in range("2000::/3").0..=range("2000::/3").1) {
        for ip in [IpAddr::from(Ipv4Addr::from_bits(v4)), Ipv6Addr::from_bits(v6).into(), Ipv6Addr::from_bits(given).into()] {
            prop_assert_eq!(is_public(ip), reachable(ip), "{}", ip);
        }
        let v4 = Ipv4Addr::from_bits(v4);
        prop_assert_eq!(is_public(v4.into()), is_public(v4.to_ipv6_mapped().into()));
    }

    #[test]
    fn nothing_that_the_standard_library_calls_local_is_public(
        near in prop::sample::select(&NOT_REACHABLE[..]).prop_flat_map(of),
        far: u128,
    ) {
        for ip in [near, Ipv6Addr::from_bits(far).into(), Ipv4Addr::from_bits(far as u32).into()] {
            let local = match ip {
                IpAddr::V4(v4) => v4.is_private() || v4.is_link_local() || v4.is_broadcast() || v4.is_documentation(),
                IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local(),
            };
            let local = local || ip.is_loopback() || ip.is_multicast() || ip.is_unspecified();
            prop_assert!(!(local && is_public(ip)), "{}", ip);
        }
    }
}
