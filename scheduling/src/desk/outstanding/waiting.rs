//! What waits of a meeting, for whom, and who is in trouble: somebody whose next letter cannot be delivered now.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use storage::{
    Timestamp,
    model::{PrincipalId, Work},
};

use super::{
    super::{CommitBounds, queue::MAXIMUM_ATTEMPTS},
    OCTETS_PER_COMMIT,
    letter::{Addressed, Letter},
    weight_of,
};
use crate::Refusal;

/// How many of the letters before it one is compared with.
const LETTERS_COMPARED: usize = 8;
/// The most letters to one person whose messages stay apart.
const LETTERS_APART: usize = 16;

/// In the order in which it was decided.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting {
    pub letters: Vec<Letter>,
    pub troubles: Vec<Trouble>,
}

/// Somebody cannot get anything until then.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Trouble {
    pub recipient: PrincipalId,
    pub attempts: u32,
    until: Timestamp,
    pub reason: String,
}

impl Waiting {
    /// Adds a letter to somebody behind all that waits for them. What it says anyhow they do not hear before, and whether
    /// anything of that was a message; equal letters are kept once.
    pub fn add(&mut self, mut letter: Letter, recipient: Addressed) -> bool {
        let to = recipient.0;
        let mut replaces = false;
        for before in self.letters.iter_mut().rev().filter(|it| it.is_to(to)) {
            let Some(asked) = before.replaced_by(&letter) else {
                break;
            };
            letter.stand_for(before, asked);
            replaces |= !before.is_refresh;
            before.recipients.retain(|(id, _)| *id != to);
        }
        replaces |= self.take_back(&mut letter, to);
        self.drop_delivered();
        let before = self.letters.iter_mut().rev().take(LETTERS_COMPARED);
        let mut before = before.take_while(|before| !before.is_to(to));
        match before.find(|before| before.says(&letter)) {
            Some(same) => same.recipients.push(recipient),
            None => {
                letter.recipients.push(recipient);
                self.letters.push(letter);
            }
        }
        replaces
    }

    /// Adds a letter to all its recipients.
    pub fn add_to_all(&mut self, letter: Letter) {
        for recipient in letter.recipients.clone() {
            self.add(letter.to(Vec::new()), recipient);
        }
    }

    /// Takes from all that waits for somebody what a letter says, too, where more waits for them than stays apart: however
    /// often the same changes, it waits once. Whether anything was taken.
    fn take_back(&mut self, letter: &mut Letter, to: PrincipalId) -> bool {
        if self.letters.iter().filter(|it| it.is_to(to)).count() < LETTERS_APART {
            return false;
        }
        let mut left = Vec::with_capacity(self.letters.len());
        let mut is_taken = false;
        for mut before in self.letters.drain(..) {
            let is_said = before.is_like(letter) && before.is_met_by(letter);
            let Some(recipient) = is_said.then(|| before.take_out(to)).flatten() else {
                left.push(before);
                continue;
            };
            letter.stand_for_all_of(&before);
            let rest = before.without(letter);
            left.push(before);
            left.extend(rest.map(|rest| rest.to(vec![recipient])));
            is_taken = true;
        }
        self.letters = left;
        is_taken
    }

    pub fn drop_delivered(&mut self) {
        self.letters.retain(|letter| !letter.recipients.is_empty());
    }

    /// For whom something waits.
    pub fn recipients(&self, is_wanted: impl Fn(&Letter) -> bool) -> BTreeSet<PrincipalId> {
        let letters = self.letters.iter().filter(|it| is_wanted(it));
        let recipients = letters.flat_map(|letter| &letter.recipients);
        recipients.map(|(id, _)| *id).collect()
    }

    /// Takes away what a commit delivers, in the order of the letters: nothing of whoever is in trouble.
    pub fn take(&mut self, bounds: CommitBounds, now: Timestamp) -> Vec<Letter> {
        let (mut copies, mut octets) = (0, 0);
        let troubled = self.troubled(now).map(|it| it.recipient);
        let troubled: BTreeSet<PrincipalId> = troubled.collect();
        let mut taken = Vec::new();
        for letter in &mut self.letters {
            let weight = weight_of(letter.octets.len());
            let mut to = Vec::new();
            letter.recipients.retain(|recipient| {
                let fits = copies < bounds.copies.max(1) && octets < OCTETS_PER_COMMIT;
                let is_next = fits && !troubled.contains(&recipient.0);
                if is_next {
                    (copies, octets) = (copies + 1, octets + weight);
                    to.push(recipient.clone());
                }
                !is_next
            });
            if !to.is_empty() {
                taken.push(letter.to(to));
            }
        }
        self.drop_delivered();
        let waits = self.recipients(|_| true);
        let is_taken = |of: PrincipalId| taken.iter().any(|letter: &Letter| letter.is_to(of));
        self.troubles
            .retain(|it| waits.contains(&it.recipient) && !is_taken(it.recipient));
        taken
    }

