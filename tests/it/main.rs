//! Integration tests, one binary: it is linked once.

mod tidy;
