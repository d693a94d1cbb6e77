//! The two places where ClickHouse can run, and tests that run on both.

/// Who keeps ClickHouse running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hosting {
    /// The program itself.
    Embedded,
    /// A server, which [`super::external::TestClickHouse`] stands for.
    External,
}

/// Makes two tests of each listed function that takes a [`Hosting`]: `name::embedded` and `name::external`.
macro_rules! on_both_hostings {
    (async $($test:ident)*) => {$(
        mod $test {
            use crate::support::hosting::Hosting;

            #[tokio::test]
            async fn embedded() {
                super::$test(Hosting::Embedded).await;
            }

            #[tokio::test]
            async fn external() {
                super::$test(Hosting::External).await;
            }
        }
    )*};
    ($($test:ident)*) => {$(
        mod $test {
            use crate::support::hosting::Hosting;

            #[test]
            fn embedded() {
                super::$test(Hosting::Embedded);
            }

            #[test]
            fn external() {
                super::$test(Hosting::External);
            }
        }
    )*};
}

pub(crate) use on_both_hostings;
