//! The `/api/v2.0` dialect.

mod lists;
mod trouble;
mod writes;
