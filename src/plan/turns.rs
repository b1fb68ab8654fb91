//! The order in which decisions are carried out: what people wait for before repairs, and in both the namespaces by turns, so
//! that the few changes of one are not behind the many of another. Of one namespace, what has just changed takes turns with what
//! waits already: a single change is not behind ten thousand, and a stream of changes keeps nobody waiting for ever.

use std::collections::BTreeMap;

use super::{Change, Decision, Motive};

/// Puts decisions, which come in the order in which one namespace's shall be made, into that of turns.
pub(super) fn in_turns(decisions: Vec<Decision>) -> Vec<Decision> {
    let mut counts: BTreeMap<_, usize> = BTreeMap::new();
    let mut placed: Vec<((bool, usize), Decision)> = decisions
        .into_iter()
        .map(|decision| {
            let repair = decision.motive == Motive::Drift;
            // Those with nothing to write cost next to nothing: they take no turn from those with something.
            let namespace = std::sync::Arc::clone(&decision.object.namespace);
            let is_new = decision.steps.changes().all(|change| matches!(change, Change::Add(_)));
            let group = (repair, decision.steps.is_empty(), namespace, decision.left_over, is_new);
            let count = counts.entry(group).or_default();
            *count += 1;
            ((repair, *count), decision)
        })
        .collect();
    // Stable: within a turn the order stays.
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, decision)| decision).collect()
}
