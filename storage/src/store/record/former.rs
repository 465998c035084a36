//! Rows that had another form before, which is still read; they are written in the newest one.

use serde::{Deserialize, Serialize};

use super::Row;
use crate::{
    Timestamp,
    access::{Ace, AcePrincipal, Delegation, Privilege},
    model::{
        BOOKING_HORIZON_DAYS, Booking, Collection, CollectionId, CollectionKind, Delegate,
        InvitationRecipients, Principal, PrincipalId, PrincipalKind, Properties,
    },
};

impl Row for Collection {
    /// In version 1, entries could only grant; none means that nobody had set any.
    const VERSION: u8 = 2;

    fn read(version: u8, body: &[u8]) -> Option<postcard::Result<Collection>> {
        match version {
            1 => Some(postcard::from_bytes(body).map(CollectionRecord1::into_collection)),
            Self::VERSION => Some(postcard::from_bytes(body)),
            _ => None,
        }
    }
}

/// The first form of a collection's row.
#[derive(Serialize, Deserialize)]
struct CollectionRecord1 {
    id: CollectionId,
    kind: CollectionKind,
    owner: PrincipalId,
    home: CollectionId,
    parent: Option<CollectionId>,
    name: String,
    created: Timestamp,
    components: Vec<String>,
    properties: Properties,
    access: Vec<AceRecord1>,
}

/// An entry in it.
#[derive(Serialize, Deserialize)]
struct AceRecord1 {
    principal: AcePrincipal,
    grant: Vec<Privilege>,
}

impl CollectionRecord1 {
    fn into_collection(self) -> Collection {
        let ace = |ace: AceRecord1| Ace::grant(ace.principal, &ace.grant);
        let access: Vec<Ace> = self.access.into_iter().map(ace).collect();
        Collection {
            id: self.id,
            kind: self.kind,
            owner: self.owner,
            home: self.home,
            parent: self.parent,
            name: self.name,
            created: self.created,
            components: self.components,
            properties: self.properties,
            access: (!access.is_empty()).then_some(access),
        }
    }
}

impl Row for Principal {
    /// In version 1, there were those who read and those who write, and who wrote might do all. In version 2, rooms
    /// answered all organizers alike.
    const VERSION: u8 = 3;

    fn read(version: u8, body: &[u8]) -> Option<postcard::Result<Principal>> {
        match version {
            1 => Some(postcard::from_bytes(body).map(PrincipalRecord1::into_principal)),
            2 => Some(postcard::from_bytes(body).map(PrincipalRecord2::into_principal)),
            Self::VERSION => Some(postcard::from_bytes(body)),
            _ => None,
        }
    }
}

/// The first form of a principal's row.
#[derive(Serialize, Deserialize)]
struct PrincipalRecord1 {
    id: PrincipalId,
    kind: PrincipalKind,
    name: String,
    display_name: String,
    addresses: Vec<String>,
    language: Option<String>,
    time_zone: Option<String>,
    administrator: bool,
    disabled: bool,
    members: Vec<PrincipalId>,
    capacity: Option<u32>,
    location: Option<String>,
    features: Vec<String>,
    booking: Booking,
    read_delegates: Vec<PrincipalId>,
    write_delegates: Vec<PrincipalId>,
    home: Option<CollectionId>,
    default_calendar: Option<CollectionId>,
    properties: Properties,
}

impl PrincipalRecord1 {
    fn into_principal(self) -> Principal {
        let mut principal = Principal {
            id: self.id,
            kind: self.kind,
            name: self.name,
            display_name: self.display_name,
            addresses: self.addresses,
            language: self.language,
            time_zone: self.time_zone,
            administrator: self.administrator,
            disabled: self.disabled,
            members: self.members,
            capacity: self.capacity,
            location: self.location,
            features: self.features,
            booking: self.booking,
            booking_for: Vec::new(),
            booking_horizon_days: BOOKING_HORIZON_DAYS,
            delegates: Vec::<Delegate>::new(),
            invitations_to: InvitationRecipients::default(),
            delegate_notices: true,
            home: self.home,
            default_calendar: self.default_calendar,
            properties: self.properties,
        };
        // Who stood in both lists could write.
        principal.set_delegates_in(Delegation::Read, &self.read_delegates);
        principal.set_delegates_in(Delegation::Write, &self.write_delegates);
        principal
    }
}

/// The second form of a principal's row.
#[derive(Serialize, Deserialize)]
struct PrincipalRecord2 {
    id: PrincipalId,
    kind: PrincipalKind,
    name: String,
    display_name: String,
    addresses: Vec<String>,
    language: Option<String>,
    time_zone: Option<String>,
    administrator: bool,
    disabled: bool,
    members: Vec<PrincipalId>,
    capacity: Option<u32>,
    location: Option<String>,
    features: Vec<String>,
    booking: Booking,
    delegates: Vec<Delegate>,
    invitations_to: InvitationRecipients,
    delegate_notices: bool,
    home: Option<CollectionId>,
    default_calendar: Option<CollectionId>,
    properties: Properties,
}

