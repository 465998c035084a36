//! The organisation, and its server without sockets: a desk over a store in memory that fails on demand and lets
//! others in before each of its calls.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
};

use bytes::Bytes;
use calendar::{CalendarObject, Limits};
use scheduling::{
    Actor, Conditions, Precondition, Refusal,
    desk::{Desk, MakeCollection, Settings},
    mail::{self, DeliveryOutcome, MAILING_QUEUE, OutgoingMessage},
};
use storage::{
    AccountError, Environment, ResourcePath, Store, Timestamp,
    backend::Backend,
    memory::Memory,
    model::{
        Booking, CollectionKind, Delegate, InvitationRecipients, Member, Object, Principal,
        PrincipalKind, Properties, SyncToken, TrashPolicy,
    },
    testing::{Faulty, ManualClock, SeededEntropy},
};

use super::{
    Dice, elsewhere::Elsewhere, manner::Manner, mortal::Mortal, remembered::Remembered, steps::UIDS,
};

/// Everybody with a calendar.
pub const PEOPLE: [&str; 4] = ["alice", "bob", "carol", "room"];
/// 2026-02-01T00:00:00Z
const START: Timestamp = Timestamp(1_769_904_000_000);

/// What is deleted and changed is kept; of versions that follow each other closely, not all.
const TRASH: TrashPolicy = TrashPolicy {
    deleted_milliseconds: 90 * 24 * 60 * 60 * 1000,
    versions_milliseconds: 90 * 24 * 60 * 60 * 1000,
    version_apart_milliseconds: 60 * 1000,
    home_octets: 1024 * 1024,
};

/// An object somewhere.
#[derive(Clone, Debug)]
pub struct Found {
    /// Whose.
    pub owner: &'static str,
    /// Where.
    pub path: ResourcePath,
    /// What is stored.
    pub object: Object,
    /// The octets.
    pub octets: Bytes,
}

impl Found {
    /// The iCalendar object.
    pub fn parsed(&self) -> CalendarObject {
        parse(&self.octets)
    }

    /// Whether it is a scheduling object (RFC 6638 §3.1).
    pub fn is_scheduled(&self) -> bool {
        let facts = self.object.calendar.as_ref();
        facts.is_some_and(|facts| facts.scheduling)
    }

    /// Its Schedule-Tag.
    pub fn schedule_tag(&self) -> Option<String> {
        let facts = self.object.calendar.as_ref()?;
        facts.schedule_tag.clone()
    }
}

/// Reads what a store keeps.
pub fn parse(octets: &[u8]) -> CalendarObject {
    CalendarObject::parse(octets, &Limits::default()).expect("what is stored can be read")
}

/// Who does what waits.
#[derive(Clone, Copy, Debug)]
pub enum Worker {
    /// Messages that wait.
    Deliveries,
    /// Mails that a commit did not hold.
    Mails,
    /// How mails fared.
    MailStatuses,
    /// What a room answers.
    Bookings,
    /// What a room is asked again.
    AskedAgain,
    /// Answers that others see.
    Refreshes,
    /// Changes of groups.
    Groups,
    /// What accounts missed that were disabled.
    Enabled,
    /// Inbox items that were answered.
    Inboxes,
    /// Answers that wait for that of who sends who gives them.
    HeldAnswers,
}

impl Worker {
    /// All of them.
    pub const ALL: [Worker; 10] = [
        Worker::Deliveries,
        Worker::Mails,
        Worker::MailStatuses,
        Worker::Bookings,
        Worker::AskedAgain,
        Worker::Refreshes,
        Worker::Groups,
        Worker::Enabled,
        Worker::Inboxes,
        Worker::HeldAnswers,
    ];
}

/// What somebody's client saw of a collection at its last sync.
#[derive(Debug, Default)]
pub struct Mirror {
    /// Where the sync stands.
    pub token: Option<SyncToken>,
    /// The entity tags by name.
    pub members: BTreeMap<String, String>,
}

