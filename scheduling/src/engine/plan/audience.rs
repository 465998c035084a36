//! Who hears what of an organizer's edit: what each person is told of the object as it was, against what
//! they are told of it as it is (RFC 6638 §3.2.6, RFC 5546 §3.2.2 and §3.2.5).

use std::collections::{BTreeMap, BTreeSet};

use calendar::InstanceKey;

use super::{
    Change,
    roster::{Attendee, Seat},
};
use crate::engine::{
    meeting::{Meeting, Part},
    significance::Changes,
};

/// The two states of an object, and what is between them.
pub(super) struct Comparison<'m, 'o> {
    pub before: Option<&'m Meeting<'o>>,
    pub after: &'m Meeting<'o>,
    pub changes: &'m BTreeMap<Part, Changes>,
    /// Nobody was told of it before from here: whoever is invited is told all of it.
    is_new_to_all: bool,
    /// Instances that are told of differently: those with a component before or after, and those that are taken
    /// out or no longer.
    keys: BTreeMap<InstanceKey, Yielded>,
}

/// Whether the series yields an instance.
#[derive(Clone, Copy)]
struct Yielded {
    before: bool,
    after: bool,
}

/// What one person hears.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct News {
    /// What is called off for them, of the parts and instances that they had.
    pub cancelled: BTreeSet<Part>,
    /// What they are invited to, or told anew.
    pub told: Option<Telling>,
}

/// An invitation, or its update.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Telling {
    /// The instances that it is about; `None` is all that the person is told of.
    pub instances: Option<BTreeSet<InstanceKey>>,
    /// Why.
    pub reason: &'static str,
}

impl<'m, 'o> Comparison<'m, 'o> {
    pub fn new(
        change: &Change<'_>,
        before: Option<&'m Meeting<'o>>,
        after: &'m Meeting<'o>,
        changes: &'m BTreeMap<Part, Changes>,
    ) -> Comparison<'m, 'o> {
        let keys = before.map_or_else(BTreeMap::new, |before| keys(before, after));
        Comparison {
            before,
            after,
            changes,
            is_new_to_all: change.is_dormant,
            keys,
        }
    }

    /// What a person hears, told before as `earlier` and now as `now`. Who is `asked` again hears of those parts
    /// without another change.
    pub fn news(
        &self,
        earlier: Option<&Attendee<'_>>,
        now: Option<&Attendee<'_>>,
        asked: &BTreeSet<Part>,
    ) -> News {
        let had: BTreeSet<Part> = match (self.before, earlier) {
            (Some(before), Some(earlier)) => {
                earlier.told().filter(|it| before.is_live(*it)).collect()
            }
            _ => BTreeSet::new(),
        };
        let calls_off = || match (self.before, earlier) {
            (Some(before), Some(earlier)) => earlier
                .called_off()
                .filter(|it| before.is_live(*it))
                .collect(),
            _ => BTreeSet::new(),
        };
        let has: BTreeSet<Part> = now.map_or_else(BTreeSet::new, |now| {
            now.told().filter(|it| self.after.is_live(*it)).collect()
        });
        match (had.is_empty(), has.is_empty()) {
            (_, true) => News {
                cancelled: calls_off(),
                told: None,
            },
            (true, false) => News {
                cancelled: BTreeSet::new(),
                told: Some(Telling {
                    instances: None,
                    reason: self.reason_for_all(earlier),
                }),
            },
            (false, false) => {
                let mut news = self.update(&had, &has, asked);
                if earlier.is_some_and(Attendee::is_unheard) {
                    // of what an instance belongs to, they may know nothing
                    news.told.iter_mut().for_each(|told| told.instances = None);
                }
                news
            }
        }
    }

