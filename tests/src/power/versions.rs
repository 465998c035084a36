//! Something on a disk: as it is for certain, and as it was made since, which is not certain yet.

use storage::testing::SeededEntropy;

/// When a change was made: its number in the history.
pub type Time = u64;

/// A durable version and all later ones, oldest first.
#[derive(Clone, Debug)]
pub struct Versions<T> {
    durable: T,
    pending: Vec<(Time, T)>,
}

impl<T: Clone> Versions<T> {
    /// Something that is durable.
    pub fn new(durable: T) -> Versions<T> {
        Versions {
            durable,
            pending: Vec::new(),
        }
    }

    /// What a program reads.
    pub fn newest(&self) -> &T {
        self.pending
            .last()
            .map_or(&self.durable, |(_, newest)| newest)
    }

    /// Changes it.
    pub fn push(&mut self, time: Time, version: T) {
        self.pending.push((time, version));
    }

    /// A sync that began at `begun` has ended.
    pub fn sync(&mut self, begun: Time) {
        let synced = self.pending.partition_point(|(time, _)| *time <= begun);
        if let Some((_, durable)) = self.pending.drain(..synced).next_back() {
            self.durable = durable;
        }
    }

    /// What is there after a power failure: the durable version, or with this probability (in
    /// percent) one of the later ones, mostly the newest.
    pub fn survivor(&self, random: &SeededEntropy, percent: u64) -> &T {
        if self.pending.is_empty() || random.next() % 100 >= percent {
            return &self.durable;
        }
        let index = random.next() % (4 * self.pending.len() as u64);
        match self.pending.get(index as usize) {
            Some((_, earlier)) => earlier,
            None => self.newest(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn survivors(versions: &Versions<u32>, percent: u64) -> Vec<u32> {
        let random = SeededEntropy::new(7);
        let mut all: Vec<u32> = (0..200)
            .map(|_| *versions.survivor(&random, percent))
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// What was changed while a sync ran is not promised by it.
    #[test]
    fn a_sync_covers_what_was_before_it_began() {
        let mut versions = Versions::new(0);
        versions.push(1, 10);
        versions.push(2, 20);
        versions.push(4, 40);
        assert_eq!(survivors(&versions, 0), [0]);
        assert_eq!(survivors(&versions, 50), [0, 10, 20, 40]);
        versions.sync(3);
        assert_eq!(survivors(&versions, 0), [20]);
        assert_eq!(survivors(&versions, 90), [20, 40]);
        assert_eq!(*versions.newest(), 40);
        versions.sync(4);
        assert_eq!(survivors(&versions, 100), [40]);
    }
}
