//! The first of many by order.

/// Collects items and keeps the smallest, distinct ones: what is kept does not depend on the order in which they came, and a
/// hostile manifest cannot make it grow.
pub struct Smallest<T> {
    items: Vec<T>,
    max: usize,
}

impl<T: Ord> Smallest<T> {
    pub fn new(max: usize) -> Self {
        Self { items: Vec::new(), max }
    }

    pub fn push(&mut self, item: T) {
        self.items.push(item);
        if self.items.len() >= 2 * self.max {
            self.settle();
        }
    }

    /// Sorted and distinct, at most `max`.
    pub fn into_sorted(mut self) -> Vec<T> {
        self.settle();
        self.items
    }

    fn settle(&mut self) {
        self.items.sort_unstable();
        self.items.dedup();
        self.items.truncate(self.max);
    }
}

#[cfg(test)]
mod tests {
    use super::Smallest;

    #[test]
    fn the_smallest_are_kept_in_whatever_order_they_come() {
        for items in [[5, 1, 4, 1, 3, 2, 0], [0, 1, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 1, 0]] {
            let mut smallest = Smallest::new(3);
            items.into_iter().for_each(|item| smallest.push(item));
            assert_eq!(smallest.into_sorted(), [0, 1, 2]);
        }
    }
}
