//! Who signs in, and whether that is so.
//!
//! Invariants:
//! - a password is hashed with argon2id away from the request threads, at most one per processor at a
//!   time; a credential that was verified lately costs one keyed BLAKE3, and a look at the account where
//!   the store does not know that nobody changed a password since;
//! - whatever the cache says, the account's present state decides: a changed password, a disabled or
//!   removed account takes effect with the next request;
//! - nobody learns from time or text which names exist.

mod backoff;
mod basic;
mod cache;
mod password;

use std::{net::IpAddr, sync::Arc};

use storage::{
    Environment, Store, Stored,
    backend::ReadError,
    model::{Credential, Principal},
};
use tokio::sync::Mutex;

pub use basic::BasicCredentials;
pub use password::{Argon2Cost, HashError, Passwords, check_stored_hash};

use backoff::BackOff;
use cache::{CacheKey, CredentialCache, Verified};

/// The realm of every challenge (RFC 7617 §2): clients file the password under it.
pub const REALM: &str = "Convoke";
/// Locks that keep equal credentials from being hashed side by side.
const STRIPES: usize = 64;

/// Why somebody is not signed in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// Name or password is wrong, or the account may not sign in.
    #[error("name or password is wrong")]
    Wrong,
    /// Too many failures of this account from this address.
    #[error("too many failed sign-ins; wait {seconds} s")]
    Wait {
        /// Whole seconds until the next attempt is looked at.
        seconds: u64,
    },
    /// Too many passwords are being checked.
    #[error("too many sign-ins are being checked")]
    Busy,
    /// The store cannot be read.
    #[error("accounts cannot be read: {0}")]
    Store(#[from] ReadError),
}

/// Verifies credentials.
pub struct Authenticator {
    store: Store,
    environment: Environment,
    passwords: Passwords,
    cache: CredentialCache,
    backoff: BackOff,
    stripes: Vec<Mutex<()>>,
}

impl Authenticator {
    /// Verifies against the accounts of `store`.
    pub fn new(store: Store, passwords: Passwords) -> Authenticator {
        let environment = store.environment().clone();
        Authenticator {
            cache: CredentialCache::new(&environment),
            backoff: BackOff::default(),
            stripes: (0..STRIPES).map(|_| Mutex::new(())).collect(),
            store,
            environment,
            passwords,
        }
    }

    /// The account of these credentials, sent from `address`.
    ///
    /// # Errors
    /// See [`SignInError`].
    pub async fn sign_in(
        &self,
        basic: &BasicCredentials,
        address: IpAddr,
    ) -> Result<Arc<Principal>, SignInError> {
        let key = self.cache.key(basic.name(), basic.password());
        if let Some(principal) = self.known(&key).await? {
            return Ok(principal);
        }
        // A client that opens many connections at once sends the same credential on each: the first
        // one hashes, the others find its result.
        let _turn = self.stripes[key.stripe(STRIPES)].lock().await;
        if let Some(principal) = self.known(&key).await? {
            return Ok(principal);
        }
        self.verify(key, basic, address).await
    }

    /// The account of a credential in the cache, if it still holds.
    async fn known(&self, key: &CacheKey) -> Result<Option<Arc<Principal>>, SignInError> {
        let Some(verified) = self.cache.get(key, self.environment.clock.now()) else {
            return Ok(None);
        };
        let principal = self.store.principal(verified.principal).await?;
        let principal = principal.filter(|principal| !principal.disabled);
        if principal.is_some() && self.store.are_credentials_unchanged_since(verified.through) {
            return Ok(principal);
        }
        let through = self.store.revision();
        match self.account(principal).await? {
            Some((principal, credential)) if credential.revision == verified.credential => {
                self.cache.confirm(key, through);
                Ok(Some(principal))
            }
            _ => {
                self.cache.remove(key);
                Ok(None)
            }
        }
    }

    async fn verify(
        &self,
        key: CacheKey,
        basic: &BasicCredentials,
        address: IpAddr,
    ) -> Result<Arc<Principal>, SignInError> {
        if let Some(seconds) =
            self.backoff
                .wait_seconds(basic.name(), address, self.environment.clock.now())
        {
            return Err(SignInError::Wait { seconds });
        }
        let through = self.store.revision();
        let account = self
            .account(self.store.principal_by_name(basic.name()).await?)
            .await?;
        let stored = account
            .as_ref()
            .map(|(_, credential)| credential.hash.clone());
        let right = match self
            .passwords
            .verify(basic.password().to_owned().into(), stored)
            .await
        {
            Ok(right) => right,
            Err(HashError::Busy) => return Err(SignInError::Busy),
            Err(HashError::Unusable) => {
                tracing::warn!(
                    account = basic.name(),
                    "the stored password hash cannot be used; set a new password"
                );
                false
            }
        };
        let now = self.environment.clock.now();
        match account {
            Some((principal, credential)) if right => {
                self.backoff.succeeded(basic.name(), address);
                self.cache.insert(
                    key,
                    Verified {
                        principal: principal.id,
                        credential: credential.revision,
                        through,
                    },
                    now,
                );
                Ok(principal)
            }
            _ => {
                self.backoff.failed(basic.name(), address, now);
                Err(SignInError::Wrong)
            }
        }
    }

    /// An account that may sign in, with its password's hash.
    async fn account(
        &self,
        principal: Option<Arc<Principal>>,
    ) -> Result<Option<(Arc<Principal>, Stored<Credential>)>, ReadError> {
        let Some(principal) = principal.filter(|principal| !principal.disabled) else {
            return Ok(None);
        };
        let credential = self.store.credential(principal.id).await?;
        Ok(credential.map(|credential| (principal, credential)))
    }
}
