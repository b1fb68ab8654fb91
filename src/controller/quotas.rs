//! How many DnsRecords of a namespace an entry of `spec.zones` admits, and which (no IO).

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::plan::ObjectName;

/// What is counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Share {
    /// The SolidServer.
    pub(super) solid_server: Arc<str>,
    /// The namespace.
    pub(super) namespace: Arc<str>,
    /// The entry's place in the list.
    pub(super) entry: usize,
}

/// DnsRecords under entries with a limit. The oldest are the ones admitted.
#[derive(Default)]
pub(super) struct Quotas {
    shares: HashMap<Share, Members>,
    joined: HashMap<ObjectName, (Share, i64)>,
}

#[derive(Default)]
struct Members {
    /// By age, then by name.
    waiting: BTreeSet<(i64, ObjectName)>,
    limit: usize,
}

impl Members {
    /// The youngest that is admitted.
    fn last_admitted(&self) -> Option<&(i64, ObjectName)> {
        self.waiting.iter().nth(self.limit.checked_sub(1)?)
    }
}

impl Quotas {
    /// Counts a DnsRecord. Returns whether it is admitted, and one that is so from now on because this one left another share.
    pub(super) fn join(
        &mut self,
        share: Share,
        created: i64,
        object: &ObjectName,
        limit: u32,
    ) -> (bool, Option<ObjectName>) {
        let mut freed = None;
        if self.joined.get(object).is_some_and(|(joined, _)| *joined != share) {
            freed = self.leave(object);
        }
        let members = self.shares.entry(share.clone()).or_default();
        members.limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let member = (created, object.clone());
        members.waiting.insert(member.clone());
        self.joined.insert(object.clone(), (share, created));
        let admitted = members.waiting.len() <= members.limit
            || members.last_admitted().is_some_and(|last| member <= *last);
        (admitted, freed)
    }

    /// Counts a DnsRecord no more. Returns one that is admitted from now on.
    pub(super) fn leave(&mut self, object: &ObjectName) -> Option<ObjectName> {
        let (share, created) = self.joined.remove(object)?;
        let members = self.shares.get_mut(&share)?;
        let member = (created, object.clone());
        let was_admitted = members.last_admitted().is_none_or(|last| member <= *last);
        members.waiting.remove(&member);
        let next = members.last_admitted().map(|(_, next)| next.clone());
        if members.waiting.is_empty() {
            self.shares.remove(&share);
        }
        next.filter(|_| was_admitted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(entry: usize) -> Share {
        Share { solid_server: "default".into(), namespace: "shop".into(), entry }
    }

    fn object(name: &str) -> ObjectName {
        ObjectName::new("shop", name)
    }

    #[test]
    fn the_oldest_are_admitted_and_the_next_one_when_one_of_them_goes() {
        let mut quotas = Quotas::default();
        let mut join = |name: &str, created: i64| quotas.join(share(0), created, &object(name), 2);
        assert_eq!(join("second", 2), (true, None));
        assert_eq!(join("third", 3), (true, None));
        // An older one that is seen later has the older right.
        assert_eq!(join("first", 1), (true, None));
        assert_eq!(join("third", 3), (false, None));
        assert_eq!(join("fourth", 4), (false, None));
        assert_eq!(quotas.leave(&object("fourth")), None);
        assert_eq!(quotas.leave(&object("first")), Some(object("third")));
        assert_eq!(quotas.join(share(0), 3, &object("third"), 2), (true, None));
    }

    #[test]
    fn shares_are_counted_apart_and_whoever_changes_makes_room() {
        let mut quotas = Quotas::default();
        assert!(quotas.join(share(0), 1, &object("a"), 1).0);
        assert!(!quotas.join(share(0), 2, &object("b"), 1).0);
        let other = Share { namespace: "blog".into(), ..share(0) };
        assert!(quotas.join(other, 3, &ObjectName::new("blog", "c"), 1).0);
        assert_eq!(quotas.join(share(1), 1, &object("a"), 1), (true, Some(object("b"))));
        assert!(quotas.join(share(0), 2, &object("b"), 1).0);
    }

    #[test]
    fn a_limit_that_is_raised_or_lowered_counts_for_all() {
        let mut quotas = Quotas::default();
        for (name, created) in [("a", 1), ("b", 2), ("c", 3)] {
            quotas.join(share(0), created, &object(name), 1);
        }
        let admitted = |quotas: &mut Quotas, limit: u32| {
            ["a", "b", "c"].map(|name| {
                let created = i64::from(name.as_bytes()[0]) - 96;
                quotas.join(share(0), created, &object(name), limit).0
            })
        };
        assert_eq!(admitted(&mut quotas, 2), [true, true, false]);
        assert_eq!(admitted(&mut quotas, 3), [true, true, true]);
        assert_eq!(admitted(&mut quotas, 0), [false, false, false]);
    }
}