    /// Whether a person, told before as `earlier` and now as `now`, comes to the series or to an instance to which they
    /// did not come, or the other way round. An instance without a component is as the series: who came to that came to
    /// it.
    pub fn comes_or_goes(
        &self,
        earlier: Option<&Attendee<'_>>,
        now: Option<&Attendee<'_>>,
    ) -> bool {
        let parts = |attendee: Option<&Attendee<'_>>| -> BTreeSet<Part> {
            attendee.map_or_else(BTreeSet::new, |it| it.told().collect())
        };
        let (had, has) = (parts(earlier), parts(now));
        had.contains(&Part::Series) != has.contains(&Part::Series)
            || self.keys.iter().any(|(key, yielded)| {
                self.attended(&had, *key, yielded.before) != self.attends(&has, *key, yielded.after)
            })
    }

    fn reason_for_all(&self, earlier: Option<&Attendee<'_>>) -> &'static str {
        match earlier.is_some_and(|earlier| earlier.told().next().is_some()) {
            true => "rescheduled",
            false => "invited",
        }
    }

    fn update(&self, had: &BTreeSet<Part>, has: &BTreeSet<Part>, asked: &BTreeSet<Part>) -> News {
        if had.contains(&Part::Series) && !has.contains(&Part::Series) {
            // the whole is called off, and then told what is left
            return News {
                cancelled: BTreeSet::from([Part::Series]),
                told: Some(Telling {
                    instances: None,
                    reason: "invited to single instances only",
                }),
            };
        }
        let series = self.changes_of(Part::Series);
        let told_anew = has.contains(&Part::Series) && series.asks_anew;
        let mut told = self.telling(had, has, asked);
        if self.is_new_to_all {
            told = Some(Telling {
                instances: None,
                reason: told.map_or("nobody was told of it from here before", |it| it.reason),
            });
        }
        let is_whole = told.as_ref().is_some_and(|it| it.instances.is_none());
        News {
            // an invitation to the series at another time replaces all that was said of instances
            cancelled: match told_anew {
                true => BTreeSet::new(),
                false => self.lost(had, has, is_whole),
            },
            told,
        }
    }

    /// The instances that are called off for somebody, who may be told all of what is left.
    fn lost(
        &self,
        had: &BTreeSet<Part>,
        has: &BTreeSet<Part>,
        is_told_whole: bool,
    ) -> BTreeSet<Part> {
        let lost = self.keys.iter().filter(|(key, yielded)| {
            self.attended(had, **key, yielded.before)
                && !self.attends(has, **key, yielded.after)
                && (self.is_taken_out(**key) || !is_told_whole)
                || self.are_later_ones_off(had, **key)
        });
        lost.map(|(key, _)| Part::Instance(*key)).collect()
    }

    /// Whether an instance is said to be off with all later ones (RFC 5545 §3.2.13), to which somebody came, whether to that
    /// one or not.
    fn are_later_ones_off(&self, had: &BTreeSet<Part>, key: InstanceKey) -> bool {
        let part = Part::Instance(key);
        let was = self.before.map(|before| before.part_from(key));
        self.after.part_from(key) == part
            && !self.after.is_live(part)
            && was.is_some_and(|was| had.contains(&was))
    }

    /// Whether it is said of an instance that it does not take place for somebody; else the series does not
    /// yield it (any more), and an invitation to the series says so.
    fn is_taken_out(&self, key: InstanceKey) -> bool {
        self.after.has(Part::Instance(key)) || self.after.excluded.contains(&key)
    }

    fn telling(
        &self,
        had: &BTreeSet<Part>,
        has: &BTreeSet<Part>,
        asked: &BTreeSet<Part>,
    ) -> Option<Telling> {
        let whole = |reason| {
            Some(Telling {
                instances: None,
                reason,
            })
        };
        if has.contains(&Part::Series) {
            let series = self.changes_of(Part::Series);
            if !had.contains(&Part::Series) {
                return whole("invited to the series");
            }
            if series.asks_anew {
                return whole("rescheduled");
            }
            if series.visible || self.falls_back(had, has) || self.shifts(had, has) {
                return whole("changed");
            }
            if asked.contains(&Part::Series) {
                return whole("sent again");
            }
        }
        let mut reason = "sent again";
        let mut instances = BTreeSet::new();
        for key in has.iter().filter_map(|part| part.key()) {
            let part = Part::Instance(key);
            let changes = self.changes_of(part);
            let yielded = self.keys.get(&key).is_some_and(|it| it.before);
            let is_new = !self.attended(had, key, yielded);
            if changes.asks_anew || changes.visible || is_new {
                reason = match (is_new, changes.asks_anew) {
                    (true, _) => "invited to an instance",
                    (_, true) => "an instance is rescheduled",
                    _ => "an instance is changed",
                };
            } else if !asked.contains(&part) {
                continue;
            }
            instances.insert(key);
        }
        (!instances.is_empty()).then_some(Telling {
            instances: Some(instances),
            reason,
        })
    }

    /// Whether an instance is one of the series again: no component of its own can say so.
    fn falls_back(&self, had: &BTreeSet<Part>, has: &BTreeSet<Part>) -> bool {
        self.keys.iter().any(|(key, yielded)| {
            let part = Part::Instance(*key);
            !self.after.has(part)
                && self.attends(has, *key, yielded.after)
                && (self.before.is_some_and(|before| before.has(part))
                    || !self.attended(had, *key, yielded.before))
        })
    }

    /// Whether all later instances, from one on, come to be somebody's or are not any more, without being called off for
    /// all: only the series can say so, to whoever does not know RANGE (RFC 5545 §3.2.13). So it is where they are again
    /// what others are.
    fn shifts(&self, had: &BTreeSet<Part>, has: &BTreeSet<Part>) -> bool {
        self.keys.keys().any(|key| {
            let was = self.before.map_or(Part::Series, |it| it.part_from(*key));
            let is = self.after.part_from(*key);
            let falls_back = || was != is && is.key() != Some(*key) && had.contains(&was);
            self.after.is_live(is) && (had.contains(&was) != has.contains(&is) || falls_back())
        })
    }

    fn attended(&self, had: &BTreeSet<Part>, key: InstanceKey, yielded: bool) -> bool {
        self.before
            .is_some_and(|before| attends(before, had, key, yielded))
    }

    fn attends(&self, has: &BTreeSet<Part>, key: InstanceKey, yielded: bool) -> bool {
        attends(self.after, has, key, yielded)
    }

    fn changes_of(&self, part: Part) -> Changes {
        self.changes.get(&part).copied().unwrap_or_default()
    }
}

