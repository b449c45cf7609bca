//! Which addresses of a subnet, and of the outside, are taken.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

/// "Subnet CIDR blocks", VPC user guide: the first four addresses and the last one are reserved.
const RESERVED_AT_START: u32 = 4;
const RESERVED: usize = 5;

/// Public addresses come from the block for benchmarks (RFC 2544), which leads nowhere.
const PUBLIC: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(198, 18, 0, 0), 15);

/// The addresses of a subnet, given out in turn, so that one is not used again at once.
#[derive(Clone, Debug)]
pub(crate) struct Addresses {
    network: Ipv4Net,
    taken: BTreeSet<u32>,
    next: u32,
}

impl Addresses {
    pub(crate) fn new(network: Ipv4Net) -> Self {
        let network = network.trunc();
        Self { network, taken: BTreeSet::new(), next: u32::from(network.network()) + RESERVED_AT_START }
    }

    pub(crate) fn network(&self) -> Ipv4Net {
        self.network
    }

    pub(crate) fn available(&self) -> usize {
        let all = 1usize << (32 - self.network.prefix_len());
        all.saturating_sub(RESERVED + self.taken.len())
    }

    /// Takes the next free address.
    pub(crate) fn take_any(&mut self) -> Option<Ipv4Addr> {
        if self.available() == 0 {
            return None;
        }
        loop {
            let candidate = self.next;
            self.next = if candidate + 1 < self.end() { candidate + 1 } else { self.start() };
            if self.taken.insert(candidate) {
                return Some(candidate.into());
            }
        }
    }

    /// Takes a given address; false when it is taken already.
    pub(crate) fn take(&mut self, address: Ipv4Addr) -> bool {
        self.taken.insert(address.into())
    }

    /// Whether an instance may have the address.
    pub(crate) fn holds(&self, address: Ipv4Addr) -> bool {
        (self.start()..self.end()).contains(&u32::from(address))
    }

    pub(crate) fn give_back(&mut self, address: Ipv4Addr) {
        self.taken.remove(&address.into());
    }

    fn start(&self) -> u32 {
        u32::from(self.network.network()) + RESERVED_AT_START
    }

    fn end(&self) -> u32 {
        u32::from(self.network.broadcast())
    }
}

/// Public addresses.
#[derive(Clone, Debug)]
pub(crate) struct AddressPool(Addresses);

impl Default for AddressPool {
    fn default() -> Self {
        Self(Addresses::new(PUBLIC))
    }
}

impl AddressPool {
    pub(crate) fn take(&mut self) -> Option<Ipv4Addr> {
        self.0.take_any()
    }

    pub(crate) fn give_back(&mut self, address: Ipv4Addr) {
        self.0.give_back(address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_addresses_of_a_subnet_are_reserved() {
        let mut addresses = Addresses::new("10.0.0.0/28".parse().unwrap());
        assert_eq!(addresses.available(), 11);
        let taken: Vec<_> = std::iter::from_fn(|| addresses.take_any()).collect();
        assert_eq!(taken.len(), 11);
        assert_eq!(taken[0], Ipv4Addr::new(10, 0, 0, 4));
        assert_eq!(taken[10], Ipv4Addr::new(10, 0, 0, 14));
        addresses.give_back(taken[3]);
        assert_eq!(addresses.take_any(), Some(taken[3]));
    }
}
