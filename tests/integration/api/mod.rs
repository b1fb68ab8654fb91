//! The API as kubectl meets it: what is refused and how, what is accepted, what is shown.

mod agreement;
mod definitions;
mod fixed;
mod kubectl;
mod largest;
mod refused;
