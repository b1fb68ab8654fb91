//! The `/api/v2.0` dialect.

mod containers;
mod lists;
mod trouble;
mod writes;
