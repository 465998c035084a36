//! Accounts: principals together with their homes.

use std::sync::Arc;

use super::{Batch, Store, directory::normalise_address, keys, principals::unique_keys};
use crate::{
    Stored,
    backend::{CommitError, ReadError},
    model::{
        AskAgain, Collection, CollectionId, CollectionKind, Credential, DEFAULT_CALENDAR_NAME,
        Enabled, INBOX_NAME, OUTBOX_NAME, Principal, PrincipalId, PrincipalKind, Properties,
    },
};

/// The longest name of a principal.
const MAXIMUM_PRINCIPAL_NAME_OCTETS: usize = 255;
/// The longest calendar user address.
const MAXIMUM_ADDRESS_OCTETS: usize = 1024;
/// How often a change is decided again because somebody else was faster.
const ATTEMPTS: usize = 16;

/// Why an account could not be made or changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// The name has a form that makes no good URL or sign-in.
    #[error("the name {0:?} is not possible: {1}")]
    InvalidName(String, PrincipalNameFault),
    /// The address is no URI.
    #[error(
        "the address {0:?} is not possible: an address is a URI such as mailto:somebody@example.com"
    )]
    InvalidAddress(String),
    /// Somebody (of whatever kind) has this name, perhaps in another case.
    #[error("the name {0:?} is taken")]
    NameTaken(String),
    /// Somebody else has this address.
    #[error("the address {0:?} belongs to somebody else")]
    AddressTaken(String),
    /// There is no such principal.
    #[error("there is no such account")]
    NotFound,
    /// The store refused, or cannot be written now.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The store cannot be read now.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// What is wrong with a principal's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrincipalNameFault {
    /// Nothing.
    #[error("it is empty")]
    Empty,
    /// Above 255 octets.
    #[error("it is longer than 255 octets")]
    TooLong,
    /// Such as `..`.
    #[error("it begins with a dot")]
    LeadingDot,
    /// Nobody would see it.
    #[error("it begins or ends with a space")]
    OuterSpace,
    /// A slash (divides URLs), a colon (divides name and password at sign-in), or a control character.
    #[error("it contains {0:?}")]
    Character(char),
}

fn check_name(name: &str) -> Result<(), PrincipalNameFault> {
    let forbidden =
        |character: char| matches!(character, '/' | '\\' | ':') || character.is_control();
    if name.is_empty() {
        Err(PrincipalNameFault::Empty)
    } else if name.len() > MAXIMUM_PRINCIPAL_NAME_OCTETS {
        Err(PrincipalNameFault::TooLong)
    } else if name.starts_with('.') {
        Err(PrincipalNameFault::LeadingDot)
    } else if name.trim() != name {
        Err(PrincipalNameFault::OuterSpace)
    } else {
        name.chars()
            .find(|character| forbidden(*character))
            .map_or(Ok(()), |it| Err(PrincipalNameFault::Character(it)))
    }
}

/// Whether an account may have this name and these addresses at all, whoever else there is.
///
/// # Errors
/// [`AccountError::InvalidName`] and [`AccountError::InvalidAddress`].
pub fn check_account_form(name: &str, addresses: &[String]) -> Result<(), AccountError> {
    check_name(name).map_err(|fault| AccountError::InvalidName(name.to_owned(), fault))?;
    match addresses.iter().find(|address| !is_address(address)) {
        Some(address) => Err(AccountError::InvalidAddress(address.clone())),
        None => Ok(()),
    }
}

fn is_address(address: &str) -> bool {
    let scheme_and_rest = address.split_once(':').is_some_and(|(scheme, rest)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme
                .chars()
                .all(|it| it.is_ascii_alphanumeric() || "+-.".contains(it))
            && !rest.is_empty()
    });
    scheme_and_rest
        && address.len() <= MAXIMUM_ADDRESS_OCTETS
        && !address.contains(|it: char| it.is_whitespace() || it.is_control())
}

