//! `convoke room` and `convoke resource`

use storage::model::PrincipalKind;

use super::{Failure, Output, Reach};
use crate::{
    accounts::{Entry, Operation, Outcome, word},
    cli::{PlaceAdd, PlaceCommand},
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
        PlaceCommand::List => list(kind, reach, output).await?,
        PlaceCommand::Remove { name } => {
            reach
                .perform(Operation::Remove {
                    kind,
                    name: name.clone(),
                })
                .await?;
            output.line(&format!(
                "The {} {name} is removed, with its calendar.",
                word(kind)
            ));
        }
    }
    Ok(())
}

fn entry(kind: PrincipalKind, arguments: PlaceAdd) -> Entry {
    let some = |list: Vec<String>| (!list.is_empty()).then_some(list);
    Entry {
        display_name: arguments.display_name,
        addresses: some(arguments.addresses),
        capacity: arguments.capacity,
        location: arguments.location,
        features: some(arguments.features),
        booking: arguments.booking,
        booking_for: (!arguments.booking_for.is_empty()).then_some(arguments.booking_for),
        booking_horizon_days: arguments.booking_horizon_days,
        read_delegates: some(arguments.read_delegates),
        write_delegates: some(arguments.write_delegates),
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
            let capacity = place
                .capacity
                .map_or_else(String::new, |capacity| capacity.to_string());
            vec![
                place.name,
                place.display_name,
                place.addresses.join(" "),
                capacity,
            ]
        })
        .collect();
    output.table(&["NAME", "DISPLAY NAME", "ADDRESSES", "CAPACITY"], &rows);
    Ok(())
}
