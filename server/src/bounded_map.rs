//! A map that never grows beyond its bound, and forgets what was not used for longest first.

use std::{collections::HashMap, hash::Hash, mem};

/// Two generations: reading moves an entry into the young one; when that is full it becomes the old
/// one, and what was old is forgotten. At most twice `capacity` entries live at any time.
#[derive(Debug)]
pub struct BoundedMap<K, V> {
    capacity: usize,
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K: Eq + Hash, V> BoundedMap<K, V> {
    /// A map whose generations hold `capacity` entries each.
    pub fn new(capacity: usize) -> Self {
        BoundedMap {
            capacity: capacity.max(1),
            young: HashMap::new(),
            old: HashMap::new(),
        }
    }

    /// The value, which counts as used now.
    pub fn get(&mut self, key: &K) -> Option<&mut V>
    where
        K: Clone,
    {
        if let Some(value) = self.old.remove(key) {
            self.insert(key.clone(), value);
        }
        self.young.get_mut(key)
    }

    /// Puts a value in place of any other of this key.
    pub fn insert(&mut self, key: K, value: V) {
        self.old.remove(&key);
        if self.young.len() >= self.capacity && !self.young.contains_key(&key) {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    /// Forgets a value.
    pub fn remove(&mut self, key: &K) {
        self.young.remove(key);
        self.old.remove(key);
    }

    /// How many entries live.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_within_its_bound() {
        let mut map = BoundedMap::new(10);
        for number in 0..1000 {
            map.insert(number, number);
            assert!(map.len() <= 20);
        }
        assert_eq!(map.get(&999), Some(&mut 999));
        assert_eq!(map.get(&0), None);
    }

    #[test]
    fn what_is_used_stays() {
        let mut map = BoundedMap::new(10);
        map.insert("used", 1);
        for number in 0..1000 {
            map.insert(Box::leak(format!("{number}").into_boxed_str()), number);
            assert_eq!(map.get(&"used"), Some(&mut 1), "after {number}");
        }
    }

    #[test]
    fn a_removed_entry_is_gone_from_both_generations() {
        let mut map = BoundedMap::new(1);
        map.insert(1, "old");
        map.insert(2, "young");
        map.remove(&1);
        map.remove(&2);
        assert_eq!(map.len(), 0);
    }
}
