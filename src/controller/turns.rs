//! Which zone of an appliance is next when all its passes are running (no IO).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::zones::ZoneKey;
use crate::plan::ObjectName;

/// One turn of so many is that of the zone that has waited longest, so that none waits for ever.
const LONGEST_ONE_IN: u64 = 8;

/// DnsRecords that one slice decides again because their turn has not come yet: twice as many as the last one brought to an end, within
/// these bounds. To decide twenty thousand each time to write some hundred would cost more than the writes.
const PORTION: RangeInclusive<usize> = 200..=2_000;

/// Takes out of `dirty` what the next slice decides: all that it has not decided before, so that the deletion guard sees a wave at once,
/// and of what was left over a portion in which all namespaces have the same share. `ended` is how many the slice before brought to an end.
pub(super) fn portion(
    ended: usize,
    dirty: &mut BTreeSet<ObjectName>,
    left_over: impl Fn(&ObjectName) -> bool,
) -> BTreeSet<ObjectName> {
    portion_of((2 * ended).clamp(*PORTION.start(), *PORTION.end()), dirty, left_over)
}

fn portion_of(
    most: usize,
    dirty: &mut BTreeSet<ObjectName>,
    left_over: impl Fn(&ObjectName) -> bool,
) -> BTreeSet<ObjectName> {
    if dirty.len() <= most {
        return std::mem::take(dirty);
    }
    let (left, mut taken): (BTreeSet<_>, BTreeSet<_>) =
        std::mem::take(dirty).into_iter().partition(|object| left_over(object));
    let mut namespaces: BTreeMap<Arc<str>, VecDeque<ObjectName>> = BTreeMap::new();
    for object in left {
        namespaces.entry(Arc::clone(&object.namespace)).or_default().push_back(object);
    }
    let mut free = most;
    while free > 0 && !namespaces.is_empty() {
        for objects in namespaces.values_mut() {
            if free > 0
                && let Some(object) = objects.pop_front()
            {
                taken.insert(object);
                free -= 1;
            }
        }
        namespaces.retain(|_, objects| !objects.is_empty());
    }
    dirty.extend(namespaces.into_values().flatten());
    taken
}

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

    fn objects(namespace: &str, count: usize) -> impl Iterator<Item = ObjectName> {
        (0..count).map(move |number| ObjectName::new(namespace, format!("r{number:03}").as_str()))
    }

    #[test]
    fn little_is_taken_as_a_whole() {
        let mut dirty: BTreeSet<_> = objects("all", 10).collect();
        assert_eq!(portion_of(10, &mut dirty, |_| true).len(), 10);
        assert!(dirty.is_empty());
    }

    #[test]
    fn of_what_was_left_over_each_namespace_gets_the_same_share_and_nothing_is_lost() {
        let all: BTreeSet<_> =
            objects("all", 100).chain(objects("few", 3)).chain(objects("zoo", 50)).collect();
        let mut dirty = all.clone();
        let first = portion_of(13, &mut dirty, |_| true);
        let share = |namespace: &str| first.iter().filter(|object| &*object.namespace == namespace).count();
        assert_eq!((share("all"), share("few"), share("zoo")), (5, 3, 5));
        let mut seen = first;
        while !dirty.is_empty() {
            let next = portion_of(13, &mut dirty, |_| true);
            assert!(!next.is_empty() && next.len() <= 13 && seen.is_disjoint(&next));
            seen.extend(next);
        }
        assert_eq!(seen, all);
    }

    #[test]
    fn what_was_not_decided_before_is_never_held_back() {
        let mut dirty: BTreeSet<_> = objects("new", 40).chain(objects("old", 40)).collect();
        let taken = portion_of(10, &mut dirty, |object| &*object.namespace == "old");
        assert_eq!(taken.iter().filter(|object| &*object.namespace == "new").count(), 40);
        assert_eq!((taken.len(), dirty.len()), (50, 30));
    }
}
