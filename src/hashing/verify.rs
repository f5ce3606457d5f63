//! Checking a password against a stored hash: what a host's sign-in calls.

use argon2::{Algorithm, Argon2, Params, Version};
use password_hash::phc::PasswordHash;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

/// The largest cost that a stored hash may ask for: a hash from elsewhere must not be a memory bomb.
pub(super) const MOST_MEMORY_KIB: u32 = 256 * 1024;
pub(super) const MOST_PASSES: u32 = 16;
pub(super) const MOST_LANES: u32 = 16;
const LONGEST_PHC: usize = 512;

/// Whether a password is the one behind a PHC string, such as `$argon2id$v=19$m=19456,t=2,p=1$…$…`.
///
/// This computes a hash on the calling thread and takes its time and memory: call it from a thread for such work, not
/// from an async task.
///
/// # Errors
///
/// [`VerifyError`] when the string is no argon2 hash, or asks for more than 256 MiB, 16 passes or 16 lanes. Nothing is
/// allocated before that is known.
///
/// ```
/// use tower_registration::hashing::verify;
///
/// let stored = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$\
///               5Vfjg8vGzX6B3ZB5tDYuvJ0C0H6CF1m0jmlyKdQ7Z1k";
/// assert_eq!(verify(stored, &"not this one".into())?, false);
/// # Ok::<(), tower_registration::hashing::VerifyError>(())
/// ```
pub fn verify(phc: &str, password: &SecretString) -> Result<bool, VerifyError> {
    if phc.len() > LONGEST_PHC {
        return Err(VerifyError::Malformed);
    }
    let parsed = PasswordHash::new(phc).map_err(|_| VerifyError::Malformed)?;
    let algorithm = Algorithm::try_from(parsed.algorithm.as_str()).map_err(|_| VerifyError::Algorithm)?;
    let version = match parsed.version {
        Some(version) => Version::try_from(version).map_err(|_| VerifyError::Algorithm)?,
        None => Version::V0x10,
    };
    let params = Params::try_from(&parsed).map_err(|_| VerifyError::Malformed)?;
    if params.m_cost() > MOST_MEMORY_KIB || params.t_cost() > MOST_PASSES || params.p_cost() > MOST_LANES {
        return Err(VerifyError::TooCostly);
    }
    let (Some(salt), Some(expected)) = (&parsed.salt, &parsed.hash) else { return Err(VerifyError::Malformed) };
    let mut out = vec![0; expected.len()];
    Argon2::new(algorithm, version, params)
        .hash_password_into(password.expose_secret().as_bytes(), salt.as_ref(), &mut out)
        .map_err(|_| VerifyError::Malformed)?;
    Ok(out.ct_eq(expected.as_ref()).into())
}

/// A stored hash cannot be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// It is no PHC string, or one that lacks a part.
    #[error("the stored hash is no PHC string")]
    Malformed,
    /// It was made by another algorithm than argon2.
    #[error("the stored hash was made by another algorithm than argon2")]
    Algorithm,
    /// It asks for more memory or time than is given.
    #[error("the stored hash asks for more memory or time than is given")]
    TooCostly,
}
