//! When which record is looked at (pure: moments come in from outside).
//!
//! After a write looks follow at 1, 2, 4 ... 60 seconds' distance; what is not published after a quarter of an hour is looked at every
//! ten minutes. What is published is forgotten: in a steady state nobody is asked anything.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::plan::ObjectName;
use crate::record::Place;

use super::target::Target;

/// The longest distance between looks at a record that was written lately.
const LONGEST: Duration = Duration::from_secs(60);

/// Looks after which it is not expected soon any more, which is after a quarter of an hour.
const SOON: u32 = 20;

/// The distance between looks from then on.
const SLOW: Duration = Duration::from_secs(600);

/// Records that are due so soon are looked at together with those that are due.
const TOGETHER: Duration = Duration::from_millis(250);

/// Records of one zone in one look; the others have the next one.
const IN_ONE_LOOK: usize = 500;

/// Times in a row that nobody could be asked, before the record says so: one lost call is no news.
const SILENCES: u32 = 3;

/// A record that is to be looked at.
#[derive(Clone)]
pub(super) struct Due {
    pub(super) target: Arc<Target>,
    /// When it was written, or first heard of.
    pub(super) begun: Instant,
    /// If nobody can be asked this time, that is told.
    pub(super) tells_silence: bool,
}

/// A record that is being followed.
struct Entry {
    target: Arc<Target>,
    begun: Instant,
    due: Instant,
    looks: u32,
    silences: u32,
}

/// All records of one SolidServer that are followed.
#[derive(Default)]
pub(super) struct Schedule {
    entries: HashMap<ObjectName, Entry>,
}

/// The distance to the next look, after this many.
fn distance(looks: u32) -> Duration {
    match looks {
        SOON.. => SLOW,
        _ => Duration::from_secs(1 << looks.min(6)).min(LONGEST),
    }
}

impl Schedule {
    /// A record was written, or was found not to be published, some time ago. One that is followed already goes on as before, unless
    /// something else was written.
    pub(super) fn follow(&mut self, target: Target, age: Duration, now: Instant) {
        if let Some(entry) = self.entries.get_mut(&target.object)
            && entry.target.is_same_write(&target)
        {
            let timed = entry.target.timed || target.timed;
            entry.target = Arc::new(Target { timed, ..target });
            return;
        }
        let begun = now.checked_sub(age).unwrap_or(now);
        let due = now + distance(0);
        let object = target.object.clone();
        self.entries.insert(object, Entry { target: Arc::new(target), begun, due, looks: 0, silences: 0 });
    }

    /// It is gone, or somebody else's.
    pub(super) fn forget(&mut self, object: &ObjectName) {
        self.entries.remove(object);
    }

    /// Nothing of this very write is left to be followed.
    pub(super) fn finish(&mut self, target: &Target) {
        if self.entries.get(&target.object).is_some_and(|entry| entry.target.is_same_write(target)) {
            self.entries.remove(&target.object);
        }
    }

    /// Nothing of a zone is looked at before then.
    pub(super) fn put_off(&mut self, place: &Place, until: Instant) {
        let theirs = self.entries.values_mut().filter(|entry| entry.target.place == *place);
        theirs.for_each(|entry| entry.due = entry.due.max(until));
    }

    /// Nobody asks any more, or by another measure.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }

    /// When the next look is due, of zones other than these.
    pub(super) fn next(&self, looking: &BTreeSet<Place>) -> Option<Instant> {
        let idle = self.entries.values().filter(|entry| !looking.contains(&entry.target.place));
        idle.map(|entry| entry.due).min()
    }

    /// The zone whose look has been due the longest, but none of these, with the records to look at.
    pub(super) fn due(&self, looking: &BTreeSet<Place>, now: Instant) -> Option<(Place, Vec<Due>)> {
        let mut zones: BTreeMap<Instant, &Place> = BTreeMap::new();
        for entry in self.entries.values() {
            if entry.due <= now && !looking.contains(&entry.target.place) {
                zones.insert(entry.due, &entry.target.place);
            }
        }
        let (_, place) = zones.pop_first()?;
        let theirs = self.entries.values().filter(|entry| entry.target.place == *place);
        let mut entries: Vec<&Entry> = theirs.filter(|entry| entry.due <= now + TOGETHER).collect();
        entries.sort_by(|one, other| (one.due, &one.target.object).cmp(&(other.due, &other.target.object)));
        entries.truncate(IN_ONE_LOOK);
        let due = |entry: &&Entry| Due {
            target: Arc::clone(&entry.target),
            begun: entry.begun,
            tells_silence: entry.silences + 1 >= SILENCES,
        };
        Some((place.clone(), entries.iter().map(due).collect()))
    }

