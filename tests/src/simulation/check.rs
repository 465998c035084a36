//! What must hold.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use calendar::{CalendarObject, Component};
use scheduling::{
    desk::{DELIVERY_QUEUE, LETTERS_BEHIND_QUEUE, LETTERS_QUEUE, MAIL_STATUS_QUEUE, REFRESH_QUEUE},
    mail::{self, MAILING_QUEUE},
};

use super::{
    elsewhere::{VISIT, XENIA},
    house::{Found, House, Mirror, PEOPLE, address, path},
    instances::{Attended, accepted, attended, is_told_by_range, names, participation},
    steps::{MEETINGS, UIDS, store_again},
};

const COLLECTIONS: [&str; 3] = ["calendar", "other", "inbox"];
const MAILS: usize = 10_000;

/// After each step: SEQUENCE never goes down, what a client syncs is what is there, and no message is left twice.
///
/// # Errors
/// What does not hold.
pub async fn after_step(house: &mut House) -> Result<(), String> {
    let revision = house.desk.store().backend().revision();
    if house.checked.replace(revision) == Some(revision) {
        return Ok(());
    }
    sequences(house).await?;
    for owner in PEOPLE {
        for collection in COLLECTIONS {
            sync(house, owner, collection).await?;
        }
        // who keeps the room has what the room is told, too
        let most = if owner == "bob" && house.manner.room_is_kept {
            2
        } else {
            1
        };
        let mut messages = BTreeMap::new();
        for item in house.members(owner, "inbox").await {
            let times: &mut u32 = messages.entry(item.octets.clone()).or_default();
            *times += 1;
            if *times > most {
                let text = String::from_utf8_lossy(&item.octets).into_owned();
                let at = item.path.name().unwrap_or_default();
                return Err(format!("{owner} has a message twice ({at}):\n{text}"));
            }
        }
    }
    Ok(())
}

/// When nothing waits any more: everybody knows the same, the room is nobody's twice, and nothing is said without a
/// cause.
///
/// # Errors
/// What does not hold.
pub async fn at_rest(house: &mut House) -> Result<(), String> {
    after_step(house).await?;
    nothing_waits(house).await?;
    for (uid, organizer) in MEETINGS {
        let own = house.own_copy(organizer, uid).await?;
        let meeting = own.as_ref().map(Found::parsed);
        for who in PEOPLE.into_iter().filter(|who| *who != organizer) {
            let copy = house.own_copy(who, uid).await?;
            if house.is_silent(who, uid) && copy.is_some() {
                // asked anew, or not removed at all
                house.note_silent(who, uid, false);
            }
            if !house.is_left(uid, who, meeting.as_ref()) {
                agree(house, uid, own.as_ref(), who, copy.as_ref())?;
            }
        }
    }
    for uid in UIDS {
        for who in PEOPLE {
            for own in house.copies(who, uid).await {
                nothing_is_said_without_cause(house, &own).await?;
            }
        }
    }
    elsewhere(house, false).await?;
    no_room_is_booked_twice(house).await?;
    after_step(house).await
}

/// What people elsewhere know is what the house knows, their answers too.
///
/// # Errors
/// What does not hold.
pub async fn answers_elsewhere(house: &House) -> Result<(), String> {
    elsewhere(house, true).await
}

