#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::model::{CollectionKind, PrincipalId};

const OWNER: PrincipalId = PrincipalId(1);
const OTHER: PrincipalId = PrincipalId(2);
const GROUP: PrincipalId = PrincipalId(3);
const CALENDAR: Site = Site::Collection(CollectionKind::Calendar);
const INBOX: Site = Site::Collection(CollectionKind::Inbox);
const OUTBOX: Site = Site::Collection(CollectionKind::Outbox);
const SITES: [Site; 6] = [
    Site::Principal,
    CALENDAR,
    INBOX,
    OUTBOX,
    Site::Collection(CollectionKind::Home),
    Site::Collection(CollectionKind::Plain),
];

fn somebody(id: PrincipalId) -> Subject<'static> {
    Subject {
        principal: Some(id),
        ..Subject::default()
    }
}

const HOME: Site = Site::Collection(CollectionKind::Home);

/// The chain of a resource at `site` in a home, with what clients set on each.
fn chain<'a>(site: Site, home: Option<&'a [Ace]>, own: Option<&'a [Ace]>) -> [Link<'a>; 2] {
    let link = |site, access| Link { site, access };
    [link(HOME, home), link(site, own)]
}

fn privileges(subject: Subject<'_>, site: Site, own: Option<&[Ace]>) -> Vec<Privilege> {
    granted(subject, OWNER, site, &chain(site, None, own))
        .iter()
        .collect()
}

#[test]
fn every_privilege_has_one_row_behind_its_aggregate() {
    for (place, row) in PRIVILEGES.iter().enumerate() {
        let same = PRIVILEGES
            .iter()
            .filter(|other| other.privilege == row.privilege);
        assert_eq!(same.count(), 1, "{:?}", row.privilege);
        let before = |aggregate| {
            PRIVILEGES[..place]
                .iter()
                .any(|other| other.privilege == aggregate)
        };
        assert!(row.within.map_or(place == 0, before), "{:?}", row.privilege);
    }
}

/// RFC 3744 §3.12, RFC 4791 §6.1.1, RFC 6638 §6.3
#[test]
fn aggregates_contain_what_the_rfcs_demand() {
    use Privilege::*;
    let cases: [(Site, Privilege, &[Privilege], &[Privilege]); 6] = [
        (
            CALENDAR,
            Write,
            &[Bind, Unbind, WriteProperties, WriteContent],
            &[Read, ReadAcl, WriteAcl],
        ),
        (
            CALENDAR,
            Read,
            &[ReadFreeBusy, ReadCurrentUserPrivilegeSet],
            &[Write, ReadAcl, WriteAcl],
        ),
        (
            CALENDAR,
            ReadAcl,
            &[],
            &[Read, Write, WriteAcl, ReadCurrentUserPrivilegeSet],
        ),
        (
            CALENDAR,
            WriteAcl,
            &[],
            &[Read, Write, ReadAcl, ReadCurrentUserPrivilegeSet],
        ),
        (
            INBOX,
            ScheduleDeliver,
            &[
                ScheduleDeliverInvite,
                ScheduleDeliverReply,
                ScheduleQueryFreeBusy,
            ],
            &[Read, Write, ScheduleSend],
        ),
        (
            OUTBOX,
            ScheduleSend,
            &[ScheduleSendInvite, ScheduleSendReply, ScheduleSendFreeBusy],
            &[Read, Write, ScheduleDeliver],
        ),
    ];
    for (site, aggregate, contains, lacks) in cases {
        let set = Privileges::at(site, &[aggregate]);
        assert!(contains.iter().all(|part| set.has(*part)), "{aggregate:?}");
        assert!(!lacks.iter().any(|other| set.has(*other)), "{aggregate:?}");
        let is_its_parts = !contains.is_empty() && aggregate != Read;
        assert_eq!(
            Privileges::at(site, contains).has(aggregate),
            is_its_parts,
            "{aggregate:?}"
        );
    }
}

