//! What is remembered of DnsRecords that others are made for (no IO): which those are, when they are looked at, and what was told.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::api::children::parent_of;
use crate::api::{DnsRecord, DnsRecordSpec};
use crate::plan::ObjectName;

/// How often a child is given its spec again before others are left their way for a while.
const PUT_BACK_AT_MOST: u32 = 5;

/// For how long, and after how much quiet the count begins anew.
const LEFT_ALONE: Duration = Duration::from_secs(600);

/// How long a child that was created may stay unseen. Longer than any watch is behind.
const UNSEEN: Duration = Duration::from_secs(30);

/// Why a child is not made, or not as it shall be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Withheld {
    /// It would have no place: no reverse zone, or none that the namespace may write.
    NotCreated,
    /// The appliance makes the PTR record by itself.
    FilledByAppliance,
    /// Another object has its name.
    NameTaken,
    /// Somebody changes it again and again.
    Contested,
    /// The API server does not take it.
    Failed,
}

impl Withheld {
    /// All of them.
    pub(super) const ALL: [Self; 5] =
        [Self::NotCreated, Self::FilledByAppliance, Self::NameTaken, Self::Contested, Self::Failed];

    /// The reason of the Event on the parent.
    #[must_use]
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::NotCreated => "PtrNotCreated",
            Self::FilledByAppliance => "PtrFilledByAppliance",
            Self::NameTaken => "PtrNameTaken",
            Self::Contested => "PtrContested",
            Self::Failed => "PtrFailed",
        }
    }

    /// The label in metrics.
    #[must_use]
    pub(super) const fn cause(self) -> &'static str {
        match self {
            Self::NotCreated => "not_created",
            Self::FilledByAppliance => "filled_by_appliance",
            Self::NameTaken => "name_taken",
            Self::Contested => "contested",
            Self::Failed => "failed",
        }
    }
}

/// One DnsRecord and those that are made for it.
#[derive(Default)]
pub(super) struct Family {
    /// Those that name it as their parent, or one of its name that was there before it.
    pub(super) children: BTreeSet<ObjectName>,
    /// Tries since the last one that went well.
    pub(super) attempts: u32,
    /// Whether the appliance was looked at for a reverse zone that may be new.
    pub(super) looked: bool,
    /// Its steps are being taken.
    running: bool,
    /// It is to be looked at again after that.
    again: bool,
    /// Children that were created, until the watch shows them.
    created: BTreeMap<ObjectName, Instant>,
    /// What was told of children.
    told: BTreeMap<ObjectName, (Withheld, String)>,
    /// Children that had to be given their spec.
    put_back: BTreeMap<ObjectName, PutBack>,
}

struct PutBack {
    spec: Box<DnsRecordSpec>,
    times: u32,
    last: Instant,
}

impl Family {
    /// Whether this child was created and not seen yet.
    #[must_use]
    pub(super) fn awaits(&self, child: &ObjectName, now: Instant) -> bool {
        self.created.get(child).is_some_and(|at| now.duration_since(*at) < UNSEEN)
    }

    /// A child was created.
    pub(super) fn created(&mut self, child: ObjectName, now: Instant) {
        self.created.insert(child, now);
    }

    /// Until when somebody is left their way with a child that was given this spec often enough.
    #[must_use]
    pub(super) fn left_alone_until(
        &self,
        child: &ObjectName,
        spec: &DnsRecordSpec,
        now: Instant,
    ) -> Option<Instant> {
        let before = self.put_back.get(child).filter(|before| *before.spec == *spec)?;
        let until = before.last + LEFT_ALONE;
        (before.times >= PUT_BACK_AT_MOST && now < until).then_some(until)
    }