/// Xenia has what the organizers in the house say of her, and everybody in the house what Yves says of them. Before
/// all was answered again, an answer may have met a change on its way.
async fn elsewhere(house: &House, with_answers: bool) -> Result<(), String> {
    for (uid, organizer) in MEETINGS {
        let own = house.own_copy(organizer, uid).await?;
        let Some(own) = own.as_ref().map(Found::parsed) else {
            is_off_with_guest(house, uid)?;
            continue;
        };
        if house.is_left(uid, XENIA, Some(&own)) {
            continue;
        }
        if house.elsewhere().guest.unsure.contains(uid) {
            let mut entries = own.entries();
            match entries.any(|entry| participation(entry, XENIA).is_some()) {
                true => {
                    return Err(format!(
                        "{XENIA} asked about \"{uid}\" and was told nothing"
                    ));
                }
                false => continue,
            }
        }
        let theirs = house.elsewhere().guest.object(uid);
        is_same(
            uid,
            Some(&own),
            XENIA,
            theirs.as_ref(),
            &names(&own),
            with_answers,
        )?;
    }
    // what is called off takes place for nobody
    let meeting = house.elsewhere().host.object();
    let more = house.elsewhere().host.names_of_more();
    for who in PEOPLE {
        let copy = house.own_copy(who, VISIT).await?;
        let copy = copy.as_ref().map(Found::parsed);
        let mut names = meeting
            .as_ref()
            .or(copy.as_ref())
            .map_or_else(Vec::new, names);
        names.extend(more.iter().cloned().map(Some));
        // a room says what it says once
        let with_answers = with_answers && who != "room";
        let (meeting, copy) = (meeting.as_ref(), copy.as_ref());
        if meeting.is_none() && house.has_brought_back(VISIT, who) {
            continue;
        }
        is_same(VISIT, meeting, who, copy, &names, with_answers)?;
    }
    Ok(())
}

/// What is gone in the house does not take place for Xenia, who asks where a message did not arrive (RFC 5546 §3.4.6). Of
/// who has left the house nobody can ask any more.
pub fn is_off_with_guest(house: &House, uid: &str) -> Result<(), String> {
    let is_unsure = house.gone.is_some() && house.elsewhere().guest.unsure.contains(uid);
    if is_unsure || house.is_left(uid, XENIA, None) {
        return Ok(());
    }
    let theirs = house.elsewhere().guest.object(uid);
    let names = theirs.as_ref().map_or_else(Vec::new, names);
    is_same(uid, None, XENIA, theirs.as_ref(), &names, false)
}

/// Somebody's copy says of each instance what the organizer's object says of it; what they said of it themselves may have
/// taken it away.
fn is_same(
    uid: &str,
    meeting: Option<&CalendarObject>,
    who: &str,
    copy: Option<&CalendarObject>,
    names: &[Option<String>],
    with_answers: bool,
) -> Result<(), String> {
    for name in names {
        let name = name.as_deref();
        let known = |object: &CalendarObject| {
            // what the others said is not told by mail
            let attended = Attended {
                others: BTreeMap::new(),
                ..attended(object, who, name)?
            };
            Some(match with_answers {
                true => attended,
                false => Attended {
                    participation: String::new(),
                    ..attended
                },
            })
        };
        let (meant, has) = (meeting.and_then(known), copy.and_then(known));
        let is_away = has.is_none() && uid == VISIT && meant.is_some();
        let is_open = copy.is_some_and(|copy| is_told_by_range(copy, name));
        if meant != has && !is_away && !is_open {
            let text = |object: &CalendarObject| {
                String::from_utf8_lossy(&object.to_octets()).replace("\r\n ", "")
            };
            return Err(format!(
                "{who} and the organizer of \"{uid}\" do not agree on {name:?}: {has:?}, not {meant:?}\n--- organizer\n{}\n--- {who}\n{}",
                meeting.map_or("nothing".to_owned(), text),
                copy.map_or("nothing".to_owned(), text)
            ));
        }
    }
    Ok(())
}

fn text(found: Option<&Found>) -> String {
    found.map_or("nothing".to_owned(), |found| {
        String::from_utf8_lossy(&found.octets).replace("\r\n ", "")
    })
}