#[test]
fn parts_of_an_aggregate_are_not_the_aggregate() {
    let set = Privileges::at(
        CALENDAR,
        &[Privilege::Bind, Privilege::Unbind, Privilege::WriteContent],
    );
    assert!(!set.has(Privilege::Write) && !set.has(Privilege::All));
    assert_eq!(
        Privileges::at(CALENDAR, &[Privilege::ScheduleSend]),
        Privileges::default()
    );
}

/// Who may know when somebody is busy may not for that reason read what they do.
#[test]
fn the_parts_of_read_do_not_let_read() {
    let parts = [
        Privilege::ReadFreeBusy,
        Privilege::ReadCurrentUserPrivilegeSet,
    ];
    assert!(!Privileges::at(CALENDAR, &parts).has(Privilege::Read));
    let without = [
        Ace::deny(AcePrincipal::All, &[Privilege::ReadFreeBusy]),
        Ace::grant(AcePrincipal::All, &[Privilege::Read]),
    ];
    let held = privileges(somebody(OTHER), CALENDAR, Some(&without));
    assert_eq!(held, [Privilege::ReadCurrentUserPrivilegeSet]);
}

#[test]
fn owners_and_administrators_have_everything_everywhere() {
    let administrator = Subject {
        administrator: true,
        ..somebody(OTHER)
    };
    for site in SITES {
        for subject in [somebody(OWNER), administrator] {
            let set = granted(subject, OWNER, site, &chain(site, None, None));
            let expected = PRIVILEGES.iter().filter(|row| row.is_supported_at(site));
            assert!(set.iter().eq(expected.map(|row| row.privilege)), "{site:?}");
        }
    }
}

#[test]
fn others_have_what_is_given_at_the_beginning() {
    use Privilege::*;
    let inbox = [
        ScheduleDeliver,
        ScheduleDeliverInvite,
        ScheduleDeliverReply,
        ScheduleQueryFreeBusy,
    ];
    let cases: [(Site, &[Privilege]); 6] = [
        (Site::Principal, &[Read, ReadCurrentUserPrivilegeSet]),
        (CALENDAR, &[ReadFreeBusy]),
        (INBOX, &inbox),
        (OUTBOX, &[]),
        (Site::Collection(CollectionKind::Home), &[]),
        (Site::Collection(CollectionKind::Plain), &[]),
    ];
    for (site, expected) in cases {
        assert_eq!(
            privileges(somebody(OTHER), site, None),
            expected,
            "{site:?}"
        );
        assert_eq!(privileges(Subject::default(), site, None), [], "{site:?}");
    }
}

/// RFC 3744 §5.5.1
#[test]
fn entries_are_about_whom_they_name_here_and_below() {
    let ace = |principal| Ace::grant(principal, &[Privilege::Unbind]);
    let member = Subject {
        groups: &[GROUP],
        ..somebody(OTHER)
    };
    let delegate = Subject {
        delegations: &[(GROUP, Delegation::Write)],
        ..somebody(OTHER)
    };
    let anybody = Subject::default();
    let cases = [
        (AcePrincipal::Principal(OTHER), somebody(OTHER), true),
        (AcePrincipal::Principal(GROUP), somebody(OTHER), false),
        (AcePrincipal::Principal(GROUP), member, true),
        (AcePrincipal::All, anybody, true),
        (AcePrincipal::Authenticated, anybody, false),
        (AcePrincipal::Authenticated, member, true),
        (AcePrincipal::Unauthenticated, anybody, true),
        (AcePrincipal::Unauthenticated, member, false),
        (AcePrincipal::Itself, somebody(OTHER), false),
        (AcePrincipal::Owner, somebody(OTHER), false),
        (AcePrincipal::Group, member, false),
        (
            AcePrincipal::Delegates(GROUP, Delegation::Write),
            delegate,
            true,
        ),
        (
            AcePrincipal::Delegates(GROUP, Delegation::Read),
            delegate,
            false,
        ),
        (
            AcePrincipal::Delegates(OWNER, Delegation::Write),
            delegate,
            false,
        ),
    ];
    for (principal, subject, expected) in cases {
        let aces = [ace(principal)];
        for chain in [
            chain(CALENDAR, Some(&aces), None),
            chain(CALENDAR, None, Some(&aces)),
        ] {
            let set = granted(subject, OWNER, CALENDAR, &chain);
            assert_eq!(
                set.has(Privilege::Unbind),
                expected,
                "{principal:?} {subject:?}"
            );
        }
    }
}