/// The organisation.
pub struct House {
    /// The present server.
    pub desk: Desk,
    /// The store's faults.
    pub faulty: Arc<Faulty>,
    mortal: Arc<Mortal>,
    /// What is not the same in all stories.
    pub manner: Manner,
    clock: Arc<ManualClock>,
    environment: Environment,
    actors: BTreeMap<&'static str, Actor>,
    /// What must be known of what was done.
    pub(super) remembered: Mutex<Remembered>,
    /// Who has left.
    pub gone: Option<&'static str>,
    /// Whose account is disabled.
    pub disabled: BTreeSet<&'static str>,
    /// People elsewhere, and the mail between them and the house.
    elsewhere: Mutex<Elsewhere>,
    /// The state of the store that was looked at last.
    pub checked: Option<storage::Revision>,
    /// Clients that sync.
    pub mirrors: BTreeMap<(&'static str, &'static str), Mirror>,
    /// The highest SEQUENCE of each part of each meeting, by UID and RECURRENCE-ID.
    pub sequences: BTreeMap<(String, String), u32>,
}

impl House {
    /// A house in which nothing has happened.
    pub async fn new(seed: u64) -> House {
        House::with(seed, Manner::default()).await
    }

    /// The same, in which things go in such a manner.
    pub async fn with(seed: u64, manner: Manner) -> House {
        let clock = Arc::new(ManualClock::new(START));
        let environment = Environment {
            clock: clock.clone(),
            entropy: Arc::new(SeededEntropy::new(seed)),
        };
        let memory: Arc<dyn Backend> = Arc::new(Memory::new(clock.clone()));
        let mortal = Arc::new(Mortal::new(memory));
        let faulty = Arc::new(Faulty::new(mortal.clone()));
        let backend: Arc<dyn Backend> = faulty.clone();
        let store = Store::open(backend, environment.clone()).await;
        let store = store.expect("an empty store opens").keeping(Some(TRASH));
        let mut actors = BTreeMap::new();
        for name in PEOPLE {
            let kind = match name {
                "room" => PrincipalKind::Location,
                _ => PrincipalKind::User,
            };
            let mut principal = Principal::new(kind, name);
            principal.addresses = vec![address(name)];
            principal.addresses.extend(second_address(name));
            if kind == PrincipalKind::Location {
                principal.booking = Booking::Automatic;
            }
            let principal = store.add_account(principal, None).await;
            actors.insert(name, Actor::of(principal.expect("a new account")));
        }
        let mut team = Principal::new(PrincipalKind::Group, "team");
        team.addresses = vec![address("team")];
        team.members = vec![actors["bob"].principal.id, actors["carol"].principal.id];
        store.add_account(team, None).await.expect("a new group");
        let (alice, carol) = (actors["alice"].principal.id, actors["carol"].principal.id);
        // Carol is Alice's secretary
        let delegate = Delegate {
            may_answer: true,
            may_invite: true,
            ..Delegate::deputy(carol)
        };
        let changed = store.change_principal(alice, |it| it.delegates = vec![delegate]);
        changed.await.expect("an account that is there");
        let house = House {
            desk: Desk::new(store, settings(manner)),
            faulty,
            mortal,
            manner,
            clock,
            environment,
            actors,
            remembered: Mutex::default(),
            gone: None,
            disabled: BTreeSet::new(),
            elsewhere: Mutex::default(),
            checked: None,
            mirrors: BTreeMap::new(),
            sequences: BTreeMap::new(),
        };
        if manner.room_is_kept {
            let kept = house.change_room("bob", true).await;
            kept.expect("an account that is there");
        }
        house
    }

