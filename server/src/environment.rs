//! The only clock and the only source of randomness of the process.

use std::{
    cell::RefCell,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use storage::{Clock, Entropy, Environment, Timestamp};

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since_1970 = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(elapsed) => i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX),
        };
        Timestamp(since_1970)
    }
}

/// The operating system's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

/// So many octets are asked of the system at once: a meeting with ten attendees takes half a hundred names, tags
/// and identities.
const RESERVE_OCTETS: usize = 512;

thread_local! {
    static RESERVE: RefCell<Reserve> = const {
        RefCell::new(Reserve {
            octets: [0; RESERVE_OCTETS],
            left: 0,
        })
    };
}

/// Octets that were given to nobody yet: the first ones.
struct Reserve {
    octets: [u8; RESERVE_OCTETS],
    left: usize,
}

impl Reserve {
    /// Gives as many as are wanted, which is no more than it holds, and forgets them.
    fn give(&mut self, wanted: &mut [u8]) {
        if self.left < wanted.len() {
            from_the_system(&mut self.octets);
            self.left = RESERVE_OCTETS;
        }
        let given = &mut self.octets[self.left - wanted.len()..self.left];
        wanted.copy_from_slice(given);
        given.fill(0);
        self.left -= wanted.len();
    }
}

impl Entropy for SystemEntropy {
    fn fill(&self, octets: &mut [u8]) {
        if octets.len() > RESERVE_OCTETS {
            return from_the_system(octets);
        }
        RESERVE.with_borrow_mut(|reserve| reserve.give(octets));
    }
}

fn from_the_system(octets: &mut [u8]) {
    getrandom::fill(octets).expect("an operating system without randomness cannot run a server");
}

/// The real world.
pub fn system() -> Environment {
    Environment {
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// Whatever is asked for in a row and on several threads: nothing is given twice, and nothing is left out.
    #[test]
    fn nothing_is_given_twice() {
        let give = || {
            let mut given = Vec::new();
            for round in 0..2_000 {
                let mut octets = vec![0; 8 + round % 40];
                SystemEntropy.fill(&mut octets);
                let first: [u8; 8] = octets[..8].try_into().expect("eight octets");
                let last: [u8; 8] = octets[octets.len() - 8..].try_into().expect("eight octets");
                given.push(first);
                if octets.len() >= 16 {
                    given.push(last);
                }
            }
            given
        };
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(give)).collect();
        let given = threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("it gives"));
        let mut seen = HashSet::new();
        assert!(given.into_iter().all(|octets| seen.insert(octets)));
        assert!(!seen.contains(&[0; 8]));
    }

    #[test]
    fn what_was_given_is_forgotten() {
        let mut reserve = Reserve {
            octets: [7; RESERVE_OCTETS],
            left: 40,
        };
        let mut octets = [0; 16];
        reserve.give(&mut octets);
        assert_eq!(octets, [7; 16]);
        assert_eq!((reserve.left, &reserve.octets[24..40]), (24, &[0; 16][..]));
        // What is left is too little: all is drawn anew.
        reserve.give(&mut [0; 25]);
        assert_eq!(reserve.left, RESERVE_OCTETS - 25);
    }

    #[test]
    fn much_is_given_at_once() {
        let mut octets = [0; 3 * RESERVE_OCTETS];
        SystemEntropy.fill(&mut octets);
        let zeros = octets.iter().filter(|octet| **octet == 0).count();
        assert!(zeros < 60, "{zeros} of them");
    }
}