/// The copy says of each instance what the organizer's object says of it to its owner; only what they declined, or sent
/// somebody else to, may be missing.
fn agree(
    house: &House,
    uid: &str,
    organized: Option<&Found>,
    who: &'static str,
    copy: Option<&Found>,
) -> Result<(), String> {
    if copy.is_none() && house.is_silent(who, uid) {
        return Ok(());
    }
    let (meeting, own) = (organized.map(Found::parsed), copy.map(Found::parsed));
    let looked_at = meeting.as_ref().or(own.as_ref());
    let looked_at = looked_at.map_or_else(Vec::new, names);
    for name in looked_at {
        let name = name.as_deref();
        let left: BTreeSet<String> = meeting.iter().flat_map(left_to_others).collect();
        let without_left = |mut attended: Attended| {
            attended.others.retain(|address, _| !left.contains(address));
            attended
        };
        let meant = meeting.as_ref().and_then(|it| attended(it, who, name));
        let has = own.as_ref().and_then(|it| attended(it, who, name));
        let (meant, has) = (meant.map(without_left), has.map(without_left));
        let is_away = has.is_none()
            && meant
                .as_ref()
                .is_some_and(|meant| ["DECLINED", "DELEGATED"].contains(&&*meant.participation));
        // nobody is told of imports and of what comes out of the trash (see the table of decisions)
        let is_brought_back = meant.is_none() && house.has_brought_back(uid, who);
        let is_open = own.as_ref().is_some_and(|own| is_told_by_range(own, name));
        if meant != has && !is_away && !is_brought_back && !is_open {
            return Err(format!(
                "{who} and the organizer of \"{uid}\" do not agree on {name:?}: {has:?}, not {meant:?}\n--- organizer\n{}\n--- {who}\n{}",
                text(organized),
                text(copy)
            ));
        }
    }
    Ok(())
}

/// Those of whom the server tells nobody anything (RFC 6638 §7.1).
fn left_to_others(object: &CalendarObject) -> impl Iterator<Item = String> {
    let lines = object.entries().flat_map(Component::properties);
    let left =
        lines.filter(|line| line.is("ATTENDEE") && line.parameter("SCHEDULE-AGENT").is_some());
    left.map(|line| line.raw_value().to_owned())
}

async fn no_room_is_booked_twice(house: &House) -> Result<(), String> {
    let mut taken = Vec::new();
    for found in house.members("room", "calendar").await {
        let instances = accepted(&found.parsed(), "room").into_iter();
        taken.extend(instances.map(|(start, end)| (start, end, text(Some(&found)))));
    }
    taken.sort_unstable();
    match taken.windows(2).find(|pair| pair[0].1 > pair[1].0) {
        Some([(start, _, one), (_, _, other)]) => Err(format!(
            "the room is booked twice at {start}\n--- one\n{one}\n--- other\n{other}"
        )),
        _ => Ok(()),
    }
}

/// All that was to be done is done, and no organizer is told that somebody here has not heard yet (RFC 6638 §3.2.9).
async fn nothing_waits(house: &House) -> Result<(), String> {
    let queues = [
        DELIVERY_QUEUE,
        LETTERS_QUEUE,
        LETTERS_BEHIND_QUEUE,
        REFRESH_QUEUE,
        MAILING_QUEUE,
        MAIL_STATUS_QUEUE,
    ];
    for queue in queues {
        let rows = house.desk.store().list_work(queue, None, 1).await;
        if !rows.expect("readable").is_empty() {
            return Err(format!("something waits in \"{queue}\""));
        }
    }
    for (uid, organizer) in MEETINGS {
        if let Some(own) = house.own_copy(organizer, uid).await? {
            let said = text(Some(&own));
            let waits = |line: &&str| {
                line.contains("SCHEDULE-STATUS=1.0") && line.ends_with("@example.com")
            };
            if let Some(line) = said.lines().find(waits) {
                return Err(format!("nobody waits, and of \"{uid}\" it says {line}"));
            }
        }
    }
    Ok(())
}

async fn nothing_is_said_without_cause(house: &House, own: &Found) -> Result<(), String> {
    let before = messages(house).await;
    store_again(house, own).await?;
    let whose = own.owner;
    match messages(house).await == before {
        true => Ok(()),
        false => Err(format!(
            "{whose}'s same again was told\n{}",
            text(Some(own))
        )),
    }
}