impl PrincipalRecord2 {
    fn into_principal(self) -> Principal {
        Principal {
            id: self.id,
            kind: self.kind,
            name: self.name,
            display_name: self.display_name,
            addresses: self.addresses,
            language: self.language,
            time_zone: self.time_zone,
            administrator: self.administrator,
            disabled: self.disabled,
            members: self.members,
            capacity: self.capacity,
            location: self.location,
            features: self.features,
            booking: self.booking,
            booking_for: Vec::new(),
            booking_horizon_days: BOOKING_HORIZON_DAYS,
            delegates: self.delegates,
            invitations_to: self.invitations_to,
            delegate_notices: self.delegate_notices,
            home: self.home,
            default_calendar: self.default_calendar,
            properties: self.properties,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use bytes::Bytes;

    use super::{
        super::{append, decode, encode},
        *,
    };

    /// Rows of the first form: `None` where nobody had set entries, and entries that grant.
    #[test]
    fn collections_of_the_first_form_are_read() {
        let old = |access| CollectionRecord1 {
            id: CollectionId(3),
            kind: CollectionKind::Calendar,
            owner: PrincipalId(1),
            home: CollectionId(2),
            parent: Some(CollectionId(2)),
            name: "work".to_owned(),
            created: Timestamp(-5),
            components: vec!["VEVENT".to_owned()],
            properties: Properties::from([("{urn:x}y".to_owned(), Bytes::from_static(b"z"))]),
            access,
        };
        let entry = AceRecord1 {
            principal: AcePrincipal::Authenticated,
            grant: vec![Privilege::Read],
        };
        let granting = Ace::grant(AcePrincipal::Authenticated, &[Privilege::Read]);
        for (access, expected) in [(vec![], None), (vec![entry], Some(vec![granting]))] {
            let row = append(vec![1], &old(access));
            let read: Collection = decode(&row, "collection").unwrap();
            assert_eq!(read.access, expected);
            assert_eq!((read.id, read.name.as_str()), (CollectionId(3), "work"));
            let again: Collection = decode(&encode(&read), "collection").unwrap();
            assert_eq!(again, read);
        }
        assert!(decode::<Collection>(&append(vec![3], &old(vec![])), "collection").is_err());
    }

    /// Rows of the first form: who read and who wrote stood in two lists.
    #[test]
    fn principals_of_the_first_form_are_read() {
        let old = PrincipalRecord1 {
            id: PrincipalId(3),
            kind: PrincipalKind::User,
            name: "alice".to_owned(),
            display_name: "Alice".to_owned(),
            addresses: vec!["mailto:alice@example.com".to_owned()],
            language: None,
            time_zone: Some("Europe/Berlin".to_owned()),
            administrator: false,
            disabled: false,
            members: vec![],
            capacity: None,
            location: None,
            features: vec![],
            booking: Booking::None,
            read_delegates: vec![PrincipalId(4), PrincipalId(5)],
            write_delegates: vec![PrincipalId(5), PrincipalId(6)],
            home: Some(CollectionId(1)),
            default_calendar: None,
            properties: Properties::new(),
        };
        let read: Principal = decode(&append(vec![1], &old), "principal").unwrap();
        let expected = [
            Delegate::reader(PrincipalId(4)),
            Delegate::deputy(PrincipalId(5)),
            Delegate::deputy(PrincipalId(6)),
        ];
        assert_eq!(read.delegates, expected);
        assert!(read.delegate_notices && read.name == "alice");
        let again: Principal = decode(&encode(&read), "principal").unwrap();
        assert_eq!(again, read);
        assert!(decode::<Principal>(&append(vec![4], &old), "principal").is_err());
    }

    /// Rows of the second form: a room answered all organizers alike, as far ahead as they asked.
    #[test]
    fn principals_of_the_second_form_are_read() {
        let old = PrincipalRecord2 {
            id: PrincipalId(3),
            kind: PrincipalKind::Location,
            name: "room1".to_owned(),
            display_name: "Room 1".to_owned(),
            addresses: vec!["mailto:room1@example.com".to_owned()],
            language: None,
            time_zone: None,
            administrator: false,
            disabled: false,
            members: vec![],
            capacity: Some(12),
            location: None,
            features: vec!["projector".to_owned()],
            booking: Booking::Automatic,
            delegates: vec![Delegate::deputy(PrincipalId(5))],
            invitations_to: InvitationRecipients::Both,
            delegate_notices: false,
            home: Some(CollectionId(1)),
            default_calendar: Some(CollectionId(2)),
            properties: Properties::new(),
        };
        let read: Principal = decode(&append(vec![2], &old), "principal").unwrap();
        assert_eq!(read.booking_horizon_days, BOOKING_HORIZON_DAYS);
        assert!(read.booking_for.is_empty() && !read.delegate_notices);
        assert_eq!(read.delegates, [Delegate::deputy(PrincipalId(5))]);
        assert_eq!(
            (read.capacity, read.booking),
            (Some(12), Booking::Automatic)
        );
        let again: Principal = decode(&encode(&read), "principal").unwrap();
        assert_eq!(again, read);
    }
}