/// RFC 3744 §6: the first entry that names a privilege decides about it.
#[test]
fn entries_are_evaluated_in_their_order() {
    use Privilege::*;
    let deny = |what: &[Privilege]| Ace::deny(AcePrincipal::All, what);
    let grant = |what: &[Privilege]| Ace::grant(AcePrincipal::All, what);
    #[rustfmt::skip]
    let cases: [(Vec<Ace>, Vec<Ace>, &[Privilege]); 7] = [
        // on the home, on the calendar, what is held
        (vec![], vec![deny(&[Bind]), grant(&[Write])], &[WriteProperties, WriteContent, Unbind]),
        (vec![], vec![grant(&[Bind]), deny(&[Write])], &[Bind]),
        (vec![], vec![deny(&[All]), grant(&[All])], &[]),
        // the nearer resource comes first
        (vec![grant(&[Bind])], vec![deny(&[Write])], &[]),
        (vec![deny(&[Write])], vec![grant(&[Bind])], &[Bind]),
        (vec![grant(&[Write])], vec![], &[Write, WriteProperties, WriteContent, Bind, Unbind]),
        (vec![grant(&[ScheduleSend])], vec![], &[]),
    ];
    for (home, own, expected) in cases {
        let chain = chain(CALENDAR, Some(&home), Some(&own));
        let held: Vec<_> = granted(somebody(OTHER), OWNER, CALENDAR, &chain)
            .iter()
            .collect();
        assert_eq!(held, expected, "{home:?} {own:?}");
    }
}

/// RFC 3744 §5.5.3: protected entries come first.
#[test]
fn nobody_locks_an_owner_out() {
    let aces = [Ace::deny(AcePrincipal::All, &[Privilege::All])];
    for site in SITES {
        let chain = chain(site, Some(&aces), Some(&aces));
        assert!(granted(somebody(OWNER), OWNER, site, &chain).has(Privilege::All));
    }
}

/// calendarserver calendar-proxy §3.1: who reads for somebody reads everything, who writes for somebody
/// schedules for them too, and neither decides who else may.
#[test]
fn delegates_have_what_their_group_has() {
    use Privilege::*;
    let delegate = |delegations| Subject {
        delegations,
        ..somebody(OTHER)
    };
    let reader = delegate(&[(OWNER, Delegation::Read)]);
    let writer = delegate(&[(OWNER, Delegation::Write)]);
    let stranger = delegate(&[(GROUP, Delegation::Write), (GROUP, Delegation::Invite)]);
    let keeper = delegate(&[(OWNER, Delegation::Read), (OWNER, Delegation::Answer)]);
    let host = delegate(&[(OWNER, Delegation::Write), (OWNER, Delegation::Invite)]);
    for site in [CALENDAR, INBOX, OUTBOX, HOME] {
        let held = |subject| granted(subject, OWNER, site, &chain(site, None, None));
        assert!(
            held(reader).has(Read) && !held(reader).has(Bind),
            "{site:?}"
        );
        assert!(
            held(writer).has(Read) && held(writer).has(Write),
            "{site:?}"
        );
        for subject in [reader, writer, keeper, host] {
            assert!(!held(subject).has(WriteAcl) && !held(subject).has(ReadAcl));
        }
        assert!(!held(stranger).has(Read), "{site:?}");
        let sends = |subject| {
            [ScheduleSendInvite, ScheduleSendReply, ScheduleSendFreeBusy]
                .map(|privilege| held(subject).has(privilege))
        };
        let at_outbox = |sent: [bool; 3]| sent.map(|it| it && site == OUTBOX);
        assert_eq!(sends(reader), [false; 3]);
        assert_eq!(sends(writer), at_outbox([false, false, true]));
        assert_eq!(sends(keeper), at_outbox([false, true, false]));
        assert_eq!(sends(host), at_outbox([true, false, true]));
    }
}