    /// People elsewhere.
    pub fn elsewhere(&self) -> MutexGuard<'_, Elsewhere> {
        self.elsewhere.lock().expect("no panic before")
    }

    /// What the clock says, in seconds.
    pub fn now_seconds(&self) -> i64 {
        self.environment.clock.now().seconds()
    }

    /// Somebody who signs in.
    pub fn actor(&self, name: &str) -> &Actor {
        &self.actors[name]
    }

    /// The server is started anew over the same store.
    pub async fn restart(&mut self) {
        let backend: Arc<dyn Backend> = self.faulty.clone();
        let store = Store::open(backend, self.environment.clone()).await;
        let store = store.expect("the store opens").keeping(Some(TRASH));
        self.desk = Desk::new(store, settings(self.manner));
    }

    /// Somebody comes into a group, or leaves it.
    ///
    /// # Errors
    /// The store's.
    pub async fn change_team(&self, who: &str, comes: bool) -> Result<(), AccountError> {
        let store = self.desk.store();
        let team = store.principal_by_name("team").await?;
        let team = team.ok_or(AccountError::NotFound)?.id;
        let who = self.actors[who].principal.id;
        let change = |team: &mut Principal| {
            team.members.retain(|member| *member != who);
            team.members.extend(comes.then_some(who));
        };
        store.change_principal(team, change).await.map(drop)
    }

    /// The room leaves to somebody what is free, who may edit its calendar, and answer for it or not.
    ///
    /// # Errors
    /// The store's.
    pub async fn change_room(&self, keeper: &str, may_answer: bool) -> Result<(), AccountError> {
        let delegate = Delegate {
            may_answer,
            ..Delegate::deputy(self.actors[keeper].principal.id)
        };
        let change = |room: &mut Principal| {
            room.booking = Booking::DeclineIfBusy;
            room.delegates = vec![delegate];
            room.invitations_to = InvitationRecipients::Both;
        };
        let room = self.actors["room"].principal.id;
        let changed = self.desk.store().change_principal(room, change);
        changed.await.map(drop)
    }

    /// Somebody's account is disabled, or enabled again.
    ///
    /// # Errors
    /// The store's.
    pub async fn disable(&mut self, who: &'static str, disabled: bool) -> Result<(), AccountError> {
        let id = self.actors[who].principal.id;
        let change = |account: &mut Principal| account.disabled = disabled;
        self.desk.store().change_principal(id, change).await?;
        match disabled {
            true => self.disabled.insert(who),
            false => self.disabled.remove(who),
        };
        Ok(())
    }

    /// Somebody lets another one edit their calendars, and not invite or answer for them.
    ///
    /// # Errors
    /// The store's.
    pub async fn let_edit(&self, owner: &str, editor: &str) -> Result<(), AccountError> {
        let delegate = Delegate {
            may_edit: true,
            ..Delegate::reader(self.actors[editor].principal.id)
        };
        let owner = self.actors[owner].principal.id;
        let change = |owner: &mut Principal| owner.delegates = vec![delegate];
        let changed = self.desk.store().change_principal(owner, change);
        changed.await.map(drop)
    }

    /// The clock goes on.
    pub fn pass(&self, milliseconds: i64) {
        self.clock.advance(milliseconds);
    }

    /// The server dies after the next commit, so that nobody hears of it.
    pub fn die_after_commit(&self) {
        self.mortal.die_after_commit();
    }

    /// Whether it did.
    pub fn is_dead(&self) -> bool {
        self.mortal.is_dead()
    }

    /// Nothing fails any more.
    pub fn heal(&self) {
        self.faulty.heal();
        self.mortal.live();
    }

    /// Makes the second calendar of somebody, which takes everything, unless it is there.
    pub async fn make_other_calendar(&self, owner: &str) {
        let make = MakeCollection {
            path: path(owner, "other"),
            kind: CollectionKind::Calendar,
            components: Vec::new(),
            properties: Properties::new(),
            conditions: Conditions::default(),
        };
        match self.desk.make_collection(self.actor(owner), make).await {
            Ok(()) => {}
            Err(Refusal::Precondition {
                precondition: Precondition::ResourceMustBeNull,
                ..
            }) => {}
            Err(refusal) => panic!("no second calendar: {refusal}"),
        }
    }

    /// All objects of somebody in a collection.
    pub async fn members(&self, owner: &'static str, collection: &str) -> Vec<Found> {
        self.members_that(owner, collection, |_| true).await
    }

    async fn members_that(
        &self,
        owner: &'static str,
        collection: &str,
        is_wanted: impl Fn(&Object) -> bool,
    ) -> Vec<Found> {
        let store = self.desk.store();
        let at = path(owner, collection);
        let resolution = store.resolve(&at).await.expect("readable");
        let resolution = resolution.filter(|it| matches!(it.found, storage::Found::Collection));
        let Some(resolution) = resolution else {
            return Vec::new();
        };
        let collection = resolution.collection().id;
        let (rows, _) = store
            .members(collection, None, 1_000)
            .await
            .expect("readable");
        let mut found = Vec::new();
        for row in rows {
            if let Member::Object(object) = row.member.value
                && is_wanted(&object)
            {
                let octets = store.content(&object.content).await.expect("readable");
                found.push(Found {
                    owner,
                    path: at.child(&row.name),
                    object,
                    octets,
                });
            }
        }
        found
    }

    /// Somebody's objects of a meeting, in any of the calendars: first the one that is scheduled.
    pub async fn copies(&self, owner: &'static str, uid: &str) -> Vec<Found> {
        let is_of_meeting = |object: &Object| {
            let facts = object.calendar.as_ref();
            facts.is_some_and(|facts| facts.uid == uid)
        };
        let mut all = self.members_that(owner, "calendar", is_of_meeting).await;
        all.extend(self.members_that(owner, "other", is_of_meeting).await);
        all.sort_by_key(|found| !found.is_scheduled());
        all
    }

    /// The same without what was only copied there from somebody else's calendar; there is one at most.
    ///
    /// # Errors
    /// There are several.
    pub async fn own_copy(&self, owner: &'static str, uid: &str) -> Result<Option<Found>, String> {
        let mut copies = self.copies(owner, uid).await;
        if self.has_copied(uid, owner) {
            copies.retain(Found::is_scheduled);
        }
        match copies.len() {
            0 | 1 => Ok(copies.pop()),
            _ => Err(format!("{owner} has \"{uid}\" twice")),
        }
    }

    /// What was decided about each meeting, in everybody's own words.
    pub async fn log(&self) -> String {
        let mut log = String::new();
        for uid in UIDS {
            for who in PEOPLE {
                let home = self.actors[who].principal.home.expect("a home");
                let entries = self.desk.scheduling_log_of(home, uid).await;
                let entries = entries.unwrap_or_default().into_iter();
                let lines = entries.flat_map(|entry| {
                    let seconds = (entry.time.0 - START.0) / 1000;
                    let lines = entry.lines.into_iter();
                    lines.map(move |line| format!("{uid} of {who}, {seconds}: {line}\n"))
                });
                log.extend(lines);
            }
        }
        log
    }

    /// Lets all that waits be done: deliveries, the room's answers, mails; and lets people elsewhere ask for what they
    /// missed, or send it again.
    ///
    /// # Errors
    /// A worker fails although nothing is broken.
    pub async fn rest(&self, dice: &Dice) -> Result<(), String> {
        self.come_to_rest(dice).await?;
        self.elsewhere().is_careful = true;
        // what is sent again may be answered, and so on
        for _ in 0..3 {
            // who asks, or sends again, does so later than the message that was lost
            self.pass(61_000);
            let is_asked = self.elsewhere().set_right(dice, self.now_seconds());
            if !is_asked {
                break;
            }
            self.come_to_rest(dice).await?;
        }
        self.elsewhere().is_careful = false;
        Ok(())
    }

    /// People elsewhere answer all that they were asked, and all of it arrives.
    ///
    /// # Errors
    /// As [`House::rest`].
    pub async fn answer_elsewhere(&self, dice: &Dice) -> Result<(), String> {
        self.pass(61_000);
        self.elsewhere().is_careful = true;
        self.elsewhere().answer_all(dice, self.now_seconds());
        let rested = self.come_to_rest(dice).await;
        self.elsewhere().is_careful = false;
        rested
    }

    /// Lets everything that is on its way arrive, and all that follows from it.
    ///
    /// # Errors
    /// As [`House::rest`].
    pub async fn come_to_rest(&self, dice: &Dice) -> Result<(), String> {
        self.heal();
        // changes of groups are followed together after a while
        self.pass(10_000);
        loop {
            self.deliver().await?;
            let left = self.post(dice, 100).await?;
            if left + self.arrive(dice, 1_000).await? == 0 {
                // how mails fared is written together after a while
                self.pass(10_000);
                return self.deliver().await;
            }
        }
    }

    /// The same without mail.
    ///
    /// # Errors
    /// As [`House::rest`].
    pub async fn deliver(&self) -> Result<(), String> {
        loop {
            let mut is_done = false;
            let is_told =
                |worker: &Worker| self.manner.clears_inboxes || !matches!(worker, Worker::Inboxes);
            for worker in Worker::ALL.into_iter().filter(is_told) {
                let worked = self.work(worker).await;
                is_done |= worked.map_err(|error| format!("{worker:?}: {error}"))?;
            }
            if !is_done {
                return Ok(());
            }
        }
    }

    /// Lets somebody do a piece of what waits; whether there was one.
    ///
    /// # Errors
    /// The server's.
    pub async fn work(&self, worker: Worker) -> Result<bool, Refusal> {
        match worker {
            Worker::Deliveries => self.desk.deliver_outstanding().await,
            Worker::Mails => self.desk.post_outstanding(MAILING_QUEUE).await,
            Worker::MailStatuses => self.desk.write_mail_statuses().await,
            Worker::Bookings => self.desk.answer_bookings().await,
            Worker::AskedAgain => self.desk.ask_rooms_again().await,
            Worker::Refreshes => self.desk.refresh_outstanding().await,
            Worker::Groups => self.desk.follow_memberships().await,
            Worker::Enabled => self.desk.catch_up_enabled().await,
            Worker::Inboxes => self.desk.clear_answered().await,
            Worker::HeldAnswers => self.desk.take_held_answers().await,
        }
    }

    /// Lets some mails leave; says how many. Some are refused, some given up, and of some it is told twice.
    ///
    /// # Errors
    /// A status cannot be written although nothing is broken.
    pub async fn post(&self, dice: &Dice, most: usize) -> Result<usize, String> {
        let now = self.environment.clock.now();
        let due = self.desk.store().due_work(mail::QUEUE, now, most).await;
        let due = due.map_err(|error| error.to_string())?;
        let outcomes = [
            DeliveryOutcome::Accepted,
            DeliveryOutcome::Accepted,
            DeliveryOutcome::Rejected,
            DeliveryOutcome::GivenUp,
        ];
        for (id, work) in &due {
            let outcome = match self.elsewhere().is_careful {
                true => DeliveryOutcome::Accepted,
                false => *dice.pick(&outcomes),
            };
            if let Some(mail) = OutgoingMessage::decode(&work.payload) {
                let mut elsewhere = self.elsewhere();
                elsewhere.check_sequence(&mail)?;
                match outcome {
                    DeliveryOutcome::Accepted => elsewhere.post_out(dice, id, &mail),
                    _ => elsewhere.miss(&mail.to.address, &mail.uid, &mail.from.address),
                }
            }
            let times = if dice.once_in(5) { 2 } else { 1 };
            for _ in 0..times {
                let recorded = self.desk.record_delivery(id, work, outcome, None).await;
                recorded.map_err(|error| format!("mail: {error}"))?;
            }
        }
        Ok(due.len())
    }
}

/// Who has an address in the house's domain is in the house, or nobody.
fn settings(manner: Manner) -> Settings {
    Settings {
        commit_bounds: manner.commit_bounds,
        local_domains: vec!["example.com".to_owned()],
        ..Settings::default()
    }
}

/// Somebody's address; that of somebody elsewhere is the name.
pub fn address(name: &str) -> String {
    match name.contains('@') {
        true => format!("mailto:{name}"),
        false => format!("mailto:{name}@example.com"),
    }
}

/// Bob has a second one.
pub fn second_address(name: &str) -> Option<String> {
    (name == "bob").then(|| address("robert"))
}

/// A resource of somebody.
pub fn path(owner: &str, below: &str) -> ResourcePath {
    ResourcePath {
        owner_kind: match owner {
            "room" => PrincipalKind::Location,
            _ => PrincipalKind::User,
        },
        owner_name: owner.to_owned(),
        segments: below.split('/').map(str::to_owned).collect(),
    }
}
