//! Blocks of loopback addresses that no other simulation of this machine has.

use std::net::{Ipv4Addr, UdpSocket};
use std::process;
use std::sync::{Mutex, PoisonError};

use ipnet::Ipv4Net;

/// 127.64.0.0/16 to 127.249.0.0/16: away from 127.0.0.1 and from what distributions use (127.0.1.1, 127.0.0.53).
const FIRST: u8 = 64;
const COUNT: u8 = 186;
/// Who holds this port of a block's last address but one has the block. Nobody else is known to use it.
const PORT: u16 = 47_822;

/// The blocks that one simulation has; dropping it gives them back.
#[derive(Debug, Default)]
pub(super) struct Blocks(Mutex<Vec<UdpSocket>>);

impl Blocks {
    /// Takes a free block, if there is one.
    pub(super) fn take(&self) -> Option<Ipv4Net> {
        // Programs that start at once begin to look at different places.
        let start = u8::try_from(process::id() % u32::from(COUNT)).unwrap_or_default();
        let (second, socket) = (0..COUNT).find_map(|step| {
            let second = FIRST + ((u16::from(start) + u16::from(step)) % u16::from(COUNT)) as u8;
            Some((second, UdpSocket::bind((Ipv4Addr::new(127, second, 255, 254), PORT)).ok()?))
        })?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(socket);
        Ipv4Net::new(Ipv4Addr::new(127, second, 0, 0), 16).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_loopback_and_nobody_gets_one_twice() {
        let (ours, theirs) = (Blocks::default(), Blocks::default());
        let taken = [ours.take().unwrap(), ours.take().unwrap(), theirs.take().unwrap()];
        assert!(taken.iter().all(|block| block.addr().is_loopback() && block.prefix_len() == 16));
        assert!(taken[0] != taken[1] && taken[1] != taken[2] && taken[0] != taken[2], "{taken:?}");
    }
}
