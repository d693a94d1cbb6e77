//! What several suites share.

pub mod repos;
