//! Which zone of an appliance is next when all its passes are running (no IO).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::zones::ZoneKey;

/// One turn of so many is that of the zone that has waited longest, so that none waits for ever.
const LONGEST_ONE_IN: u64 = 8;

/// Zones that are due but wait for one of their appliance's passes to end. Those with changes that people wait for go before those
/// that are only looked at, and among them the one whose namespaces have had no turn for the longest time.
#[derive(Default)]
pub(super) struct Turns {
    waiting: VecDeque<ZoneKey>,
    /// The turn that each namespace had last.
    served: BTreeMap<Arc<str>, u64>,
    count: u64,
}

impl Turns {
    /// A zone has to wait. It must not be among those that do already.
    pub(super) fn wait(&mut self, zone: ZoneKey) {
        self.waiting.push_back(zone);
    }

    /// A zone begins that serves these namespaces.
    pub(super) fn serve(&mut self, namespaces: BTreeSet<Arc<str>>) {
        self.count += 1;
        self.served.extend(namespaces.into_iter().map(|namespace| (namespace, self.count)));
    }

    /// Takes the zone out whose turn it is. `wants` tells the namespaces with changes in a zone that people wait for.
    pub(super) fn next(&mut self, wants: impl Fn(&ZoneKey) -> BTreeSet<Arc<str>>) -> Option<ZoneKey> {
        let served = |namespace: &Arc<str>| self.served.get(namespace).copied().unwrap_or_default();
        let longest = self.count % LONGEST_ONE_IN == LONGEST_ONE_IN - 1;
        let place = match longest {
            true => None,
            false => {
                let waited = self.waiting.iter().enumerate();
                let waited =
                    waited.filter_map(|(place, zone)| Some((wants(zone).iter().map(served).min()?, place)));
                waited.min().map(|(_, place)| place)
            }
        };
        self.waiting.remove(place.unwrap_or_default())
    }

    /// All that wait, for an appliance that is not worked on any more.
    pub(super) fn into_waiting(self) -> impl Iterator<Item = ZoneKey> {
        self.waiting.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Name, Place};

    fn zone(name: &str) -> ZoneKey {
        let place = Place { server: "ns.example.com".into(), view: None, zone: Name::parse(name).unwrap() };
        ZoneKey { solid_server: "default".into(), place }
    }

    /// The first letters of a zone's name are those whose changes are in it: `all3.example.com` is of `all`, and `0` of nobody.
    fn wants(zone: &ZoneKey) -> BTreeSet<Arc<str>> {
        let label = zone.place.zone.as_str().split('.').next().unwrap().trim_end_matches(char::is_numeric);
        if label.is_empty() { BTreeSet::new() } else { BTreeSet::from([label.into()]) }
    }

    fn order(turns: &mut Turns, most: usize) -> Vec<String> {
        let mut order = Vec::new();
        while let Some(zone) = turns.next(wants).filter(|_| order.len() < most) {
            turns.serve(wants(&zone));
            order.push(zone.place.zone.as_str().split('.').next().unwrap().to_owned());
        }
        order
    }

    #[test]
    fn a_zone_of_one_namespace_does_not_wait_for_all_of_another() {
        let mut turns = Turns::default();
        for number in 0..100 {
            turns.wait(zone(&format!("all{number}.example.com")));
        }
        turns.serve(BTreeSet::from(["all".into()]));
        turns.wait(zone("zoo1.example.com"));
        turns.wait(zone("zoo2.example.com"));
        assert_eq!(order(&mut turns, 5), ["zoo1", "all0", "zoo2", "all1", "all2"]);
    }

    #[test]
    fn zones_that_are_only_looked_at_come_last_but_come() {
        let mut turns = Turns::default();
        turns.wait(zone("0.example.com"));
        for number in 0..20 {
            turns.wait(zone(&format!("all{number}.example.com")));
        }
        let order = order(&mut turns, 21);
        assert_eq!(order.iter().position(|zone| zone == "0"), Some(7), "{order:?}");
        assert_eq!(order.len(), 21);
    }
}
