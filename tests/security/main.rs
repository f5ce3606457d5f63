//! The security matrix, by its ids.

mod codes;