/// How many messages there are in inboxes, and what is on its way.
pub async fn messages(house: &House) -> (usize, Vec<Bytes>) {
    let mut messages = 0;
    for who in PEOPLE {
        messages += house.members(who, "inbox").await.len();
    }
    let store = house.desk.store();
    let mut on_their_way = Vec::new();
    for queue in [mail::QUEUE, MAILING_QUEUE, LETTERS_QUEUE] {
        let rows = store.list_work(queue, None, MAILS).await;
        on_their_way.extend(
            rows.expect("readable")
                .iter()
                .map(|(_, it)| it.payload.clone()),
        );
    }
    (messages, on_their_way)
}

async fn sequences(house: &mut House) -> Result<(), String> {
    for (uid, organizer) in MEETINGS {
        let own = house.own_copy(organizer, uid).await?;
        let Some(own) = own.filter(|_| !house.is_brought_back(uid)) else {
            // a meeting that is made anew begins anew, and what is brought back has the number that it had
            house.sequences.retain(|(of, _), _| of != uid);
            continue;
        };
        let object: CalendarObject = own.parsed();
        let organizes = object
            .entries()
            .any(|entry| entry.raw_value("ORGANIZER") == Some(&address(organizer)));
        // an instance that is the series again, and later has a component, begins where the series is
        let parts = object
            .entries()
            .filter_map(|it| it.raw_value("RECURRENCE-ID"));
        let parts: BTreeSet<&str> = parts.collect();
        let is_there = |part: &str| part.is_empty() || parts.contains(part);
        house
            .sequences
            .retain(|(of, part), _| of != uid || is_there(part));
        for entry in object.entries().filter(|_| organizes) {
            let part = entry.raw_value("RECURRENCE-ID").unwrap_or_default();
            let number = entry.raw_value("SEQUENCE").unwrap_or("0");
            let number: u32 = number.parse().map_err(|_| "SEQUENCE is no number")?;
            let key = (uid.to_owned(), part.to_owned());
            let highest = house.sequences.entry(key).or_default();
            if number < *highest {
                return Err(format!(
                    "SEQUENCE of \"{uid}\" {part} went down to {number}"
                ));
            }
            *highest = number.max(*highest);
        }
    }
    Ok(())
}

/// A client that syncs with its token has what is there.
async fn sync(
    house: &mut House,
    owner: &'static str,
    collection: &'static str,
) -> Result<(), String> {
    let store = house.desk.store().clone();
    let resolution = store.resolve(&path(owner, collection)).await;
    let resolution = resolution.map_err(|error| error.to_string())?;
    let id = resolution.ok_or("a collection is gone")?.collection().id;
    let mut now = BTreeMap::new();
    for found in house.members(owner, collection).await {
        let name = found.path.name().unwrap_or_default().to_owned();
        now.insert(name, found.object.etag);
    }
    let mirror: &mut Mirror = house.mirrors.entry((owner, collection)).or_default();
    let token = match mirror.token {
        None => {
            mirror.members.clone_from(&now);
            store
                .sync_token(id)
                .await
                .map_err(|error| error.to_string())?
        }
        Some(token) => {
            let changes = store.changes(id, token, 10_000).await;
            let changes = changes.map_err(|error| error.to_string())?;
            let changes = changes.ok_or("a sync token is not known any more")?;
            for change in changes.changes {
                match now.get(&change.name).filter(|_| !change.removed) {
                    Some(etag) => drop(mirror.members.insert(change.name, etag.clone())),
                    None => drop(mirror.members.remove(&change.name)),
                }
            }
            changes.token
        }
    };
    mirror.token = Some(token);
    match mirror.members == now {
        true => Ok(()),
        false => Err(format!(
            "{owner}'s client has {:?} in \"{collection}\", and there is {now:?}",
            mirror.members
        )),
    }
}
