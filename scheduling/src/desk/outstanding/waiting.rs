//! What waits of a meeting, for whom, and who is in trouble: somebody whose next letter cannot be delivered now.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
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
use crate::{Refusal, engine::Method};

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

/// What some letters say that one letter does not, by their octets and whether their answer to the series stays: it is the
/// same for whoever gets that.
type Rests = BTreeMap<(Bytes, bool), Option<Letter>>;

impl Waiting {
    /// Adds a letter to each of its recipients behind all that waits for them. What it says anyhow they do not hear before;
    /// the addresses of those for whom any of that was a message.
    pub fn add(&mut self, letter: &Letter) -> Vec<String> {
        let mut rests = Rests::new();
        let recipients = letter.recipients.iter().cloned();
        let replaced = recipients.filter_map(|recipient| {
            let address = recipient.1.clone();
            let replaces = self.add_to(letter.to(Vec::new()), recipient, &mut rests);
            replaces.then_some(address)
        });
        replaced.collect()
    }

    /// Adds what stood behind these letters: before those that were decided since.
    pub fn add_in_order(&mut self, behind: &[Letter]) {
        let first = behind.first().map(|it| it.decided);
        let is_before = |it: &Letter| first.is_none_or(|first| it.decided <= first);
        let since = self.letters.partition_point(is_before);
        let since = self.letters.split_off(since);
        for letter in behind.iter().chain(&since) {
            self.add(letter);
        }
    }

