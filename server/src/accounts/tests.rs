//! Accounts are made, changed and removed.
#![allow(clippy::unwrap_used)]

mod delegates;
mod importing;
mod signing_in;

use std::sync::Arc;

use scheduling::desk::Settings;
use storage::{
    access::Delegation,
    backend::{Backend, CommitError},
    memory::Memory,
    model::{AuditAction, Booking, BookingRule, InvitationRecipients, PrincipalId},
    testing::{self, Faulty},
};

use super::*;
use crate::authentication::{Argon2Cost, Authenticator, BasicCredentials, SignInError};

struct House {
    accounts: Accounts,
    store: Store,
    authenticator: Authenticator,
}

async fn house() -> House {
    house_over(|memory| Arc::new(memory)).await
}

async fn house_over(backend: impl FnOnce(Memory) -> Arc<dyn Backend>) -> House {
    let environment = testing::environment();
    let backend = backend(Memory::new(Arc::clone(&environment.clock)));
    let store = Store::open(backend, environment.clone()).await.unwrap();
    let passwords = Passwords::new(environment, Argon2Cost::FOR_TESTS);
    let authenticator = Authenticator::new(store.clone(), passwords.clone());
    let desk = Desk::new(store.clone(), Settings::default());
    House {
        accounts: Accounts::new(desk, passwords).audited(true),
        store,
        authenticator,
    }
}

impl House {
    async fn import(&self, text: &str) -> Result<Imported, AccountsError> {
        match self
            .accounts
            .perform(Operation::Import(parse(text).unwrap()))
            .await?
        {
            Outcome::Imported(imported) => Ok(imported),
            other => panic!("{other:?}"),
        }
    }

    async fn principal(&self, name: &str) -> Arc<Principal> {
        self.store
            .principal_by_name(name)
            .await
            .unwrap()
            .unwrap_or_else(|| panic!("{name} is not there"))
    }

    async fn names(&self, ids: &[PrincipalId]) -> Vec<String> {
        let mut names = Vec::new();
        for id in ids {
            names.push(
                self.store
                    .principal(*id)
                    .await
                    .unwrap()
                    .unwrap()
                    .name
                    .clone(),
            );
        }
        names
    }

    async fn signs_in(&self, name: &str, password: &str) -> Result<(), SignInError> {
        let basic = BasicCredentials::new(name, password);
        self.authenticator
            .sign_in(&basic, [127, 0, 0, 1].into())
            .await
            .map(drop)
    }

    async fn perform(&self, operation: Operation) -> Result<Outcome, String> {
        self.accounts
            .perform(operation)
            .await
            .map_err(|error| error.to_string())
    }
}

const FILE: &str = r#"
[[users]]
name = "alice"
password = "secret"
display_name = "Alice"
addresses = ["mailto:alice@example.com", "a@example.com"]
language = "de-CH"
time_zone = "Europe/Zurich"
administrator = true

[[users]]
name = "bob"
password = "bob's"

[[groups]]
name = "all"
members = ["inner", "room"]

[[groups]]
name = "inner"
members = ["alice", "bob"]

[[rooms]]
name = "room"
capacity = 12
location = "First floor"
features = ["projector"]
booking = "automatic"
booking_for = [{ organizer = "inner", booking = "accept-always" }]
booking_horizon_days = 180
delegates = { write = ["alice"], read = ["all"] }

[[resources]]
name = "car"
booking = "accept-if-free"
"#;

#[tokio::test]
async fn adding_removing_and_listing() {
    let house = house().await;
    let entry = |name: &str| Entry {
        password: Some(Secret::from("secret".to_owned())),
        ..Entry::new(PrincipalKind::User, name)
    };
    house
        .perform(Operation::Add(Box::new(entry("alice"))))
        .await
        .unwrap();
    let twice = house
        .perform(Operation::Add(Box::new(entry("alice"))))
        .await;
    assert_eq!(twice, Err("user \"alice\": the name is taken".to_owned()));
    house.signs_in("alice", "secret").await.unwrap();
    house
        .import("[[users]]\nname = \"alice\"\npassword = \"file\"")
        .await
        .unwrap();
    house
        .signs_in("alice", "secret")
        .await
        .expect("an administrator's password is not an import's to change");
    let Ok(Outcome::Listed(users)) = house.perform(Operation::List(PrincipalKind::User)).await
    else {
        panic!()
    };
    assert_eq!(
        users
            .iter()
            .map(|user| user.name.as_str())
            .collect::<Vec<_>>(),
        ["alice"]
    );
    let wrong_kind = house
        .perform(Operation::Remove {
            kind: PrincipalKind::Group,
            name: "alice".into(),
            manner: Removal::Told,
        })
        .await;
    assert_eq!(
        wrong_kind,
        Err("\"alice\" is a user, not a group; use `convoke user ...`".to_owned())
    );
    house
        .perform(Operation::Remove {
            kind: PrincipalKind::User,
            name: "alice".into(),
            manner: Removal::Told,
        })
        .await
        .unwrap();
    assert_eq!(
        house.signs_in("alice", "secret").await,
        Err(SignInError::Wrong)
    );
    let gone = house
        .perform(Operation::Remove {
            kind: PrincipalKind::User,
            name: "alice".into(),
            manner: Removal::Told,
        })
        .await;
    assert!(gone.unwrap_err().contains("convoke user list"));
}

#[tokio::test]
async fn who_is_removed_is_gone_from_groups_and_delegates() {
    let house = house().await;
    house.import(FILE).await.unwrap();
    let remove = |name: &str| Operation::Remove {
        kind: PrincipalKind::User,
        name: name.into(),
        manner: Removal::Told,
    };
    assert!(
        house
            .perform(remove("alice"))
            .await
            .unwrap_err()
            .contains("last administrator")
    );
    house
        .import("[[users]]\nname = \"bob\"\nadministrator = true")
        .await
        .unwrap();
    house.perform(remove("alice")).await.unwrap();
    assert_eq!(
        house.names(&house.principal("inner").await.members).await,
        ["bob"]
    );
    let room = house.principal("room").await;
    assert_eq!(room.delegates_in(Delegation::Write).count(), 0);
}

#[tokio::test]
async fn members_come_and_go() {
    let house = house().await;
    house.import(FILE).await.unwrap();
    let add = |group: &str, member: &str| Operation::AddMember {
        group: group.into(),
        member: member.into(),
    };
    let remove = |group: &str, member: &str| Operation::RemoveMember {
        group: group.into(),
        member: member.into(),
    };
    assert_eq!(house.perform(add("all", "car")).await, Ok(Outcome::Done));
    assert_eq!(
        house.perform(add("all", "car")).await,
        Ok(Outcome::Unchanged)
    );
    assert_eq!(
        house.names(&house.principal("all").await.members).await,
        ["inner", "room", "car"]
    );
    assert_eq!(
        house.perform(remove("all", "room")).await,
        Ok(Outcome::Done)
    );
    assert_eq!(
        house.perform(remove("all", "room")).await,
        Ok(Outcome::Unchanged)
    );
    assert_eq!(
        house.names(&house.principal("all").await.members).await,
        ["inner", "car"]
    );
    assert!(
        house
            .perform(add("inner", "all"))
            .await
            .unwrap_err()
            .contains("member of itself")
    );
    assert!(
        house
            .perform(add("all", "nobody"))
            .await
            .unwrap_err()
            .contains("nobody has the name")
    );
    assert!(
        house
            .perform(add("alice", "bob"))
            .await
            .unwrap_err()
            .contains("is a user, not a group")
    );
}