    /// A child was given this spec.
    pub(super) fn put_back(&mut self, child: &ObjectName, spec: Box<DnsRecordSpec>, now: Instant) {
        let before = self.put_back.remove(child).filter(|before| before.spec == spec);
        let times =
            before.filter(|before| now < before.last + LEFT_ALONE).map_or(0, |before| before.times) + 1;
        self.put_back.insert(child.clone(), PutBack { spec, times, last: now });
    }

    /// Remembers what there is to tell of a child; false when it was told before.
    #[must_use]
    pub(super) fn tell(&mut self, child: &ObjectName, why: Withheld, note: &str) -> bool {
        let same = |(before, words): &(Withheld, String)| *before == why && words == note;
        if self.told.get(child).is_some_and(same) {
            return false;
        }
        self.told.insert(child.clone(), (why, note.to_owned()));
        true
    }

    /// There is nothing more to tell of any but these.
    pub(super) fn told_only(&mut self, children: &BTreeSet<ObjectName>) {
        self.told.retain(|child, _| children.contains(child));
    }

    /// Whether any child is withheld.
    #[must_use]
    pub(super) fn is_withheld_something(&self) -> bool {
        !self.told.is_empty()
    }

    /// How many children are withheld for a cause.
    #[must_use]
    pub(super) fn withheld(&self, cause: Withheld) -> usize {
        self.told.values().filter(|(why, _)| *why == cause).count()
    }
}

/// All of them.
#[derive(Default)]
pub(super) struct Families {
    /// By the DnsRecord that asks for children, or once had some.
    families: HashMap<ObjectName, Family>,
    /// By child, or by whatever has a child's name: whose it is.
    parents: HashMap<ObjectName, ObjectName>,
    due: BTreeSet<ObjectName>,
    later: BTreeMap<ObjectName, Instant>,
}

impl Families {
    /// An object was applied, or listed; `news` says that its spec is another one, or that it is being deleted.
    pub(super) fn see(&mut self, object: &ObjectName, record: &DnsRecord, news: bool) {
        let parent = parent_of(record).map(|owner| ObjectName {
            namespace: Arc::clone(&object.namespace),
            name: owner.name.as_str().into(),
        });
        let before = self.parents.get(object).cloned();
        if before != parent {
            self.leave(object);
        }
        if let Some(parent) = parent {
            let family = self.families.entry(parent.clone()).or_default();
            family.created.remove(object);
            if family.children.insert(object.clone()) || news {
                self.due.insert(parent.clone());
            }
            self.parents.insert(object.clone(), parent);
        }
        // What is said of it, which children follow from, comes without news.
        if record.spec.ptr.is_some() {
            self.families.entry(object.clone()).or_default();
        }
        self.look_at(object);
    }

    /// An object is gone.
    pub(super) fn forget(&mut self, object: &ObjectName) {
        self.leave(object);
        self.later.remove(object);
        if let Some(family) = self.families.get_mut(object) {
            // Its children are still there until somebody collects them; what comes of its name is another one.
            let (children, running) = (std::mem::take(&mut family.children), family.running);
            *family = Family { children, running, ..Family::default() };
            self.drop_if_empty(object);
        }
    }

    /// An object is no child any more.
    fn leave(&mut self, object: &ObjectName) {
        let Some(parent) = self.parents.remove(object) else { return };
        if let Some(family) = self.families.get_mut(&parent) {
            family.children.remove(object);
            family.created.remove(object);
            self.due.insert(parent);
        }
    }

    /// Another object has the name of a child: when something happens to that, its family is looked at.
    pub(super) fn taken(&mut self, child: ObjectName, parent: &ObjectName) {
        self.parents.insert(child, parent.clone());
    }

    /// A family is looked at soon.
    pub(super) fn look_at(&mut self, parent: &ObjectName) {
        if self.families.contains_key(parent) {
            self.due.insert(parent.clone());
        }
    }

    /// The same for all for which that holds.
    pub(super) fn look_at_those(&mut self, holds: impl Fn(&ObjectName) -> bool) {
        self.due.extend(self.families.keys().filter(|parent| holds(parent)).cloned());
    }

