//! What people do.

mod answering;
mod considering;
mod keeping;
mod organizing;
mod recovering;
mod request;

use scheduling::{Conditions, desk::Delete};
use storage::backend::CommitError;

use self::request::{Request, is_expected, send};
use super::{
    Dice, check,
    elsewhere::VISIT,
    house::{Found, House, Worker, parse, path},
};

pub use answering::answer_visit;
pub use recovering::wake;

/// The meetings of the house, by their organizers.
pub const MEETINGS: [(&str, &str); 2] = [("plan", "alice"), ("review", "bob")];
/// All of which somebody here may have a copy.
pub const UIDS: [&str; 3] = ["plan", "review", VISIT];
/// Who does something.
const CLIENTS: [&str; 3] = ["alice", "bob", "carol"];
const HOUR_MILLISECONDS: u64 = 60 * 60 * 1000;

/// One step, or two at the same time.
pub async fn play(house: &mut House, dice: &Dice, story: &mut Vec<String>) -> Result<(), String> {
    match dice.roll(20) {
        0 => {
            story.push("The server is started anew.".to_owned());
            house.restart().await;
            return Ok(());
        }
        1 => {
            let hours = dice.roll(30) + 1;
            story.push(format!("{hours} hours pass."));
            house.pass((hours * HOUR_MILLISECONDS) as i64);
            return Ok(());
        }
        2 => {
            story.push("Some mail leaves.".to_owned());
            return house.post(dice, 3).await.map(drop);
        }
        3 | 4 => return arrive(house, dice, story).await,
        5..=7 => {
            house.pass(61_000);
            let now = house.now_seconds();
            let words = house.elsewhere().act(dice, now);
            story.extend(words);
            return Ok(());
        }
        8 => return delete_calendar(house, dice, story).await,
        9 => return change_account(house, dice, story).await,
        _ => {}
    }
    // later changes have a later DTSTAMP
    house.pass(61_000);
    let mut requests = Vec::new();
    let number = if dice.once_in(3) { 2 } else { 1 };
    for _ in 0..number {
        if let Some((words, request)) = request(house, dice).await {
            let together = if requests.is_empty() {
                ""
            } else {
                "At the same time, "
            };
            story.push(format!("{together}{words}"));
            requests.push(request);
        }
    }
    let are_silent = requests.iter().all(Request::is_silent);
    let before = check::messages(house).await;
    let trouble = trouble(house, dice, story);
    let results = send_all(house, requests).await;
    house.heal();
    if are_silent && check::messages(house).await != before {
        return Err("somebody was told what concerns nobody else".to_owned());
    }
    for result in results {
        match result {
            Ok(()) => {}
            Err(refusal) if is_expected(&refusal, trouble != Trouble::None) => {
                story.push(format!("(Refused: {refusal})"));
            }
            Err(refusal) => return Err(format!("refused for no good reason: {refusal:?}")),
        }
    }
    if trouble == Trouble::Death {
        house.restart().await;
    }
    Ok(())
}

/// What becomes of the next commit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trouble {
    None,
    /// It does not happen.
    Failure,
    /// It happens, and nobody hears of it: the server dies.
    Death,
}

fn trouble(house: &House, dice: &Dice, story: &mut Vec<String>) -> Trouble {
    match dice.roll(12) {
        0 => {
            story.push("(The store fails at the next commit.)".to_owned());
            let error = CommitError::Unavailable("as the dice will".to_owned());
            house.faulty.fail_commit(1, error);
            Trouble::Failure
        }
        1 => {
            story.push("(The server dies after the next commit.)".to_owned());
            house.die_after_commit();
            Trouble::Death
        }
        _ => Trouble::None,
    }
}