    /// It was looked at and is to be looked at again. `silent`: nobody could be asked.
    pub(super) fn again(&mut self, target: &Target, silent: bool, now: Instant) {
        let Some(entry) = self.entries.get_mut(&target.object) else { return };
        if !entry.target.is_same_write(target) {
            return;
        }
        entry.looks += 1;
        entry.due = now + distance(entry.looks);
        entry.silences = if silent { entry.silences + 1 } else { 0 };
        // It was seen on its way.
        let timed = target.timed || !silent;
        entry.target = Arc::new(Target { timed, ..target.clone() });
    }
}

#[cfg(test)]
mod tests {
    use super::super::target::tests::target;
    use super::*;

    fn at(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    fn names(due: Option<(Place, Vec<Due>)>) -> Vec<String> {
        due.into_iter().flat_map(|(_, due)| due).map(|one| one.target.object.name.to_string()).collect()
    }

    #[test]
    fn looks_become_rarer_and_never_stop() {
        let distances: Vec<u64> = (0..23).map(|looks| distance(looks).as_secs()).collect();
        assert_eq!(distances[..8], [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(distances[19..], [60, 600, 600, 600]);
        assert_eq!(distances[..20].iter().sum::<u64>(), 903);
        assert_eq!(distance(u32::MAX), SLOW);
    }

    #[test]
    fn a_write_is_looked_at_after_a_second_and_what_is_written_anew_begins_anew() {
        let (start, nobody) = (Instant::now(), BTreeSet::new());
        let mut schedule = Schedule::default();
        schedule.follow(target("www", &["192.0.2.1"]), Duration::ZERO, start);
        assert_eq!(schedule.next(&nobody), Some(at(start, 1)));
        assert!(schedule.due(&nobody, start).is_none());
        let (_, looked_at) = schedule.due(&nobody, at(start, 1)).unwrap();
        schedule.again(&looked_at[0].target, false, at(start, 1));
        assert_eq!(schedule.next(&nobody), Some(at(start, 3)));
        // The same again, as each round over the zone brings it.
        schedule.follow(target("www", &["192.0.2.1"]), Duration::from_secs(3), at(start, 2));
        assert_eq!(schedule.next(&nobody), Some(at(start, 3)));
        schedule.follow(target("www", &["192.0.2.2"]), Duration::ZERO, at(start, 2));
        // What comes of a look at the write before says nothing.
        schedule.again(&looked_at[0].target, false, at(start, 9));
        schedule.finish(&looked_at[0].target);
        let (_, due) = schedule.due(&nobody, at(start, 3)).unwrap();
        assert_eq!((due.len(), due[0].begun), (1, at(start, 2)));
        schedule.finish(&due[0].target);
        assert!(schedule.next(&nobody).is_none());
    }

    #[test]
    fn records_of_a_zone_are_looked_at_together_and_a_zone_once_at_a_time() {
        let (start, nobody) = (Instant::now(), BTreeSet::new());
        let mut schedule = Schedule::default();
        for (name, milliseconds) in [("a", 0), ("b", 200), ("c", 900)] {
            let moment = start + Duration::from_millis(milliseconds);
            schedule.follow(target(name, &["192.0.2.1"]), Duration::ZERO, moment);
        }
        let due = schedule.due(&nobody, at(start, 1));
        assert_eq!(names(due), ["a", "b"]);
        let looking = BTreeSet::from([target("a", &[]).place]);
        assert!(schedule.due(&looking, at(start, 9)).is_none() && schedule.next(&looking).is_none());
        for number in 0..2 * IN_ONE_LOOK {
            schedule.follow(target(&format!("n-{number}"), &["192.0.2.1"]), Duration::ZERO, at(start, 2));
        }
        assert_eq!(names(schedule.due(&nobody, at(start, 9))).len(), IN_ONE_LOOK);
    }

    #[test]
    fn silence_is_told_when_it_lasts() {
        let start = Instant::now();
        let mut schedule = Schedule::default();
        let followed = target("www", &["192.0.2.1"]);
        schedule.follow(followed.clone(), Duration::ZERO, start);
        let mut look = |silent| {
            let (_, due) = schedule.due(&BTreeSet::new(), at(start, 3600)).unwrap();
            schedule.again(&followed, silent, start);
            due[0].tells_silence
        };
        assert_eq!([look(true), look(true), look(true)], [false, false, true]);
        assert_eq!([look(false), look(true)], [true, false]);
    }
}