/// What an owner takes away is away.
#[test]
fn set_entries_take_the_place_of_those_at_the_beginning() {
    for site in [CALENDAR, INBOX] {
        assert!(!privileges(somebody(OTHER), site, None).is_empty());
        assert_eq!(privileges(somebody(OTHER), site, Some(&[])), []);
        // an object in it does not bring them back
        let links = [
            Link {
                site: HOME,
                access: None,
            },
            Link {
                site,
                access: Some(&[]),
            },
            Link {
                site,
                access: Some(&[]),
            },
        ];
        assert!(granted(somebody(OTHER), OWNER, site, &links).is_empty());
    }
}

#[test]
fn the_list_names_protected_own_and_inherited_entries() {
    let ace = |id| Ace::grant(AcePrincipal::Principal(id), &[Privilege::Read]);
    let (home, own) = ([ace(OTHER)], [ace(GROUP)]);
    let flags = |chain: &[Link<'_>]| -> Vec<_> {
        let list = effective_aces(OWNER, CALENDAR, chain);
        list.iter()
            .map(|it| (it.protected, it.inherited_from, it.ace.principal))
            .collect()
    };
    let protected = [
        AcePrincipal::Principal(OWNER),
        AcePrincipal::Delegates(OWNER, Delegation::Read),
        AcePrincipal::Delegates(OWNER, Delegation::Write),
    ];
    let list = |others: [_; 2]| [&protected.map(|who| (true, None, who))[..], &others].concat();
    let of_home = (false, Some(0), AcePrincipal::Principal(OTHER));
    assert_eq!(
        flags(&chain(CALENDAR, Some(&home), Some(&own))),
        list([(false, None, AcePrincipal::Principal(GROUP)), of_home])
    );
    assert_eq!(
        flags(&chain(CALENDAR, Some(&home), None)),
        list([(false, None, AcePrincipal::Authenticated), of_home])
    );
}

/// RFC 3744 §8.1.1
#[test]
fn what_clients_may_set() {
    use Privilege::*;
    let owner = AcePrincipal::Principal(OWNER);
    let other = AcePrincipal::Principal(OTHER);
    let many = |count| vec![Ace::grant(other, &[Read]); count];
    let outbox = HOME;
    #[rustfmt::skip]
    let cases = [
        (CALENDAR, vec![], Ok(())),
        (CALENDAR, many(7), Ok(())),
        (CALENDAR, many(8), Err(AclFault::TooMany(7))),
        (CALENDAR, vec![Ace::deny(other, &[Write]), Ace::grant(other, &[Read])], Ok(())),
        (CALENDAR, vec![Ace::deny(other, &[Write]), Ace::grant(other, &[Bind])], Err(AclFault::Conflict)),
        (CALENDAR, vec![Ace::grant(other, &[All]), Ace::deny(other, &[Bind])], Err(AclFault::Conflict)),
        (CALENDAR, vec![Ace::deny(AcePrincipal::All, &[Write]), Ace::grant(other, &[Write])], Ok(())),
        (CALENDAR, vec![Ace::deny(owner, &[Write])], Err(AclFault::ProtectedConflict)),
        (CALENDAR, vec![Ace::deny(AcePrincipal::Owner, &[Bind])], Err(AclFault::ProtectedConflict)),
        (CALENDAR, vec![Ace::grant(AcePrincipal::Owner, &[Bind])], Ok(())),
        (CALENDAR, vec![Ace::deny(AcePrincipal::All, &[All])], Ok(())),
        (CALENDAR, vec![Ace::grant(other, &[ScheduleSend])], Err(AclFault::NotSupported)),
        (outbox, vec![Ace::grant(other, &[ScheduleSend, ScheduleDeliverReply])], Ok(())),
        (INBOX, vec![Ace::grant(other, &[ScheduleDeliver])], Ok(())),
    ];
    for (site, aces, expected) in cases {
        assert_eq!(
            check_aces(OWNER, site, &aces, 7),
            expected,
            "{site:?} {aces:?}"
        );
    }
}

