//! The cases, in the order in which one arrangement runs them: each leaves all records in sync.

mod burst;
mod change;
mod quota;
mod replicas;
mod resync;
mod start;
mod ttl;

pub(crate) use burst::{BURSTS, burst_at_start, burst_live, is_timed};
pub(crate) use change::{Change, one_change};
pub(crate) use quota::quota;
pub(crate) use replicas::replicas;
pub(crate) use resync::{drift, resync};
pub(crate) use start::cold_start;
pub(crate) use ttl::new_ttl;

use super::appliance::Call;

/// From the first reading of records to the end of the last write, in seconds, as the simulator saw it; `None` without a write.
fn from_list_to_last_write(log: &[Call]) -> Option<f64> {
    let first_write = log.iter().find(|call| call.is_write())?;
    let last = log.iter().filter(|call| call.is_write()).filter_map(|call| call.end_ms).max()?;
    let before: Vec<&Call> = log.iter().take_while(|call| call.start_ms <= first_write.start_ms).collect();
    // What there is on the appliance is looked at first; that is not yet the work.
    let looked = before.iter().rposition(|call| call.object != "rr").map_or(0, |place| place + 1);
    let list = before.iter().skip(looked).find(|call| call.operation == "list")?;
    Some(last.saturating_sub(list.start_ms) as f64 / 1000.0)
}
