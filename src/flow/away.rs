//! What a flow remembers of a browser that is at somebody else's.

use serde::{Deserialize, Serialize};

use crate::seal::Tag;

/// A departure: whoever comes back from it must bring what belongs to it. A later one takes its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Away {
    /// The word of the method that the browser left for.
    #[serde(rename = "m")]
    pub(crate) method: String,
    /// Which departure it is.
    #[serde(rename = "t")]
    pub(crate) trip: [u8; 16],
    /// The digest of the secret in the cookie of the browser that left. A native client's browser has none.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub(crate) bound: Option<Tag>,
}
