//! Password hashes: argon2id (RFC 9106) as PHC strings, computed away from the request threads.

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash, Salt},
};
use storage::Environment;
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// How many hashes may wait for a processor before more are refused.
const MAXIMUM_WAITING: usize = 64;
/// Octets of salt.
const SALT_OCTETS: usize = 16;
/// Octets of a hash's output.
const OUTPUT_OCTETS: usize = 32;
/// The most memory that a stored hash may ask for, in KiB.
const MAXIMUM_MEMORY_KIB: u32 = 256 * 1024;
/// The most passes that a stored hash may ask for.
const MAXIMUM_PASSES: u32 = 32;
/// The allocator keeps what is smaller than this after use; what is larger goes back to the system.
const RETURNED_TO_SYSTEM_OCTETS: usize = 33 * 1024 * 1024;

/// What one hash costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argon2Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Default for Argon2Cost {
    /// OWASP's first recommendation: 19 MiB, two passes.
    fn default() -> Self {
        Argon2Cost {
            memory_kib: Params::DEFAULT_M_COST,
            passes: Params::DEFAULT_T_COST,
        }
    }
}

impl Argon2Cost {
    /// So cheap that it protects nothing: for tests.
    pub const FOR_TESTS: Argon2Cost = Argon2Cost {
        memory_kib: 8,
        passes: 1,
    };
}

/// Why there is no answer about a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Too many hashes are waiting; try again later.
    #[error("too many sign-ins are being checked")]
    Busy,
    /// The stored hash or the cost is not one that can be computed.
    #[error("the password's hash cannot be computed")]
    Unusable,
}

/// Computes hashes, at most one per processor at a time. Cheap to clone.
#[derive(Clone)]
pub struct Passwords {
    environment: Environment,
    cost: Argon2Cost,
    processors: Arc<Semaphore>,
    places: Arc<Semaphore>,
}

impl Passwords {
    /// A hasher of this cost.
    pub fn new(environment: Environment, cost: Argon2Cost) -> Passwords {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Passwords {
            environment,
            cost,
            processors: Arc::new(Semaphore::new(processors)),
            places: Arc::new(Semaphore::new(processors + MAXIMUM_WAITING)),
        }
    }

    /// The PHC string of a password, with a fresh salt.
    ///
    /// # Errors
    /// [`HashError::Unusable`] where the cost is out of argon2's range. It waits rather than be busy:
    /// only administrators get here.
    pub async fn hash(&self, password: Zeroizing<String>) -> Result<String, HashError> {
        let mut salt = [0; SALT_OCTETS];
        self.environment.entropy.fill(&mut salt);
        let cost = self.cost;
        self.compute(move || hash_now(&password, &salt, cost))
            .await?
    }

    /// Whether the password is the one of this PHC string. Where there is none (no such account, or
    /// one that may not sign in) the same work is done for nothing, so that the time tells nobody
    /// which names exist.
    ///
    /// # Errors
    /// [`HashError::Busy`] where too many wait already; [`HashError::Unusable`] for a stored hash that
    /// is not argon2 or asks for too much.
    pub async fn verify(
        &self,
        password: Zeroizing<String>,
        stored: Option<String>,
    ) -> Result<bool, HashError> {
        let _place = self.places.try_acquire().map_err(|_| HashError::Busy)?;
        let cost = self.cost;
        self.compute(move || match stored {
            Some(stored) => verify_now(&password, &stored),
            None => hash_now(&password, &[0; SALT_OCTETS], cost).map(|_| false),
        })
        .await?
    }

    /// Whether the password is the one of this PHC string. For administrators: it waits rather than be
    /// busy.
    ///
    /// # Errors
    /// The task failed.
    pub async fn is_same(
        &self,
        password: Zeroizing<String>,
        stored: String,
    ) -> Result<bool, HashError> {
        let same = self.compute(move || verify_now(&password, &stored)).await?;
        Ok(same.unwrap_or(false))
    }

    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HashError> {
        let permit = Arc::clone(&self.processors)
            .acquire_owned()
            .await
            .map_err(|_| HashError::Busy)?;
        // The permit goes along: a caller that hangs up does not free a processor that still works.
        let task = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        task.await.map_err(|_| HashError::Busy)
    }
}

/// Whether a PHC string from outside can be used here.
///
/// # Errors
/// A sentence for the administrator.
pub fn check_stored_hash(stored: &str) -> Result<(), String> {
    const REMEDY: &str = "give an argon2id hash such as `$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH`, or `password` instead";
    let parsed = PasswordHash::new(stored)
        .map_err(|error| format!("password_hash is not a PHC string ({error}); {REMEDY}"))?;
    let (_, params) =
        algorithm_of(&parsed).ok_or_else(|| format!("password_hash is not argon2; {REMEDY}"))?;
    if params.m_cost() > MAXIMUM_MEMORY_KIB || params.t_cost() > MAXIMUM_PASSES {
        return Err(format!(
            "password_hash asks for more than {MAXIMUM_MEMORY_KIB} KiB or {MAXIMUM_PASSES} passes at every sign-in; {REMEDY}"
        ));
    }
    if parsed.salt.is_none() || parsed.hash.is_none() {
        return Err(format!("password_hash has no salt or no output; {REMEDY}"));
    }
    Ok(())
}

