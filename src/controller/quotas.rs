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
    /// Whether one of them is among the oldest.
    fn admits(&self, member: &(i64, ObjectName)) -> bool {
        self.waiting.len() <= self.limit || self.first_beyond().is_none_or(|first| member < first)
    }

    /// The oldest that is not admitted.
    fn first_beyond(&self) -> Option<&(i64, ObjectName)> {
        // The usual case is that all are admitted, and that costs nothing.
        if self.waiting.len() <= self.limit { None } else { self.waiting.iter().nth(self.limit) }
    }
}

/// What comes of a DnsRecord's being counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Joined {
    /// It is admitted itself.
    pub(super) admitted: bool,
    /// Others to be looked at anew: one that is admitted from now on, and one that no longer is.
    pub(super) others: Vec<ObjectName>,
}

impl Quotas {
    /// Counts a DnsRecord.
    pub(super) fn join(&mut self, share: Share, created: i64, object: &ObjectName, limit: u32) -> Joined {
        let mut others = Vec::new();
        if self.joined.get(object).is_some_and(|(joined, at)| *joined != share || *at != created) {
            others.extend(self.leave(object));
        }
        let members = self.shares.entry(share.clone()).or_default();
        members.limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let member = (created, object.clone());
        let is_new = members.waiting.insert(member.clone());
        let admitted = members.admits(&member);
        if is_new && admitted {
            others.extend(members.first_beyond().map(|(_, displaced)| displaced.clone()));
        }
        self.joined.insert(object.clone(), (share, created));
        Joined { admitted, others }
    }

    /// Whether one more would be admitted now.
    #[must_use]
    pub(super) fn has_room(&self, share: &Share, limit: u32) -> bool {
        let counted = self.shares.get(share).map_or(0, |members| members.waiting.len());
        u32::try_from(counted).is_ok_and(|counted| counted < limit)
    }

    /// Forgets who was counted for a SolidServer: its entries are others now.
    pub(super) fn forget(&mut self, solid_server: &str) {
        self.shares.retain(|share, _| &*share.solid_server != solid_server);
        self.joined.retain(|_, (share, _)| &*share.solid_server != solid_server);
    }

    /// Counts a DnsRecord no more. Returns one that is admitted from now on.
    pub(super) fn leave(&mut self, object: &ObjectName) -> Option<ObjectName> {
        let (share, created) = self.joined.remove(object)?;
        let members = self.shares.get_mut(&share)?;
        let member = (created, object.clone());
        let next = members.first_beyond().cloned();
        members.waiting.remove(&member);
        if members.waiting.is_empty() {
            self.shares.remove(&share);
        }
        next.filter(|next| member < *next).map(|(_, next)| next)
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

    fn joined(admitted: bool, others: &[&str]) -> Joined {
        Joined { admitted, others: others.iter().map(|name| object(name)).collect() }
    }

    #[test]
    fn the_oldest_are_admitted_and_the_next_one_when_one_of_them_goes() {
        let mut quotas = Quotas::default();
        let mut join = |name: &str, created: i64| quotas.join(share(0), created, &object(name), 2);
        assert_eq!(join("second", 2), joined(true, &[]));
        assert_eq!(join("third", 3), joined(true, &[]));
        // An older one that is seen later has the older right.
        assert_eq!(join("first", 1), joined(true, &["third"]));
        assert_eq!(join("third", 3), joined(false, &[]));
        assert_eq!(join("fourth", 4), joined(false, &[]));
        assert_eq!(join("first", 1), joined(true, &[]), "nothing new");
        assert_eq!(quotas.leave(&object("fourth")), None);
        assert_eq!(quotas.leave(&object("first")), Some(object("third")));
        assert_eq!(quotas.leave(&object("first")), None, "it has left already");
        assert_eq!(quotas.join(share(0), 3, &object("third"), 2), joined(true, &[]));
    }

    #[test]
    fn shares_are_counted_apart_and_whoever_changes_makes_room() {
        let mut quotas = Quotas::default();
        assert!(quotas.join(share(0), 1, &object("a"), 1).admitted);
        assert!(!quotas.join(share(0), 2, &object("b"), 1).admitted);
        let other = Share { namespace: "blog".into(), ..share(0) };
        assert!(quotas.join(other, 3, &ObjectName::new("blog", "c"), 1).admitted);
        assert_eq!(quotas.join(share(1), 1, &object("a"), 1), joined(true, &["b"]));
        assert!(quotas.join(share(0), 2, &object("b"), 1).admitted);
        // The same list after its first entry was taken out: nobody is counted twice.
        quotas.forget("default");
        assert_eq!(quotas.join(share(0), 1, &object("a"), 1), joined(true, &[]));
        assert_eq!(quotas.leave(&object("b")), None);
    }

    #[test]
    fn an_object_made_anew_under_its_name_is_as_old_as_it_is() {
        let mut quotas = Quotas::default();
        assert!(quotas.join(share(0), 1, &object("a"), 1).admitted);
        assert!(!quotas.join(share(0), 2, &object("b"), 1).admitted);
        assert_eq!(quotas.join(share(0), 3, &object("a"), 1), joined(false, &["b"]));
        assert!(quotas.join(share(0), 2, &object("b"), 1).admitted);
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
                quotas.join(share(0), created, &object(name), limit).admitted
            })
        };
        assert_eq!(admitted(&mut quotas, 2), [true, true, false]);
        assert_eq!(admitted(&mut quotas, 3), [true, true, true]);
        assert_eq!(admitted(&mut quotas, 0), [false, false, false]);
    }
}
