//! `convoke room` and `convoke resource`

use storage::model::PrincipalKind;

use super::{Failure, Output, Reach, remove};
use crate::{
    accounts::{Entry, Operation, Outcome, word},
    cli::{Free, Place, PlaceCommand},
    rooms,
};

/// Runs it for rooms or resources.
///
/// # Errors
/// In words for a person.
pub async fn run(
    kind: PrincipalKind,
    command: PlaceCommand,
    reach: &Reach,
    output: &mut Output,
) -> Result<(), Failure> {
    match command {
        PlaceCommand::Add(arguments) => {
            let name = arguments.name.clone();
            reach
                .perform(Operation::Add(Box::new(entry(kind, arguments))))
                .await?;
            output.line(&format!("The {} {name} is added.", word(kind)));
        }
        PlaceCommand::Set(arguments) => {
            let name = arguments.name.clone();
            let operation = Operation::Change(Box::new(entry(kind, arguments)));
            let is = match reach.perform(operation).await? {
                Outcome::Unchanged => "was so already",
                _ => "is changed",
            };
            output.line(&format!("The {} {name} {is}.", word(kind)));
        }
        PlaceCommand::List => list(kind, reach, output).await?,
        PlaceCommand::Free(arguments) => free(kind, arguments, reach, output).await?,
        PlaceCommand::Remove(arguments) => remove::run(kind, arguments, reach, output).await?,
    }
    Ok(())
}

fn entry(kind: PrincipalKind, arguments: Place) -> Entry {
    let some = |list: Vec<String>| (!list.is_empty()).then_some(list);
    // an empty one takes away what was there
    let named = |list: Vec<String>| {
        let names = |list: Vec<String>| list.into_iter().filter(|name| !name.is_empty()).collect();
        (!list.is_empty()).then(|| names(list))
    };
    Entry {
        display_name: arguments.display_name,
        addresses: some(arguments.addresses),
        capacity: arguments.capacity,
        location: arguments.location,
        features: some(arguments.features),
        booking: arguments.booking,
        booking_for: (!arguments.booking_for.is_empty())
            .then(|| arguments.booking_for.into_iter().flatten().collect()),
        booking_horizon_days: arguments.booking_horizon_days,
        read_delegates: named(arguments.read_delegates),
        write_delegates: named(arguments.write_delegates),
        ..Entry::new(kind, &arguments.name)
    }
}

async fn list(kind: PrincipalKind, reach: &Reach, output: &mut Output) -> Result<(), Failure> {
    let Outcome::Listed(places) = reach.perform(Operation::List(kind)).await? else {
        return Ok(());
    };
    let rows: Vec<Vec<String>> = places
        .into_iter()
        .map(|place| {
            let how = [place.booking.as_str().to_owned()].into_iter();
            let others = place.booking_for.iter();
            let others = others.map(|it| format!("{}={}", it.organizer, it.booking.as_str()));
            vec![
                place.name,
                place.display_name,
                place.addresses.join(" "),
                number(place.capacity),
                place.location.unwrap_or_default(),
                place.features.join(", "),
                how.chain(others).collect::<Vec<_>>().join(", "),
                place.booking_horizon_days.to_string(),
                place.delegates.join(", "),
            ]
        })
        .collect();
    output.table(
        &[
            "NAME",
            "DISPLAY NAME",
            "ADDRESSES",
            "CAPACITY",
            "LOCATION",
            "FEATURES",
            "BOOKING",
            "DAYS AHEAD",
            "DELEGATES",
        ],
        &rows,
    );
    Ok(())
}

fn number(number: Option<u32>) -> String {
    number.map_or_else(String::new, |number| number.to_string())
}

async fn free(
    kind: PrincipalKind,
    arguments: Free,
    reach: &Reach,
    output: &mut Output,
) -> Result<(), Failure> {
    let own_zone = || jiff::tz::TimeZone::system().iana_name().map(str::to_owned);
    let ask = rooms::Ask {
        kind,
        from: arguments.from.0,
        to: arguments.to.0,
        recurrence: arguments.recurrence,
        time_zone: arguments.time_zone.or_else(own_zone),
        capacity: arguments.capacity,
        location: arguments.location,
        features: arguments.features,
        all: arguments.all,
    };
    let told = reach.ask_free_resources(&ask).await?;
    if arguments.json {
        output.line(&serde_json::to_string_pretty(&told)?);
        return Ok(());
    }
    if told.found.is_empty() {
        let then = if ask.all { "" } else { " is free then" };
        output.error(&format!("no {} that fits{then}", word(kind)));
        return Ok(());
    }
    let rows: Vec<Vec<String>> = told.found.into_iter().map(row).collect();
    output.table(
        &[
            "NAME", "ADDRESS", "CAPACITY", "LOCATION", "FEATURES", "THEN",
        ],
        &rows,
    );
    if !told.is_whole {
        output.error("there are more; ask for something in particular");
    }
    Ok(())
}

fn row(found: rooms::Found) -> Vec<String> {
    let then = match found.taken {
        0 => found.vacancy.as_str().to_owned(),
        taken => format!("{} ({taken} taken)", found.vacancy.as_str()),
    };
    vec![
        found.name,
        found.addresses.into_iter().next().unwrap_or_default(),
        number(found.capacity),
        found.location.unwrap_or_default(),
        found.features.join(", "),
        then,
    ]
}