fn hash_now(password: &str, salt: &[u8], cost: Argon2Cost) -> Result<String, HashError> {
    let unusable = |_| HashError::Unusable;
    let params = Params::new(cost.memory_kib, cost.passes, 1, Some(OUTPUT_OCTETS))
        .map_err(|_| HashError::Unusable)?;
    let mut output = [0; OUTPUT_OCTETS];
    derive(
        Algorithm::Argon2id,
        Version::V0x13,
        &params,
        password,
        salt,
        &mut output,
    )?;
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&params).map_err(|_| HashError::Unusable)?,
        salt: Some(Salt::new(salt).map_err(unusable)?),
        hash: Some(Output::new(&output).map_err(unusable)?),
    };
    Ok(hash.to_string())
}

fn verify_now(password: &str, stored: &str) -> Result<bool, HashError> {
    let parsed = PasswordHash::new(stored).map_err(|_| HashError::Unusable)?;
    let (algorithm, params) = algorithm_of(&parsed).ok_or(HashError::Unusable)?;
    let (Some(salt), Some(expected)) = (&parsed.salt, &parsed.hash) else {
        return Err(HashError::Unusable);
    };
    if params.m_cost() > MAXIMUM_MEMORY_KIB || params.t_cost() > MAXIMUM_PASSES {
        return Err(HashError::Unusable);
    }
    let version = match parsed.version {
        Some(number) => Version::try_from(number).map_err(|_| HashError::Unusable)?,
        None => Version::V0x13,
    };
    let mut output = Zeroizing::new(vec![0; expected.len()]);
    derive(algorithm, version, &params, password, salt, &mut output)?;
    Ok(output.ct_eq(expected.as_bytes()).into())
}

fn algorithm_of(hash: &PasswordHash) -> Option<(Algorithm, Params)> {
    Some((
        Algorithm::try_from(hash.algorithm.as_str()).ok()?,
        Params::try_from(hash).ok()?,
    ))
}

/// Computes with memory of its own, which is so large a block that the system has it back at once: a
/// server that idles must not hold the 19 MiB of its last sign-in.
fn derive(
    algorithm: Algorithm,
    version: Version,
    params: &Params,
    password: &str,
    salt: &[u8],
    output: &mut [u8],
) -> Result<(), HashError> {
    let blocks = params.block_count();
    let octets = (blocks * Block::SIZE).max(RETURNED_TO_SYSTEM_OCTETS);
    let mut memory = Vec::with_capacity(octets / Block::SIZE);
    memory.resize(blocks, Block::default());
    Argon2::new(algorithm, version, params.clone())
        .hash_password_into_with_memory(password.as_bytes(), salt, output, &mut memory)
        .map_err(|_| HashError::Unusable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment;

    fn passwords() -> Passwords {
        Passwords::new(environment::system(), Argon2Cost::FOR_TESTS)
    }

    fn secret(text: &str) -> Zeroizing<String> {
        Zeroizing::new(text.to_owned())
    }

    #[tokio::test]
    async fn a_hash_knows_its_password_and_no_other() {
        let passwords = passwords();
        let hash = passwords
            .hash(secret("correct horse"))
            .await
            .expect("a hash");
        assert!(hash.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{hash}");
        assert_eq!(
            passwords
                .verify(secret("correct horse"), Some(hash.clone()))
                .await,
            Ok(true)
        );
        assert_eq!(
            passwords
                .verify(secret("correct horsE"), Some(hash.clone()))
                .await,
            Ok(false)
        );
        assert_eq!(passwords.verify(secret(""), Some(hash)).await, Ok(false));
    }

    #[tokio::test]
    async fn the_same_password_has_another_hash_each_time() {
        let passwords = passwords();
        let first = passwords.hash(secret("same")).await.expect("a hash");
        assert_ne!(first, passwords.hash(secret("same")).await.expect("a hash"));
    }

    #[tokio::test]
    async fn nobody_has_no_password() {
        assert_eq!(
            passwords().verify(secret("anything"), None).await,
            Ok(false)
        );
    }

    #[tokio::test]
    async fn hashes_of_other_programs_are_understood() {
        // Argon2's reference implementation: password "password", salt "somesalt".
        let stored =
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        assert_eq!(check_stored_hash(stored), Ok(()));
        assert_eq!(
            passwords()
                .verify(secret("password"), Some(stored.to_owned()))
                .await,
            Ok(true)
        );
        assert_eq!(
            passwords()
                .verify(secret("passwore"), Some(stored.to_owned()))
                .await,
            Ok(false)
        );
    }

    #[test]
    fn a_hash_that_cannot_be_used_is_refused_with_a_remedy() {
        let cases = [
            ("secret", "not a PHC string"),
            ("$2b$12$abcdefghijklmnopqrstuv", "password_hash is not"),
            (
                "$argon2id$v=19$m=999999999,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
                "asks for more",
            ),
            ("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ", "no output"),
        ];
        for (stored, reason) in cases {
            let message = check_stored_hash(stored).expect_err(stored);
            assert!(
                message.contains(reason) && message.contains("give an argon2id hash"),
                "{stored}: {message}"
            );
        }
    }

    #[tokio::test]
    async fn more_than_the_bound_are_refused_and_not_queued() {
        let passwords = passwords();
        let places = passwords.places.available_permits() as u32;
        let all = passwords.places.acquire_many(places).await.expect("open");
        assert_eq!(
            passwords.verify(secret("x"), None).await,
            Err(HashError::Busy)
        );
        drop(all);
        assert_eq!(passwords.verify(secret("x"), None).await, Ok(false));
    }
}
