//! What the appliance understands.

pub mod values;