    /// As [`Waiting::add`], to one of them; equal letters are kept once.
    fn add_to(&mut self, mut letter: Letter, recipient: Addressed, rests: &mut Rests) -> bool {
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
        replaces |= self.take_back(&mut letter, to, rests);
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

    /// Takes from all that waits for somebody what a letter says, too, where more waits for them than stays apart: however
    /// often the same changes, it waits once. Whether any of that was a message.
    fn take_back(&mut self, letter: &mut Letter, to: PrincipalId, rests: &mut Rests) -> bool {
        if self.letters.iter().filter(|it| it.is_to(to)).count() < LETTERS_APART {
            return false;
        }
        let mut left = Vec::with_capacity(self.letters.len());
        let mut replaces = false;
        let followed = self.followed(letter, to);
        let mut at = 0..;
        let mut letters = self.letters.drain(..).peekable();
        while let Some(mut before) = letters.next() {
            let stays = at.next().is_some_and(|at| followed.contains(&at));
            let is_said = match stays {
                true => before.shares_instances(letter),
                false => before.is_like(letter) && before.is_met_by(letter),
            };
            let Some(recipient) = is_said.then(|| before.take_out(to)).flatten() else {
                left.push(before);
                continue;
            };
            letter.stand_for_all_of(&before);
            replaces |= !before.is_refresh;
            let octets = before.octets.clone();
            let rest = rests
                .entry((octets, stays))
                .or_insert_with(|| before.without(letter, stays));
            let rest = rest.as_ref().map(|rest| before.saying(rest));
            left.push(before);
            match (rest, letters.peek_mut()) {
                // somebody else's was taken out before
                (Some(rest), Some(next)) if next.says(&rest) => next.recipients.push(recipient),
                (Some(rest), _) => left.push(rest.to(vec![recipient])),
                (None, _) => {}
            }
        }
        drop(letters);
        self.letters = left;
        replaces
    }

    /// Those of somebody's letters whose answer to the series stays beside that of another one: an instance that was
    /// answered as one of them follows the next (RFC 6638 §3.2.8). Of each PARTSTAT one is enough between two answers to
    /// instances: the last, by which the next one to an instance finds the series.
    fn followed(&self, answer: &Letter, to: PrincipalId) -> BTreeSet<usize> {
        let mut followed = BTreeSet::new();
        if answer.method != Method::Reply || !answer.is_about_all() {
            return followed;
        }
        let mut said = BTreeSet::from_iter(answer.answer_to_series());
        let letters = self.letters.iter().enumerate().rev();
        for (at, before) in letters.filter(|(_, it)| it.is_to(to) && it.is_like(answer)) {
            if !before.is_within(answer) && before.is_about_instances() {
                said.clear();
            }
            if before.answer_to_series().is_some_and(|it| said.insert(it)) {
                followed.insert(at);
            }
        }
        followed
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
        match refusal {
            // which the recipient can mend, and nobody else
            Refusal::InsufficientStorage(_) => {
                tracing::warn!(attempts, %refusal, "a message to somebody waits for room");
            }
            _ => {
                tracing::error!(attempts, %refusal, "a message to somebody cannot be delivered now, and waits");
            }
        }
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
    use crate::engine::Method::{Cancel, Reply, Request};

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
                waiting.add(&letter.to(vec![(BOB, String::new())]));
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

    /// RFC 6638 §3.2.8: who declines instances, and comes to the series then, has declined these instances still.
    #[test]
    fn answers_to_instances_are_not_taken_back_by_one_to_the_series() {
        let mut waiting = Waiting::default();
        let answer = |about: &[&str]| letter_at(Reply, about, "").to(vec![(BOB, String::new())]);
        let days: Vec<String> = (1..=LETTERS_APART).map(|day| day.to_string()).collect();
        for day in &days {
            waiting.add(&answer(&[day]));
        }
        for (about, taken_back) in [(&[][..], 0), (&[], 1), (&[&*days[0]], 1)] {
            assert_eq!(waiting.add(&answer(about)).len(), taken_back);
        }
        let waits = waiting.letters.iter().flat_map(|it| &it.parts);
        let waits: Vec<&str> = waits.map(|(name, _)| &**name).collect();
        let others = days[1..].iter().map(|it| &**it);
        let expected: Vec<&str> = others.chain(["", &days[0]]).collect();
        assert_eq!(waits, expected);
    }

    /// What waits for many is shared, however often some of it is taken back.
    #[test]
    fn what_waits_for_many_waits_once() {
        let letters_to = |people: u64| {
            let people: Vec<Addressed> = (1..=people)
                .map(|id| (PrincipalId(id), id.to_string()))
                .collect();
            let mut waiting = Waiting::default();
            for number in 0..CHANGES {
                let from = number % (DAYS.len() - 1);
                let about = &DAYS[from..from + 2];
                let letter = letter_at(Request, about, &number.to_string());
                waiting.add(&letter.to(people.clone()));
            }
            assert!(waiting.letters.iter().all(|it| it.recipients == people));
            waiting.letters.len()
        };
        assert_eq!(letters_to(100), letters_to(1));
    }

    /// RFC 6638 §3.2.8: who accepts an instance, then the series, and declines the series then, has declined the instance,
    /// too: it was as the series is. Whatever is answered how often, each answer waits once between two to an instance.
    #[test]
    fn an_instance_follows_the_series_that_it_was_answered_like() {
        let answer = |about: &[&str], status: &str| {
            let line = format!("ATTENDEE;PARTSTAT={status}:mailto:bob@example.org");
            let letter = letter_at(Reply, about, "20260302T090000Z").saying_also(&line);
            letter.to(vec![(BOB, String::new())])
        };
        let mut waiting = Waiting::default();
        let days: Vec<String> = (1..=LETTERS_APART).map(|day| day.to_string()).collect();
        for day in &days {
            waiting.add(&answer(&[day], "ACCEPTED"));
        }
        let expected = |series: &[&str]| -> Vec<Letter> {
            let instances = days.iter().map(|day| answer(&[day], "ACCEPTED"));
            instances
                .chain(series.iter().map(|status| answer(&[], status)))
                .collect()
        };
        for status in ["ACCEPTED", "DECLINED"] {
            waiting.add(&answer(&[], status));
        }
        assert_eq!(waiting.letters, expected(&["ACCEPTED", "DECLINED"]));
        for status in ["ACCEPTED", "TENTATIVE", "DECLINED"].repeat(CHANGES) {
            waiting.add(&answer(&[], status));
        }
        let last = ["ACCEPTED", "TENTATIVE", "DECLINED"];
        assert_eq!(waiting.letters, expected(&last));
        for _ in 0..CHANGES {
            waiting.add(&answer(&[&days[0]], "TENTATIVE"));
            for status in last {
                waiting.add(&answer(&[], status));
            }
        }
        assert_eq!(waiting.letters.len(), LETTERS_APART + 2 * last.len());
    }

    /// However often one answers the series and an instance by turns, and another instance with the next answer to the series.
    #[test]
    fn answers_to_the_series_and_to_an_instance_do_not_pile_up() {
        let mut waiting = Waiting::default();
        let said = [("ACCEPTED", ["", "1"]), ("DECLINED", ["", "2"])];
        for (status, about) in said.iter().cycle().take(CHANGES) {
            let line = format!("ATTENDEE;PARTSTAT={status}:mailto:bob@example.org");
            let letter = letter_at(Reply, about, "20260302T090000Z").saying_also(&line);
            waiting.add(&letter.to(vec![(BOB, String::new())]));
            assert!(waiting.letters.len() <= LETTERS_APART + said.len());
        }
        // the last word of each, behind the answer to the series that came before it
        for (status, about) in said {
            let mut letters = waiting.letters.iter();
            let last = letters.rfind(|it| it.parts.iter().any(|(name, _)| name == about[1]));
            let last = last.and_then(Letter::answer_to_series);
            assert_eq!(last.as_deref(), Some(status), "{waiting:?}");
        }
    }

    /// What only showed something was no message that would not be sent now.
    #[test]
    fn what_only_shows_is_not_told_as_replaced() {
        let bob = || vec![(BOB, "bob".to_owned())];
        for is_refresh in [true, false] {
            let mut waiting = Waiting::default();
            for number in 0..=LETTERS_APART {
                let from = number % (DAYS.len() - 1);
                let letter = Letter {
                    is_refresh,
                    ..letter_at(Request, &DAYS[from..from + 2], "20260302T090000Z")
                };
                let replaced = waiting.add(&letter.to(bob()));
                let is_told = number == LETTERS_APART && !is_refresh;
                assert_eq!(replaced.len(), usize::from(is_told), "{number}");
            }
        }
    }
}
