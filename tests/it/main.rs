//! Integration tests, one binary: it is linked once.

mod graphql;
mod support;
mod tidy;
