//! Shares the texts that manifests repeat: keys, kinds, labels, images.

use std::cell::RefCell;
use std::sync::Arc;

/// Slots of the cache; a power of two. Texts of all files a thread reads share it.
const SLOTS: usize = 2048;
/// Bytes of the longest text that is shared: longer ones seldom repeat.
const LONGEST: usize = 48;

thread_local! {
    static CACHE: RefCell<Vec<Option<Arc<str>>>> = const { RefCell::new(Vec::new()) };
}

/// `text` behind an [`Arc`], the same one as last time if it is still in this thread's cache. The cache never grows: a text with the same
/// slot takes the place of the one before, so hostile texts can only make it useless.
pub(super) fn share(text: &str) -> Arc<str> {
    if text.len() > LONGEST {
        return Arc::from(text);
    }
    CACHE.with_borrow_mut(|slots| {
        if slots.is_empty() {
            slots.resize(SLOTS, None);
        }
        let slot = &mut slots[slot_of(text.as_bytes())];
        match slot {
            Some(shared) if **shared == *text => Arc::clone(shared),
            _ => Arc::clone(slot.insert(Arc::from(text))),
        }
    })
}

/// Mixes the length with the first and last eight bytes.
fn slot_of(text: &[u8]) -> usize {
    let first = text.first_chunk::<8>().map_or_else(|| short(text), |bytes| u64::from_le_bytes(*bytes));
    let last = text.last_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let mixed = (first ^ last.rotate_left(29) ^ text.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 53) as usize % SLOTS
}

fn short(text: &[u8]) -> u64 {
    text.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
