//! Somebody leaves the house: at the end, nobody waits for them.

use super::{
    Dice, check,
    house::{Found, House, PEOPLE},
    instances::{attended, names},
    steps::MEETINGS,
};

/// In some stories, somebody's account is removed once all is said; what they organized is off, and where they were
/// invited they do not come.
///
/// # Errors
/// What does not hold then.
pub async fn leave(house: &mut House, dice: &Dice, story: &mut Vec<String>) -> Result<(), String> {
    if !dice.once_in(4) {
        return Ok(());
    }
    house.pass(61_000);
    let who = *dice.pick(&["alice", "bob", "carol"]);
    story.push(format!("{who} leaves."));
    let mut invited = Vec::new();
    for (uid, _) in MEETINGS {
        if house.own_copy(who, uid).await?.is_some() {
            invited.push(uid);
        }
    }
    let principal = house.actor(who).principal.clone();
    let left = house.desk.remove_account(&principal, false).await;
    left.map_err(|refusal| format!("{who} cannot leave: {refusal:?}"))?;
    house.gone = Some(who);
    house.rest(dice).await?;
    for (uid, organizer) in MEETINGS {
        match organizer == who {
            true => is_off(house, uid, who).await?,
            false if invited.contains(&uid) => does_not_come(house, uid, organizer, who).await?,
            false => {}
        }
    }
    Ok(())
}

async fn is_off(house: &House, uid: &str, who: &str) -> Result<(), String> {
    for other in PEOPLE.into_iter().filter(|other| *other != who) {
        if house.is_left(uid, other, None) || house.has_brought_back(uid, other) {
            continue;
        }
        if let Some(copy) = house.own_copy(other, uid).await? {
            let copy = copy.parsed();
            let mut names = names(&copy).into_iter();
            if let Some(name) = names.find(|name| attended(&copy, other, name.as_deref()).is_some())
            {
                return Err(format!("{other} still has \"{uid}\" of {who}, {name:?}"));
            }
        }
    }
    check::is_off_with_guest(house, uid)
}

async fn does_not_come(
    house: &House,
    uid: &str,
    organizer: &'static str,
    who: &str,
) -> Result<(), String> {
    let meeting = house.own_copy(organizer, uid).await?;
    let Some(meeting) = meeting.as_ref().map(Found::parsed) else {
        return Ok(());
    };
    if house.is_left(uid, who, Some(&meeting)) {
        return Ok(());
    }
    for name in names(&meeting) {
        let said = attended(&meeting, who, name.as_deref()).map(|it| it.participation);
        if said.is_some_and(|said| said != "DECLINED" && said != "DELEGATED") {
            let text = String::from_utf8_lossy(&meeting.to_octets()).into_owned();
            return Err(format!(
                "{who} has left, and comes to \"{uid}\", {name:?}:\n{text}"
            ));
        }
    }
    Ok(())
}