    /// Who is in trouble, and until when. (Longer than the longest delay is nobody, except by a clock that was put back.)
    fn troubled(&self, now: Timestamp) -> impl Iterator<Item = &Trouble> {
        let latest = Work::due_after(u32::MAX, now);
        let troubles = self.troubles.iter();
        troubles.filter(move |it| it.until > now && it.until <= latest)
    }

    /// When somebody can get something again: at once, unless all are in trouble.
    pub fn next_turn(&self, now: Timestamp) -> Timestamp {
        let troubled = self.troubled(now).map(|it| it.recipient);
        let is_all = self.recipients(|_| true).is_subset(&troubled.collect());
        let untils = self.troubled(now).map(|it| it.until);
        untils.min().filter(|_| is_all).unwrap_or(now)
    }

    /// Notes that somebody cannot get their next letter now, and until when; what is given up of theirs at last. What is
    /// damaged is tried until it is mended.
    pub fn trouble(
        &mut self,
        recipient: PrincipalId,
        refusal: &Refusal,
        now: Timestamp,
    ) -> Option<Letter> {
        let known = self
            .troubles
            .iter()
            .position(|it| it.recipient == recipient);
        let before = known.map_or(0, |at| self.troubles.swap_remove(at).attempts);
        let attempts = before.saturating_add(1);
        if attempts >= MAXIMUM_ATTEMPTS && !matches!(refusal, Refusal::Damaged(_)) {
            tracing::error!(attempts, %refusal, "a message to somebody is given up");
            let letter = self.letters.iter_mut().find(|it| it.is_to(recipient))?;
            let (theirs, others) = letter
                .recipients
                .drain(..)
                .partition(|(id, _)| *id == recipient);
            letter.recipients = others;
            let given_up = letter.to(theirs);
            self.drop_delivered();
            return Some(given_up);
        }
        tracing::error!(attempts, %refusal, "a message to somebody cannot be delivered now, and waits");
        self.troubles.push(Trouble {
            recipient,
            attempts,
            until: Work::due_after(before, now),
            reason: refusal.to_string(),
        });
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{super::letter::tests::letter_at, *};
    use crate::engine::Method::{self, Cancel, Reply, Request};

    const BOB: PrincipalId = PrincipalId(7);
    const DAYS: [&str; 4] = ["0309", "0316", "0323", "0330"];
    const CHANGES: usize = 200;

    /// However often what is said of the same changes, it waits once, and the last word of each part is the last.
    #[test]
    fn what_waits_is_bounded_by_what_there_is_to_say() {
        type Said = (Method, &'static [&'static str]);
        let cases: [&[Said]; 5] = [
            &[(Request, &DAYS[..1]), (Request, &DAYS[1..2])],
            &[(Reply, &DAYS[..1]), (Reply, &DAYS[1..2]), (Reply, &[])],
            &[
                (Request, &DAYS[..2]),
                (Request, &DAYS[1..3]),
                (Request, &DAYS[2..]),
            ],
            &[(Request, &DAYS[..2]), (Cancel, &DAYS[..1]), (Request, &[])],
            &[(Cancel, &DAYS[1..3]), (Request, &DAYS[..2])],
        ];
        for said in cases {
            let mut waiting = Waiting::default();
            for (number, (method, about)) in said.iter().cycle().enumerate().take(CHANGES) {
                let letter = letter_at(*method, about, &number.to_string());
                waiting.add(letter, (BOB, String::new()));
            }
            let waits = &waiting.letters;
            assert!(waits.len() <= LETTERS_APART + DAYS.len(), "{waits:?}");
            let last_of = |method: Method, day: &str| {
                let told = waits.iter().filter(|it| it.method == method);
                let told = told.flat_map(|it| &it.parts);
                told.filter(|(name, _)| name == day).last()
            };
            for (method, day) in said
                .iter()
                .flat_map(|(method, days)| days.iter().map(|day| (*method, *day)))
            {
                let is_last = |number: &usize| {
                    let (of, about) = said[number % said.len()];
                    of == method && about.contains(&day)
                };
                let last = (0..CHANGES)
                    .rev()
                    .find(is_last)
                    .map(|it| format!("DTSTART:{it}"));
                assert_eq!(
                    last_of(method, day).map(|(_, time)| time),
                    last.as_ref(),
                    "{waits:?}"
                );
            }
        }
    }
}