async fn send_all(house: &House, requests: Vec<Request>) -> Vec<Result<(), scheduling::Refusal>> {
    let mut requests = requests.into_iter();
    match (requests.next(), requests.next()) {
        (Some(one), Some(two)) => {
            let (one, two) = tokio::join!(send(house, one), send(house, two));
            vec![one, two]
        }
        (Some(one), None) => vec![send(house, one).await],
        _ => Vec::new(),
    }
}

/// What could not be taken in is tried again with the next mail.
async fn arrive(house: &mut House, dice: &Dice, story: &mut Vec<String>) -> Result<(), String> {
    story.push("Some mail arrives.".to_owned());
    let trouble = trouble(house, dice, story);
    let arrived = house.arrive(dice, 4).await;
    house.heal();
    if trouble == Trouble::Death {
        house.restart().await;
    }
    arrived.map(drop)
}

/// Makes the second calendars.
pub async fn make_calendars(house: &House) {
    for name in super::house::PEOPLE {
        house.make_other_calendar(name).await;
    }
}

/// Somebody's account is disabled, or enabled again.
async fn change_account(
    house: &mut House,
    dice: &Dice,
    story: &mut Vec<String>,
) -> Result<(), String> {
    house.pass(61_000);
    let who = *dice.pick(&CLIENTS);
    let disabled = !house.disabled.contains(who);
    let what = if disabled { "disabled" } else { "enabled" };
    story.push(format!("The account of {who} is {what}."));
    let changed = house.disable(who, disabled).await;
    changed.map_err(|error| format!("{who} cannot be {what}: {error}"))
}

/// Everybody comes back whose account is disabled.
pub async fn enable_all(house: &mut House, story: &mut Vec<String>) -> Result<(), String> {
    for who in house.disabled.clone() {
        story.push(format!("The account of {who} is enabled."));
        house.pass(61_000);
        let enabled = house.disable(who, false).await;
        enabled.map_err(|error| format!("{who} cannot be enabled: {error}"))?;
    }
    Ok(())
}

/// Somebody deletes the second calendar with all that is in it, and makes a new one.
async fn delete_calendar(
    house: &mut House,
    dice: &Dice,
    story: &mut Vec<String>,
) -> Result<(), String> {
    house.pass(61_000);
    let who = *dice.pick(&CLIENTS);
    if house.disabled.contains(who) {
        return Ok(());
    }
    story.push(format!(
        "{who} deletes the calendar \"other\", and makes a new one."
    ));
    let delete = Delete {
        path: path(who, "other"),
        conditions: Conditions::default(),
        schedule_reply: true,
    };
    let deleted = house.desk.delete(house.actor(who), delete).await;
    let failures = deleted.map_err(|refusal| format!("a calendar is not deleted: {refusal:?}"))?;
    if !failures.is_empty() {
        return Err(format!("a calendar is deleted in part: {failures:?}"));
    }
    house.make_other_calendar(who).await;
    house.mirrors.remove(&(who, "other"));
    Ok(())
}

/// What somebody does next, in words too; `None` where there is nothing to do it with, or nobody who can sign in.
async fn request(house: &House, dice: &Dice) -> Option<(String, Request)> {
    let next = next_request(house, dice).await;
    next.filter(|(_, request)| {
        !request
            .who()
            .is_some_and(|who| house.disabled.contains(who))
    })
}

async fn next_request(house: &House, dice: &Dice) -> Option<(String, Request)> {
    let uid = *dice.pick(&UIDS);
    // what somebody elsewhere proposes waits for the organizer
    if dice.once_in(4)
        && let Some(considered) = considering::consider(house, dice).await
    {
        return Some(considered);
    }
    match dice.roll(21) {
        0..=3 => organizing::store(house, dice).await,
        4..=6 | 19 => organizing::edit(house, dice).await,
        7..=11 => answering::answer(house, dice, uid).await,
        12 => remove(house, dice, uid).await,
        13 => Some(change_team(dice)),
        14 if dice.once_in(2) => copy(house, dice, uid).await,
        14 => copy_across(house, dice, uid).await,
        15 => carry(house, dice, uid).await,
        16 => recovering::restore(house, dice).await,
        17 => recovering::import(house, dice).await,
        18 => keeping::decide(house, dice).await,
        _ => Some(work(dice)),
    }
}

