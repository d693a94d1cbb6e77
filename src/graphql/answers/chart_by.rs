//! Which chart an answer is about.

use async_graphql::{Error, OneofObject};

use crate::graphql::error::bad_input;
use crate::graphql::trend::own;
use crate::store::query::aggregate::{ChartField, Charts};
use crate::store::query::{Filter, Operator};

/// What a chart is asked for by.
#[derive(OneofObject, Clone, Debug)]
pub enum ChartBy {
    /// Its identity: `ghcr.io/bjw-s-labs/helm/app-template`.
    Chart(String),
    /// Its name, whatever its source: `app-template`.
    Name(String),
}

impl ChartBy {
    /// What it is asked for by.
    pub const fn field(&self) -> ChartField {
        match self {
            Self::Chart(_) => ChartField::Chart,
            Self::Name(_) => ChartField::Name,
        }
    }

    /// The releases that ever installed it, without patches and vendored files.
    ///
    /// # Errors
    /// An empty text, which names no chart.
    pub fn history(&self) -> Result<Filter<ChartField>, Error> {
        self.add_to(own::<Charts>())
    }

    /// The releases that install it, of those that install anything now.
    ///
    /// # Errors
    /// An empty text, which names no chart.
    pub fn installed(&self) -> Result<Filter<ChartField>, Error> {
        self.add_to(Filter::default())
    }

    fn add_to(&self, filter: Filter<ChartField>) -> Result<Filter<ChartField>, Error> {
        let (Self::Chart(text) | Self::Name(text)) = self;
        if text.is_empty() {
            return Err(bad_input("a chart is asked for by its identity or its name, not by an empty text"));
        }
        Ok(filter.and(self.field(), Operator::In(vec![text.clone()])))
    }
}