    /// A family is looked at then, or before.
    pub(super) fn look_at_later(&mut self, parent: &ObjectName, at: Instant) {
        let next = self.later.entry(parent.clone()).or_insert(at);
        *next = at.min(*next);
    }

    /// Those whose time has come are due.
    pub(super) fn wake(&mut self, now: Instant) {
        let due: Vec<ObjectName> =
            self.later.iter().filter(|(_, at)| **at <= now).map(|(parent, _)| parent.clone()).collect();
        for parent in due {
            self.later.remove(&parent);
            self.look_at(&parent);
        }
    }

    /// Whether any is due.
    #[must_use]
    pub(super) fn is_due(&self) -> bool {
        !self.due.is_empty()
    }

    /// The next family to look at. One whose steps are being taken comes again after that.
    pub(super) fn next(&mut self) -> Option<ObjectName> {
        while let Some(parent) = self.due.pop_first() {
            match self.families.get_mut(&parent) {
                Some(family) if family.running => family.again = true,
                Some(_) => return Some(parent),
                None => {}
            }
        }
        None
    }

    /// A family.
    #[must_use]
    pub(super) fn get(&self, parent: &ObjectName) -> Option<&Family> {
        self.families.get(parent)
    }

    /// The same, to be changed.
    pub(super) fn get_mut(&mut self, parent: &ObjectName) -> Option<&mut Family> {
        self.families.get_mut(parent)
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&ObjectName, &Family)> {
        self.families.iter()
    }

    /// Its steps are being taken.
    pub(super) fn begin(&mut self, parent: &ObjectName) {
        if let Some(family) = self.families.get_mut(parent) {
            family.running = true;
        }
    }

    /// Its steps were taken.
    pub(super) fn end(&mut self, parent: &ObjectName) {
        let Some(family) = self.families.get_mut(parent) else { return };
        family.running = false;
        if std::mem::take(&mut family.again) {
            self.due.insert(parent.clone());
        }
    }

