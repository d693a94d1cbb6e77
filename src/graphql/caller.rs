//! Who asks, and what this process can do for them.

use async_graphql::{Context, Error};

use super::error::{Code, error};
use crate::jobs::Service;

/// Who sent a request. There are no accounts yet: whoever is at this machine may change things, nobody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Somebody at this machine.
    Local,
    /// Somebody who may only read; the reason completes "mutations are accepted from this machine only: ".
    Reader(&'static str),
}

/// The writing half.
///
/// # Errors
/// `UNAVAILABLE` in a process that runs no jobs.
pub fn service<'c>(context: &Context<'c>) -> Result<&'c Service, Error> {
    let service = context.data::<Option<Service>>()?.as_ref();
    service.ok_or_else(|| {
        let message = "this process runs no jobs: ask a server that does (`kubestats serve`), at its /graphql";
        error(Code::Unavailable, message)
    })
}

/// The writing half, for a caller who may use it.
///
/// # Errors
/// `FORBIDDEN` for everybody who is not at this machine, and `UNAVAILABLE`.
pub fn changing<'c>(context: &Context<'c>) -> Result<&'c Service, Error> {
    let refused =
        |reason: &str| error(Code::Forbidden, format!("mutations are accepted from this machine only: {reason}"));
    match context.data_opt::<Caller>() {
        Some(Caller::Local) => service(context),
        Some(Caller::Reader(reason)) => Err(refused(reason)),
        None => service(context).and(Err(refused("who sent this one is not known"))),
    }
}
