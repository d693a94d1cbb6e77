//! One of the forges there are.

use super::{Forge, ForgeError, Found, KnownAs, SearchOutcome, SearchQuery};
use crate::model::{ForgeRepository, RateLimit};

/// One of the forges there are.
pub enum AnyForge {}

impl Forge for AnyForge {
    fn host(&self) -> &str {
        match *self {}
    }

    async fn search(
        &self,
        _query: &SearchQuery,
        _visit: &mut (dyn FnMut(Vec<ForgeRepository>) + Send),
    ) -> Result<SearchOutcome, ForgeError> {
        match *self {}
    }

    async fn repositories(&self, _ids: &[KnownAs]) -> Result<Vec<Found>, ForgeError> {
        match *self {}
    }

    fn batch_size(&self) -> usize {
        match *self {}
    }

    async fn repository(&self, _full_name: &str) -> Result<Found, ForgeError> {
        match *self {}
    }

    fn rate_limits(&self) -> Vec<RateLimit> {
        match *self {}
    }
}
