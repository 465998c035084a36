//! Which keys there may be, in memory: most keys of gathered rows are asked for once, before they are
//! written, and that they are missing is known without reading anything.
//!
//! Of a key only its beginning counts, which says of what UID it is in whose home. So it is also known of the
//! range of all keys with such a beginning that there are none.
//!
//! A filter is filled by a walk over the store while every row that comes is added, too. It answers only
//! once the walk has ended. Keys are never taken out: of a removed row it says that it may be there.

use std::{
    hash::{DefaultHasher, Hasher},
    ops::Bound,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use crate::backend::KeyRange;

/// Of each key, so many octets count.
#[cfg(not(test))]
const COUNTED_OCTETS: usize = crate::store::keys::UID_IN_HOME_OCTETS;
#[cfg(test)]
const COUNTED_OCTETS: usize = 3;
/// Of each key, so many bits are set, all in one line of the processor's cache.
const BITS_OF_KEY: u32 = 6;
/// Room for one key: with so many about one missing key in a hundred is not known as such.
const BITS_PER_KEY: usize = 10;
/// Words of 64 bits in a line.
const LINE: usize = 8;
/// Room for the fewest and for the most keys (16 MiB; with more keys than that it answers less often).
#[cfg(not(test))]
const LEAST_KEYS: usize = 64 * 1024;
#[cfg(test)]
const LEAST_KEYS: usize = 16;
const MOST_KEYS: usize = 12 * 1024 * 1024;
/// A filter that became too small is replaced by one for so many times the keys that it has.
const GROWTH: usize = 3;

/// A filter for a number of keys.
pub(in crate::sled) struct Filter {
    words: Vec<AtomicU64>,
    keys: AtomicUsize,
}

impl Filter {
    fn for_keys(keys: usize) -> Filter {
        let keys = keys.clamp(LEAST_KEYS, MOST_KEYS);
        let lines = (keys * BITS_PER_KEY).div_ceil(LINE * 64);
        Filter {
            words: std::iter::repeat_with(AtomicU64::default)
                .take(lines * LINE)
                .collect(),
            keys: AtomicUsize::new(0),
        }
    }

    /// The words and bits that stand for a key.
    fn bits(&self, key: &[u8]) -> impl Iterator<Item = (&AtomicU64, u64)> {
        let mut hasher = DefaultHasher::new();
        hasher.write(key.get(..COUNTED_OCTETS).unwrap_or(key));
        let hash = hasher.finish();
        let lines = self.words.len() / LINE;
        // The upper half chooses the line, the lower one the bits in it.
        let line = ((hash >> 32) as usize * lines) >> 32;
        let words = &self.words[line * LINE..][..LINE];
        let mut rest = (hash & 0xFFFF_FFFF).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (0..BITS_OF_KEY).map(move |_| {
            let bit = rest >> 55;
            rest <<= 9;
            (&words[(bit >> 6) as usize], 1 << (bit & 63))
        })
    }

    /// Adds a key.
    pub(in crate::sled) fn add(&self, key: &[u8]) {
        let mut is_new = false;
        for (word, bit) in self.bits(key) {
            is_new |= word.fetch_or(bit, Ordering::Relaxed) & bit == 0;
        }
        if is_new {
            self.keys.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn may_have(&self, key: &[u8]) -> bool {
        self.bits(key)
            .all(|(word, bit)| word.load(Ordering::Relaxed) & bit != 0)
    }

    fn keys(&self) -> usize {
        self.keys.load(Ordering::Relaxed)
    }

    fn is_too_small(&self) -> bool {
        let room = self.words.len() * 64 / BITS_PER_KEY;
        self.keys() > room && room < MOST_KEYS
    }
}

/// The filter that answers, and the one that is being filled.
#[derive(Default)]
pub(super) struct Known {
    filters: RwLock<Filters>,
}

#[derive(Default)]
struct Filters {
    complete: Option<Arc<Filter>>,
    filling: Option<Arc<Filter>>,
    /// A walk failed: none is begun any more.
    is_given_up: bool,
}

impl Known {
    fn change<T>(&self, change: impl FnOnce(&mut Filters) -> T) -> T {
        change(&mut self.filters.write().unwrap_or_else(PoisonError::into_inner))
    }

    fn read<T>(&self, read: impl FnOnce(&Filters) -> T) -> T {
        read(&self.filters.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether it is certain that there is no row with this key.
    pub(super) fn excludes(&self, key: &[u8]) -> bool {
        self.read(|filters| {
            let complete = filters.complete.as_ref();
            complete.is_some_and(|filter| !filter.may_have(key))
        })
    }

    /// Whether it is certain that no row lies in a range.
    pub(super) fn excludes_range(&self, range: &KeyRange) -> bool {
        let (Bound::Included(start) | Bound::Excluded(start)) = &range.start else {
            return false;
        };
        let Some(beginning) = start.get(..COUNTED_OCTETS) else {
            return false;
        };
        let ends_there = match &range.end {
            Bound::Included(end) => end.starts_with(beginning),
            Bound::Excluded(end) => {
                let all = KeyRange::prefix(start.slice(..COUNTED_OCTETS));
                end.starts_with(beginning) || range.end == all.end
            }
            Bound::Unbounded => false,
        };
        ends_there && self.excludes(beginning)
    }

    /// A row with this key is about to come.
    pub(super) fn add(&self, key: &[u8]) {
        self.read(|filters| {
            filters.complete.iter().for_each(|filter| filter.add(key));
            filters.filling.iter().for_each(|filter| filter.add(key));
        });
    }

    /// A filter to be filled with all keys there are, if one is wanted.
    pub(super) fn begin(&self) -> Option<Arc<Filter>> {
        self.change(|filters| {
            let keys = match &filters.complete {
                _ if filters.filling.is_some() || filters.is_given_up => return None,
                Some(complete) if complete.is_too_small() => complete.keys() * GROWTH,
                Some(_) => return None,
                None => LEAST_KEYS,
            };
            let filter = Arc::new(Filter::for_keys(keys));
            filters.filling = Some(Arc::clone(&filter));
            Some(filter)
        })
    }

    /// All keys there are were added to the filter, or could not be.
    pub(super) fn end(&self, filter: &Arc<Filter>, is_complete: bool) {
        self.change(|filters| {
            let is_ours = filters
                .filling
                .take_if(|filling| Arc::ptr_eq(filling, filter));
            match is_ours {
                Some(filter) if is_complete => filters.complete = Some(filter),
                Some(_) => filters.is_given_up = true,
                None => {}
            }
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use bytes::Bytes;

    use super::*;

    /// Such keys differ in the octets that count.
    fn key(number: usize) -> Vec<u8> {
        number.to_be_bytes()[8 - COUNTED_OCTETS..].to_vec()
    }

    #[test]
    fn what_was_added_is_never_excluded_and_most_else_is() {
        const KEYS: usize = 50_000;
        let filter = Filter::for_keys(KEYS);
        (0..KEYS).for_each(|number| filter.add(&key(number)));
        assert!((0..KEYS).all(|number| filter.may_have(&key(number))));
        assert!(!filter.is_too_small());
        let wrong = (KEYS..2 * KEYS).filter(|number| filter.may_have(&key(*number)));
        let share = wrong.count() as f64 / KEYS as f64;
        assert!(share < 0.03, "{share}");
    }

    #[test]
    fn only_a_whole_filter_answers_and_it_has_what_came_meanwhile() {
        let known = Known::default();
        let filter = known.begin().unwrap();
        assert!(known.begin().is_none(), "one at a time");
        assert!(!known.excludes(b"before"), "nothing is known yet");
        known.add(b"meanwhile");
        filter.add(b"before");
        known.end(&filter, true);
        assert!(known.begin().is_none(), "it is large enough");
        known.add(b"after");
        for there in [&b"before"[..], b"meanwhile", b"after"] {
            assert!(!known.excludes(there));
        }
        assert!(known.excludes(b"never"));
    }

    #[test]
    fn ranges_of_one_beginning_are_known() {
        let known = Known::default();
        let filter = known.begin().unwrap();
        known.end(&filter, true);
        known.add(b"abcd");
        let key = |text: &'static str| Bytes::from_static(text.as_bytes());
        let from = |start, end| KeyRange {
            start: Bound::Included(key(start)),
            end,
        };
        let table = [
            (KeyRange::prefix(key("abx")), true),
            (KeyRange::prefix(key("abxy")), true),
            (KeyRange::prefix(key("ab\u{7F}")), true),
            (from("abx", Bound::Included(key("abxz"))), true),
            (from("abxa", Bound::Excluded(key("abxz"))), true),
            (from("abxa", Bound::Excluded(key("aby"))), true),
            // Something is there, or may be.
            (KeyRange::prefix(key("abc")), false),
            (KeyRange::prefix(key("abce")), false),
            (KeyRange::prefix(key("ab")), false),
            (from("abx", Bound::Excluded(key("abz"))), false),
            (from("abx", Bound::Included(key("aby"))), false),
            (from("abx", Bound::Excluded(key("abya"))), false),
            (from("abx", Bound::Unbounded), false),
            (KeyRange::all(), false),
        ];
        for (range, expected) in table {
            assert_eq!(known.excludes_range(&range), expected, "{range:?}");
        }
    }

    #[test]
    fn a_filter_grows() {
        let known = Known::default();
        let filter = known.begin().unwrap();
        known.end(&filter, true);
        (0..1000).for_each(|number| known.add(&key(number)));
        let larger = known.begin().unwrap();
        assert!(larger.words.len() > 2 * filter.words.len());
        known.end(&filter, true);
        assert!(
            known.begin().is_none(),
            "the larger one is still being filled"
        );
        known.end(&larger, false);
        assert!(
            known.begin().is_none(),
            "after a failure there is no second attempt"
        );
        assert!(!known.excludes(&key(7)), "the former one goes on answering");
    }
}