    /// Nothing needs to be remembered of a DnsRecord that asks for no children and has none.
    pub(super) fn drop_if_empty(&mut self, parent: &ObjectName) {
        let empty = |family: &Family| family.children.is_empty() && !family.running;
        if self.families.get(parent).is_some_and(empty) {
            self.families.remove(parent);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(name: &str) -> ObjectName {
        ObjectName::new("shop", name)
    }

    fn record(name: &str, ptr: bool, parent: Option<&str>) -> DnsRecord {
        let owners: Vec<_> = parent
            .iter()
            .map(|name| json!({"apiVersion": "solidserver.dev/v1alpha1", "kind": "DnsRecord", "name": name, "uid": "u-1", "controller": true}))
            .collect();
        let mut record = json!({
            "apiVersion": "solidserver.dev/v1alpha1", "kind": "DnsRecord",
            "metadata": {"name": name, "namespace": "shop", "ownerReferences": owners},
            "spec": {"fqdn": "www.example.com", "type": "A", "values": ["192.0.2.1"]},
        });
        if ptr {
            record["spec"]["ptr"] = "Managed".into();
        }
        serde_json::from_value(record).unwrap()
    }

    fn due(families: &mut Families) -> Vec<String> {
        std::iter::from_fn(|| families.next()).map(|parent| parent.name.to_string()).collect()
    }

    #[test]
    fn a_family_is_looked_at_when_something_happens_to_one_of_it_and_others_are_not() {
        let mut families = Families::default();
        families.see(&object("other"), &record("other", false, None), true);
        assert!(!families.is_due());
        families.see(&object("www"), &record("www", true, None), true);
        assert_eq!(due(&mut families), ["www"]);
        let child = record("child", false, Some("www"));
        families.see(&object("child"), &child, true);
        assert_eq!(due(&mut families), ["www"]);
        // Its status alone is nothing to its parent; the parent's own is.
        families.see(&object("child"), &child, false);
        assert_eq!(due(&mut families), [""; 0]);
        families.see(&object("www"), &record("www", true, None), false);
        assert_eq!(due(&mut families), ["www"]);
        families.see(&object("child"), &child, true);
        assert_eq!(due(&mut families), ["www"]);
        // A child that somebody made an orphan, and one that is gone.
        families.see(&object("child"), &record("child", false, None), false);
        assert_eq!(due(&mut families), ["www"]);
        families.see(&object("child"), &child, false);
        families.forget(&object("child"));
        assert_eq!(due(&mut families), ["www"]);
        assert!(families.get(&object("www")).unwrap().children.is_empty());
        // Whatever stands in a child's place.
        families.taken(object("squatter"), &object("www"));
        families.forget(&object("squatter"));
        assert_eq!(due(&mut families), ["www"]);
        families.look_at_those(|parent| *parent.namespace == *"elsewhere");
        assert!(!families.is_due());
        families.look_at_those(|parent| *parent.namespace == *"shop");
        assert_eq!(due(&mut families), ["www"]);
    }

    #[test]
    fn children_are_remembered_longer_than_their_parent() {
        let mut families = Families::default();
        families.see(&object("child"), &record("child", false, Some("www")), true);
        families.see(&object("www"), &record("www", true, None), true);
        families.forget(&object("www"));
        assert_eq!(families.get(&object("www")).unwrap().children.len(), 1);
        families.forget(&object("child"));
        families.drop_if_empty(&object("www"));
        assert!(families.get(&object("www")).is_none());
    }

    #[test]
    fn one_at_work_comes_again_afterwards() {
        let mut families = Families::default();
        families.see(&object("www"), &record("www", true, None), true);
        assert_eq!(due(&mut families), ["www"]);
        families.begin(&object("www"));
        families.look_at(&object("www"));
        assert_eq!(due(&mut families), [""; 0]);
        families.end(&object("www"));
        assert_eq!(due(&mut families), ["www"]);
        families.begin(&object("www"));
        families.end(&object("www"));
        assert_eq!(due(&mut families), [""; 0]);
    }

    #[test]
    fn whoever_changes_a_child_again_and_again_is_left_alone_for_a_while() {
        let (mut family, child, now) = (Family::default(), object("child"), Instant::now());
        let spec = Box::new(record("child", false, None).spec);
        let other = Box::new(DnsRecordSpec { ttl: Some(1), ..(*spec).clone() });
        for time in 0..PUT_BACK_AT_MOST {
            assert_eq!(family.left_alone_until(&child, &spec, now), None, "{time}");
            family.put_back(&child, spec.clone(), now);
        }
        assert_eq!(family.left_alone_until(&child, &spec, now), Some(now + LEFT_ALONE));
        // What its parent asks for anew is no quarrel.
        assert_eq!(family.left_alone_until(&child, &other, now), None);
        let later = now + LEFT_ALONE;
        assert_eq!(family.left_alone_until(&child, &spec, later), None);
        family.put_back(&child, spec.clone(), later);
        assert_eq!(family.left_alone_until(&child, &spec, later), None);
    }

    #[test]
    fn what_is_told_is_told_once() {
        let (mut family, child) = (Family::default(), object("child"));
        assert!(family.tell(&child, Withheld::NotCreated, "no zone"));
        assert!(!family.tell(&child, Withheld::NotCreated, "no zone"));
        assert!(family.tell(&child, Withheld::NotCreated, "not delegated"));
        assert!(family.tell(&child, Withheld::NameTaken, "not delegated"));
        assert_eq!(Withheld::ALL.map(|cause| family.withheld(cause)), [0, 0, 1, 0, 0]);
        family.told_only(&BTreeSet::new());
        assert!(family.tell(&child, Withheld::NameTaken, "not delegated"));
    }
}