/// Whether somebody who is told of these parts attends an instance.
fn attends(meeting: &Meeting<'_>, told: &BTreeSet<Part>, key: InstanceKey, yielded: bool) -> bool {
    match meeting.has(Part::Instance(key)) {
        true => told.contains(&Part::Instance(key)),
        false => yielded && told.contains(&meeting.part_from(key)),
    }
}

fn keys(before: &Meeting<'_>, after: &Meeting<'_>) -> BTreeMap<InstanceKey, Yielded> {
    let own = before.instances().chain(after.instances());
    let out = before.excluded.symmetric_difference(&after.excluded);
    let keys: BTreeSet<InstanceKey> = own.map(|(key, _)| key).chain(out.copied()).collect();
    // what has its own component needs not be looked for in the series
    let yielded = |meeting: &Meeting<'_>| {
        let apart = keys.iter().copied();
        meeting.yielded(apart.filter(|key| !meeting.has(Part::Instance(*key))))
    };
    let (yielded_before, yielded_after) = (yielded(before), yielded(after));
    let yields = |key: &InstanceKey| Yielded {
        before: yielded_before.contains(key),
        after: yielded_after.contains(key),
    };
    keys.iter().map(|key| (*key, yields(key))).collect()
}

/// The parts in which somebody is asked again without another change: by SCHEDULE-FORCE-SEND (RFC 6638 §3.2.7), or
/// by an explicit NEEDS-ACTION of a client that has seen the answer (§3.2.8).
pub(super) fn is_forced(seat: &Seat<'_>) -> bool {
    let force = seat.line.parameter("SCHEDULE-FORCE-SEND");
    force.is_some_and(|force| force.eq_ignore_ascii_case("REQUEST"))
}