/// RFC 3744 §6, word by word: entries are evaluated until all that is required has been granted; an entry
/// that denies something required that is not granted yet ends it.
fn slowly_allowed(applicable: &[&Ace], required: Privilege, site: Site) -> bool {
    let mut missing = parts(required, site);
    if missing.is_empty() {
        return false;
    }
    for ace in applicable {
        let named: Vec<_> = ace
            .privileges
            .iter()
            .flat_map(|one| parts(one, site))
            .collect();
        if ace.deny && missing.iter().any(|one| named.contains(one)) {
            return false;
        }
        if !ace.deny {
            missing.retain(|one| !named.contains(one));
        }
        if missing.is_empty() {
            return true;
        }
    }
    false
}

/// What a privilege comes down to at a site, found by walking the tree.
fn parts(privilege: Privilege, site: Site) -> Vec<Privilege> {
    let within = PRIVILEGES
        .iter()
        .filter(|row| row.within == Some(privilege));
    let mut all: Vec<_> = within.flat_map(|row| parts(row.privilege, site)).collect();
    let is_leaf = PRIVILEGES.iter().all(|row| row.within != Some(privilege));
    let row = PRIVILEGES
        .iter()
        .find(|row| row.privilege == privilege)
        .unwrap();
    if (is_leaf || privilege == Privilege::Read) && row.is_supported_at(site) {
        all.push(privilege);
    }
    all
}

fn any_ace() -> impl Strategy<Value = Ace> {
    let principal = prop_oneof![
        Just(AcePrincipal::All),
        Just(AcePrincipal::Authenticated),
        Just(AcePrincipal::Unauthenticated),
        Just(AcePrincipal::Principal(OTHER)),
        Just(AcePrincipal::Principal(GROUP)),
        Just(AcePrincipal::Principal(PrincipalId(9))),
        Just(AcePrincipal::Delegates(OWNER, Delegation::Read)),
    ];
    let privilege = (0..PRIVILEGES.len()).prop_map(|place| PRIVILEGES[place].privilege);
    let privileges = proptest::collection::vec(privilege, 1..4);
    (principal, any::<bool>(), privileges).prop_map(|(principal, deny, privileges)| Ace {
        principal,
        deny,
        privileges: privileges.into(),
    })
}

proptest! {
    #[test]
    fn evaluation_is_that_of_the_rfc(
        home in proptest::collection::vec(any_ace(), 0..5),
        own in proptest::collection::vec(any_ace(), 0..6),
        site in (0..SITES.len()).prop_map(|place| SITES[place]),
        signed_in: bool,
        is_member: bool,
        is_delegate: bool,
    ) {
        let subject = Subject {
            principal: signed_in.then_some(OTHER),
            groups: if is_member && signed_in { &[GROUP] } else { &[] },
            delegations: if is_delegate && signed_in { &[(OWNER, Delegation::Read)] } else { &[] },
            administrator: false,
        };
        let is = |principal: AcePrincipal| match principal {
            AcePrincipal::All => true,
            AcePrincipal::Authenticated => signed_in,
            AcePrincipal::Unauthenticated => !signed_in,
            AcePrincipal::Principal(OTHER) => signed_in,
            AcePrincipal::Principal(GROUP) => signed_in && is_member,
            AcePrincipal::Delegates(OWNER, Delegation::Read) => signed_in && is_delegate,
            _ => false,
        };
        let links = chain(site, Some(&home), Some(&own));
        let built_in = effective_aces(OWNER, site, &chain(site, Some(&[]), Some(&[])));
        let in_order: Vec<&Ace> = built_in
            .iter()
            .map(|it| &it.ace)
            .chain(&own)
            .chain(&home)
            .filter(|ace| is(ace.principal))
            .collect();
        let held = granted(subject, OWNER, site, &links);
        for row in &PRIVILEGES {
            prop_assert_eq!(
                held.has(row.privilege),
                slowly_allowed(&in_order, row.privilege, site),
                "{:?} of {:?}", row.privilege, in_order
            );
        }
    }
}
