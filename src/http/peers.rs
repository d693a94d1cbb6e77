//! How much each address has open: one client does not take what is there for all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// The last bits of an address of IPv6 are its owner's.
const NETWORK_BITS: u32 = 64;

/// What is open, by address.
#[derive(Clone)]
pub struct Peers {
    /// Of one address. This machine has no limit of its own: a proxy here stands for many.
    most: usize,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One of what an address has open, until it is dropped.
pub struct PeerPlace {
    peer: IpAddr,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Peers {
    pub fn new(most: usize) -> Self {
        Self { most, open: Arc::default() }
    }

    /// A place for one more from this address; `None` when it has too many.
    pub fn admit(&self, peer: IpAddr) -> Option<PeerPlace> {
        let peer = network(peer);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(peer).or_default();
        if *count >= self.most && !peer.is_loopback() {
            return None;
        }
        *count += 1;
        Some(PeerPlace { peer, open: self.open.clone() })
    }
}

impl Drop for PeerPlace {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.peer);
            }
        }
    }
}

/// Whoever has an address of IPv6 has all of its network.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            IpAddr::V6((u128::from(address) >> NETWORK_BITS << NETWORK_BITS).into())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_does_not_take_all_places() {
        const MOST: usize = 3;
        let peers = Peers::new(MOST);
        let mine: IpAddr = "2001:db8::1".parse().unwrap();
        let mut places: Vec<PeerPlace> = (0..MOST).map(|_| peers.admit(mine).unwrap()).collect();
        assert!(peers.admit(mine).is_none());
        assert!(peers.admit("2001:db8::2".parse().unwrap()).is_none(), "the same network");
        for other in ["2001:db8:0:1::1", "192.0.2.1", "::ffff:192.0.2.2"] {
            assert!(peers.admit(other.parse().unwrap()).is_some(), "{other}");
        }
        places.pop();
        assert!(peers.admit(mine).is_some());
        // A proxy on this machine stands for many.
        let here: Vec<_> = (0..2 * MOST).map(|_| peers.admit("127.0.0.1".parse().unwrap())).collect();
        assert!(here.iter().all(Option::is_some));
        drop((places, here));
        assert!(peers.open.lock().unwrap().is_empty());
    }
}
