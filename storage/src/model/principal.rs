//! People, groups, rooms and resources.

use serde::{Deserialize, Serialize};

use super::{CollectionId, Properties};
use crate::access::Delegation;

/// Names a principal for ever; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PrincipalId(pub u64);

impl PrincipalId {
    /// No principal's: stands for whoever did not sign in.
    pub const NOBODY: PrincipalId = PrincipalId(0);
}

/// The kinds of principals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PrincipalKind {
    /// A person.
    User,
    /// A set of principals.
    Group,
    /// A thing that can be booked.
    Resource,
    /// A room that can be booked.
    Location,
}

impl PrincipalKind {
    /// Whether it is a room or resource.
    pub fn is_bookable(self) -> bool {
        matches!(self, PrincipalKind::Location | PrincipalKind::Resource)
    }
}

/// How a room or resource answers invitations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Booking {
    /// It never answers; a person does.
    #[default]
    None,
    /// Accepts everything.
    AcceptAlways,
    /// Declines everything.
    DeclineAlways,
    /// Accepts what is free, leaves the rest to a person.
    AcceptIfFree,
    /// Declines what is busy, leaves the rest to a person.
    DeclineIfBusy,
    /// Accepts what is free, declines the rest.
    Automatic,
}

impl Booking {
    /// The word that the accounts file has for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Booking::None => "none",
            Booking::AcceptAlways => "accept-always",
            Booking::DeclineAlways => "decline-always",
            Booking::AcceptIfFree => "accept-if-free",
            Booking::DeclineIfBusy => "decline-if-busy",
            Booking::Automatic => "automatic",
        }
    }
}

/// A mode that holds for what one organizer, or the members of a group, ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookingRule {
    /// Who asks: a person, or a group with all in it.
    pub organizer: PrincipalId,
    /// How they are answered.
    pub booking: Booking,
}

/// How far ahead a room or resource answers by itself where nothing else is said: three years.
pub const BOOKING_HORIZON_DAYS: u32 = 3 * 365;

/// Somebody who may act for a principal, and what for. Who may do none of it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delegate {
    /// Who: a person, or a group with all in it.
    pub principal: PrincipalId,
    /// May write in the calendars.
    pub may_edit: bool,
    /// May answer invitations in the principal's name, where they may write.
    pub may_answer: bool,
    /// May invite, and cancel, in the principal's name, where they may write.
    pub may_invite: bool,
    /// Sees private things, too.
    pub sees_private: bool,
}

impl Delegate {
    /// One who only reads.
    pub fn reader(principal: PrincipalId) -> Delegate {
        Delegate {
            principal,
            may_edit: false,
            may_answer: false,
            may_invite: false,
            sees_private: false,
        }
    }

    /// One who does what people expect of a deputy: everything but to look at private things.
    pub fn deputy(principal: PrincipalId) -> Delegate {
        Delegate {
            may_edit: true,
            may_answer: true,
            may_invite: true,
            ..Delegate::reader(principal)
        }
    }

    fn with_rights_of_reader(self) -> Delegate {
        Delegate {
            sees_private: self.sees_private,
            ..Delegate::reader(self.principal)
        }
    }

    fn with_rights_of_deputy(self) -> Delegate {
        Delegate {
            sees_private: self.sees_private,
            ..Delegate::deputy(self.principal)
        }
    }

    /// Whether the delegate belongs to that group of delegates.
    pub fn is_in(&self, delegation: Delegation) -> bool {
        match delegation {
            Delegation::Read => !self.may_edit,
            Delegation::Write => self.may_edit,
            Delegation::Answer => self.may_answer,
            Delegation::Invite => self.may_invite,
            Delegation::Private => self.sees_private,
        }
    }
}

/// Who finds a principal's invitations in the inbox. The calendar always has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InvitationRecipients {
    /// The principal, and the delegates who may answer.
    Both,
    /// The delegates who may answer; the principal, as long as there are none.
    Delegates,
    /// The principal alone.
    #[default]
    Manager,
}