impl Store {
    /// Makes an account in one commit: the principal (whose identity, home and default calendar are
    /// given here) and, unless it is a group, its home with the default calendar, the inbox and the
    /// outbox (RFC 6638 §2.1 and §2.2).
    pub async fn add_account(
        &self,
        mut principal: Principal,
        credential: Option<Credential>,
    ) -> Result<Arc<Principal>, AccountError> {
        principal.id = self.new_principal_id();
        let mut home = None;
        if principal.kind != PrincipalKind::Group {
            let collections = self.new_home(principal.id);
            principal.home = Some(collections[0].id);
            principal.default_calendar = Some(collections[1].id);
            home = Some(collections);
        }
        for _ in 0..ATTEMPTS {
            self.check_principal(&principal, None).await?;
            let mut batch = self.batch();
            batch.put_principal(None, &principal);
            if let Some(credential) = &credential {
                batch.put_credential(principal.id, None, credential);
            }
            if let Some([home, members @ ..]) = &home {
                let home = Stored::new(home.clone());
                batch.create_collection(None, &home);
                for member in members {
                    batch.create_collection(Some(&home), member);
                }
            }
            match self.commit(batch).await {
                Ok(_) => return Ok(Arc::new(principal)),
                Err(CommitError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(too_busy())
    }

    /// Home, default calendar, inbox and outbox of a new principal.
    fn new_home(&self, owner: PrincipalId) -> [Collection; 4] {
        let created = self.environment().clock.now();
        let home = self.new_collection_id();
        let collection = |id: CollectionId, kind, name: &str| Collection {
            id,
            kind,
            owner,
            home,
            parent: (id != home).then_some(home),
            name: name.to_owned(),
            created,
            components: Vec::new(),
            properties: Properties::new(),
            access: None,
        };
        let calendar = Collection {
            components: vec!["VEVENT".to_owned(), "VTODO".to_owned()],
            ..collection(
                self.new_collection_id(),
                CollectionKind::Calendar,
                DEFAULT_CALENDAR_NAME,
            )
        };
        [
            collection(home, CollectionKind::Home, ""),
            calendar,
            collection(self.new_collection_id(), CollectionKind::Inbox, INBOX_NAME),
            collection(
                self.new_collection_id(),
                CollectionKind::Outbox,
                OUTBOX_NAME,
            ),
        ]
    }

    /// Changes a principal: `change` is called with the newest state, again where somebody else was
    /// faster. Identity, kind and home stay as they are. Returns the principal as it now is; a change
    /// that changes nothing writes nothing. A group with other members leaves work in
    /// [`crate::model::MEMBERSHIP_QUEUE`], an account that is enabled again in [`crate::model::ENABLED_QUEUE`], a room
    /// that answers otherwise in [`crate::model::ASK_AGAIN_QUEUE`].
    pub async fn change_principal(
        &self,
        id: PrincipalId,
        change: impl FnMut(&mut Principal),
    ) -> Result<Arc<Principal>, AccountError> {
        self.change_principal_and(id, change, |_| {}).await
    }

    /// Like [`Store::change_principal`], with what else goes into the change's own commit.
    pub async fn change_principal_and(
        &self,
        id: PrincipalId,
        mut change: impl FnMut(&mut Principal),
        add: impl Fn(&mut Batch),
    ) -> Result<Arc<Principal>, AccountError> {
        for _ in 0..ATTEMPTS {
            let before = self
                .principal_to_change(id)
                .await?
                .ok_or(AccountError::NotFound)?;
            let mut after = Principal::clone(&before.value);
            change(&mut after);
            (after.id, after.kind, after.home) = (before.id, before.kind, before.home);
            if after == *before.value {
                return Ok(before.value);
            }
            self.check_principal(&after, Some(&before.value)).await?;
            let mut batch = self.batch();
            batch.put_principal(Some(&before), &after);
            self.enqueue_membership(&mut batch, &before, &after).await?;
            self.enqueue_enabled(&mut batch, &before, &after);
            self.enqueue_ask_again(&mut batch, &before, &after);
            add(&mut batch);
            match self.commit(batch).await {
                Ok(_) => return Ok(Arc::new(after)),
                Err(CommitError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(too_busy())
    }

    /// Leaves it to others to look for what somebody missed who is enabled again, in the change's own commit.
    fn enqueue_enabled(&self, batch: &mut Batch, before: &Principal, after: &Principal) {
        if !before.disabled || after.disabled || after.home.is_none() {
            return;
        }
        let now = self.environment().clock.now();
        let enabled = Enabled {
            principal: after.id,
            reached: None,
        };
        batch.enqueue(&self.new_work_id(now), &enabled.work(now));
    }

    /// Leaves it to others to ask a room or resource again that answers otherwise now, in the change's own commit.
    fn enqueue_ask_again(&self, batch: &mut Batch, before: &Principal, after: &Principal) {
        let Some(home) = after.home.filter(|_| after.answers_otherwise_than(before)) else {
            return;
        };
        let now = self.environment().clock.now();
        let ask_again = AskAgain {
            room: after.id,
            open: vec![home],
            after: None,
        };
        batch.enqueue(&self.new_work_id(now), &ask_again.work(now));
    }

    /// Sets a principal's password hash: `decide` is called with what is stored, again where somebody
    /// else was faster, and returns what shall be stored, or `None` to leave it. Returns whether
    /// something was written.
    pub async fn change_credential(
        &self,
        id: PrincipalId,
        mut decide: impl FnMut(Option<&Credential>) -> Option<Credential>,
    ) -> Result<bool, AccountError> {
        for _ in 0..ATTEMPTS {
            let principal = self
                .principal_to_change(id)
                .await?
                .ok_or(AccountError::NotFound)?;
            let before = self.credential(id).await?;
            let Some(after) = decide(before.as_ref().map(|before| &before.value)) else {
                return Ok(false);
            };
            let mut batch = self.batch();
            batch
                .expect_principal(&principal)
                .put_credential(id, before.as_ref(), &after);
            match self.commit(batch).await {
                Ok(_) => return Ok(true),
                Err(CommitError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(too_busy())
    }

    /// Removes an account: the principal and its credential are gone and its home is unreachable in
    /// one commit; [`Store::purge_detached`] removes what was in it.
    pub async fn remove_account(&self, id: PrincipalId) -> Result<(), AccountError> {
        for _ in 0..ATTEMPTS {
            if self.remove_account_upon(id, |_| {}).await? {
                return Ok(());
            }
        }
        Err(too_busy())
    }

    /// The same, once, upon what `expect` adds to its commit; `false` where that is not so any more.
    pub async fn remove_account_upon(
        &self,
        id: PrincipalId,
        expect: impl FnOnce(&mut Batch),
    ) -> Result<bool, AccountError> {
        let before = self
            .principal_to_change(id)
            .await?
            .ok_or(AccountError::NotFound)?;
        let mut batch = self.batch();
        batch.remove_principal(&before);
        batch.forget_group_meetings(id);
        if let Some(home) = before.home
            && let Some(home) = self.collection(home).await?
        {
            batch.detach_collection(&home);
        }
        expect(&mut batch);
        match self.commit(batch).await {
            Ok(_) => Ok(true),
            Err(CommitError::Conflict(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Names and addresses have a good form and belong to nobody else.
    async fn check_principal(
        &self,
        after: &Principal,
        before: Option<&Principal>,
    ) -> Result<(), AccountError> {
        check_account_form(&after.name, &after.addresses)?;
        let own = before.map(unique_keys).unwrap_or_default();
        let wanted: Vec<_> = unique_keys(after).difference(&own).cloned().collect();
        let rows = self.backend().get_many(&wanted).await?;
        let taken: Vec<_> = wanted
            .iter()
            .zip(rows)
            .filter_map(|(key, row)| row.map(|_| key))
            .collect();
        if taken.contains(&&keys::principal_name(&after.name)) {
            return Err(AccountError::NameTaken(after.name.clone()));
        }
        let of_another = |address: &&String| {
            taken.contains(&&keys::principal_address(&normalise_address(address)))
        };
        match after.addresses.iter().find(of_another) {
            Some(address) => Err(AccountError::AddressTaken(address.clone())),
            None => Ok(()),
        }
    }
}

impl Batch {
    /// Expects a principal to be as it was read.
    pub fn expect_principal(&mut self, principal: &Stored<Arc<Principal>>) -> &mut Self {
        self.expect_row(keys::principal(principal.id), principal.revision);
        self
    }
}

fn too_busy() -> AccountError {
    AccountError::Commit(CommitError::Unavailable(
        "too many changes at the same time".to_owned(),
    ))
}