/// The server does a piece of what waits.
fn work(dice: &Dice) -> (String, Request) {
    let worker = *dice.pick(&Worker::ALL);
    (format!("{worker:?} works."), Request::Work(worker))
}

fn change_team(dice: &Dice) -> (String, Request) {
    let who = *dice.pick(&["alice", "bob", "carol", "room"]);
    let comes = dice.once_in(2);
    let does = if comes { "joins" } else { "leaves" };
    (
        format!("{who} {does} the team."),
        Request::Team { who, comes },
    )
}

async fn remove(house: &House, dice: &Dice, uid: &'static str) -> Option<(String, Request)> {
    let who = *dice.pick(&CLIENTS);
    let found = house.copies(who, uid).await.into_iter().next()?;
    let is_silent = !MEETINGS.contains(&(uid, who)) && dice.once_in(4);
    if is_silent {
        house.note_silent(who, uid, true);
    }
    let how = if is_silent { ", without a word" } else { "" };
    let request = Request::Delete {
        who,
        path: found.path,
        schedule_reply: !is_silent,
    };
    Some((format!("{who} deletes \"{uid}\"{how}."), request))
}

/// An invitation into the other calendar, beside the one that is there.
async fn copy(house: &House, dice: &Dice, uid: &'static str) -> Option<(String, Request)> {
    let who = *dice.pick(&CLIENTS);
    let invited = house.copies(who, uid).await.into_iter().next();
    let from = invited.filter(|_| !MEETINGS.contains(&(uid, who)))?.path;
    let mut to = from.clone();
    to.segments = vec![
        match &*from.segments[0] {
            "calendar" => "other".to_owned(),
            _ => "calendar".to_owned(),
        },
        "copy.ics".to_owned(),
    ];
    let words = format!("{who} copies \"{uid}\".");
    Some((words, Request::Copy { who, from, to }))
}

/// A secretary copies what stands in the manager's calendar, or the other way round: nobody hears of that (see the table of
/// decisions).
async fn copy_across(house: &House, dice: &Dice, uid: &'static str) -> Option<(String, Request)> {
    let (whose, to_whom) = *dice.pick(&[("alice", "carol"), ("carol", "alice")]);
    let from = house.copies(whose, uid).await.into_iter().next()?.path;
    let calendar = *dice.pick(&["calendar", "other"]);
    house.note_copied(uid, to_whom);
    let to = path(to_whom, &format!("{calendar}/across.ics"));
    let words = format!("carol copies \"{uid}\" of {whose} to \"{calendar}\" of {to_whom}.");
    Some((words, Request::CopyAcross { from, to }))
}

/// Into the other calendar, or back.
async fn carry(house: &House, dice: &Dice, uid: &'static str) -> Option<(String, Request)> {
    let who = *dice.pick(&CLIENTS);
    let found = house.copies(who, uid).await.into_iter().next()?;
    let mut to = found.path.clone();
    to.segments[0] = match &*to.segments[0] {
        "calendar" => "other".to_owned(),
        _ => "calendar".to_owned(),
    };
    let words = format!(
        "{who} moves \"{uid}\" to the calendar \"{}\".",
        to.segments[0]
    );
    let from = found.path;
    Some((words, Request::Move { who, from, to }))
}

/// Stores what is stored: nobody may hear of it.
pub async fn store_again(house: &House, found: &Found) -> Result<(), String> {
    let request = Request::Put {
        who: found.owner,
        path: found.path.clone(),
        octets: parse(&found.octets).to_octets(),
        schedule_tag: None,
        is_private: true,
    };
    let stored = send(house, request).await;
    stored.map_err(|refusal| format!("the same again is refused: {refusal}"))
}