/// An account, a group, a room or a resource. Names are unique over all kinds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// Its identity.
    pub id: PrincipalId,
    /// Its kind.
    pub kind: PrincipalKind,
    /// The name in URLs and for sign-in.
    pub name: String,
    /// The name for people.
    pub display_name: String,
    /// Calendar user addresses as written (`mailto:...`), the primary one first.
    pub addresses: Vec<String>,
    /// BCP 47 tag for mails and pages.
    pub language: Option<String>,
    /// IANA time zone.
    pub time_zone: Option<String>,
    /// May read and write every home.
    pub administrator: bool,
    /// May not sign in; keeps its data.
    pub disabled: bool,
    /// Direct members of a group.
    pub members: Vec<PrincipalId>,
    /// How many people fit in.
    pub capacity: Option<u32>,
    /// Where it is.
    pub location: Option<String>,
    /// What it has.
    pub features: Vec<String>,
    /// How it answers invitations.
    pub booking: Booking,
    /// How it answers those of some organizers; the first that fits holds.
    pub booking_for: Vec<BookingRule>,
    /// How many days ahead it answers by itself; what begins later is declined.
    pub booking_horizon_days: u32,
    /// Who may act for it, each once.
    pub delegates: Vec<Delegate>,
    /// Who finds its invitations in the inbox.
    pub invitations_to: InvitationRecipients,
    /// Is told by mail of what delegates send in its name.
    pub delegate_notices: bool,
    /// Its home; groups have none.
    pub home: Option<CollectionId>,
    /// Where invitations are put.
    pub default_calendar: Option<CollectionId>,
    /// Dead properties of the principal resource.
    pub properties: Properties,
}

impl Principal {
    /// A principal of which only kind and name are known, for [`crate::Store::add_account`], which
    /// gives it its identity and its home.
    pub fn new(kind: PrincipalKind, name: &str) -> Principal {
        Principal {
            id: PrincipalId::NOBODY,
            kind,
            name: name.to_owned(),
            display_name: name.to_owned(),
            addresses: Vec::new(),
            language: None,
            time_zone: None,
            administrator: false,
            disabled: false,
            members: Vec::new(),
            capacity: None,
            location: None,
            features: Vec::new(),
            booking: Booking::default(),
            booking_for: Vec::new(),
            booking_horizon_days: BOOKING_HORIZON_DAYS,
            delegates: Vec::new(),
            // nobody signs in as a room, who could look into its inbox
            invitations_to: match kind.is_bookable() {
                true => InvitationRecipients::Delegates,
                false => InvitationRecipients::default(),
            },
            delegate_notices: true,
            home: None,
            default_calendar: None,
            properties: Properties::new(),
        }
    }

    /// Whether it answers any invitation by itself: a room or resource that was told how.
    pub fn answers_by_itself(&self) -> bool {
        self.kind.is_bookable() && (self.booking != Booking::None || !self.booking_for.is_empty())
    }

    /// Whether it answers some invitations by itself that it would not have answered before, or otherwise.
    pub fn answers_otherwise_than(&self, before: &Principal) -> bool {
        let how = |it: &Principal| (it.booking, it.booking_for.clone(), it.booking_horizon_days);
        self.answers_by_itself() && how(before) != how(self)
    }

    /// Those in one of the groups of delegates.
    pub fn delegates_in(&self, delegation: Delegation) -> impl Iterator<Item = PrincipalId> {
        let delegates = self.delegates.iter();
        delegates
            .filter(move |delegate| delegate.is_in(delegation))
            .map(|delegate| delegate.principal)
    }

    /// Makes exactly these the members of one of the groups of delegates (calendarserver calendar-proxy
    /// §5.2). Who is new to writing may also answer and invite, and who leaves it is no delegate any more;
    /// so a person comes to stand in one of the two groups for reading and writing at most.
    pub fn set_delegates_in(&mut self, delegation: Delegation, members: &[PrincipalId]) {
        let is_access = matches!(delegation, Delegation::Read | Delegation::Write);
        let is_named = |delegate: &Delegate| members.contains(&delegate.principal);
        if is_access {
            self.delegates
                .retain(|delegate| !delegate.is_in(delegation) || is_named(delegate));
        }
        for delegate in &mut self.delegates {
            let named = is_named(delegate);
            match delegation {
                _ if is_access && (!named || delegate.is_in(delegation)) => {}
                Delegation::Read => *delegate = delegate.with_rights_of_reader(),
                Delegation::Write => *delegate = delegate.with_rights_of_deputy(),
                Delegation::Answer => delegate.may_answer = named,
                Delegation::Invite => delegate.may_invite = named,
                Delegation::Private => delegate.sees_private = named,
            }
        }
        for &principal in members {
            if self.delegates.iter().any(|it| it.principal == principal) {
                continue;
            }
            let mut delegate = Delegate::reader(principal);
            match delegation {
                Delegation::Read => {}
                Delegation::Write => delegate = Delegate::deputy(principal),
                Delegation::Answer => delegate.may_answer = true,
                Delegation::Invite => delegate.may_invite = true,
                Delegation::Private => delegate.sees_private = true,
            }
            self.delegates.push(delegate);
        }
    }
}

/// A password's hash, kept apart from the principal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// PHC string.
    pub hash: String,
    /// Set by an import; a later import may change it only while this holds.
    pub imported: bool,
}
