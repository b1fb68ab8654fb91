//! The deletion guard's windows: how many RRsets each zone has lost lately (no IO). Kept in the SolidServer's status, so that the count
//! survives a restart and a change of leader.
//!
//! A loss is written down before it happens, and is over a little later: at most a tenth of the window and the time of a few calls, after
//! which it is counted anew. It counts for so much longer than the window, so that no window whatever sees more than the allowance.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::{DeletionWindowEntry, SolidServerStatus, ZoneStatus};

/// The time of a few calls, and the fraction of a second that a status does not keep.
const SLACK: Duration = Duration::from_secs(5);

/// Losses within this part of the window are one entry, so that a status stays small.
const ENTRIES: u32 = 100;

/// Server, view and zone, as a status spells them.
type Key = (String, Option<String>, String);

/// Losses by zone, newest last.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Windows {
    zones: BTreeMap<Key, Vec<DeletionWindowEntry>>,
}

fn key(zone: &ZoneStatus) -> Key {
    (zone.server.clone(), zone.view.clone(), zone.name.clone())
}

impl Windows {
    /// What a status remembers.
    pub(super) fn restored(status: &SolidServerStatus) -> Self {
        let zones = status.zones.iter().filter(|zone| !zone.deletions.is_empty());
        Self { zones: zones.map(|zone| (key(zone), zone.deletions.clone())).collect() }
    }

    /// Losses of a zone within the window before `now`. Older ones are forgotten; one that seems to lie ahead counts, since a clock
    /// that was put back is no reason to delete more.
    pub(super) fn count(&mut self, zone: &ZoneStatus, window: Duration, now: Timestamp) -> usize {
        let Some(entries) = self.zones.get_mut(&key(zone)) else { return 0 };
        entries.retain(|entry| {
            let age = now.as_duration().saturating_sub(entry.time.0.as_duration());
            age.is_negative() || age.unsigned_abs() < window + window / 10 + SLACK
        });
        let count = entries.iter().map(|entry| entry.count as usize).sum();
        if entries.is_empty() {
            self.zones.remove(&key(zone));
        }
        count
    }

    /// Writes losses down.
    pub(super) fn note(&mut self, zone: &ZoneStatus, count: usize, window: Duration, now: Timestamp) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let step = i64::try_from((window / ENTRIES).as_secs()).unwrap_or(1).max(1);
        // Later than it is rather than earlier: it counts for longer then.
        let second = now.as_second().saturating_add(step) / step * step;
        let time = Time(Timestamp::from_second(second).unwrap_or(now));
        let entries = self.zones.entry(key(zone)).or_default();
        match entries.iter_mut().find(|entry| entry.time == time) {
            Some(entry) => entry.count = entry.count.saturating_add(count),
            None => entries.push(DeletionWindowEntry { time, count }),
        }
    }

    /// Puts the windows into a status: zones that are not listed there, but have lost something lately, are added.
    pub(super) fn write_into(&self, zones: &mut Vec<ZoneStatus>) {
        let mut rest = self.zones.clone();
        for zone in zones.iter_mut() {
            zone.deletions = rest.remove(&key(zone)).unwrap_or_default();
        }
        for ((server, view, name), deletions) in rest {
            zones.push(ZoneStatus { name, server, view, records: 0, deletions });
        }
        zones.sort_by(|left, right| {
            (&left.server, &left.view, &left.name).cmp(&(&right.server, &right.view, &right.name))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(600);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    fn zone(name: &str) -> ZoneStatus {
        ZoneStatus {
            name: name.to_owned(),
            server: "ns.test".to_owned(),
            view: None,
            records: 5,
            deletions: Vec::new(),
        }
    }

    #[test]
    fn losses_count_for_a_little_longer_than_the_window_and_by_zone() {
        let mut windows = Windows::default();
        windows.note(&zone("a.test"), 3, WINDOW, at(0));
        windows.note(&zone("a.test"), 4, WINDOW, at(300));
        windows.note(&zone("b.test"), 9, WINDOW, at(0));
        assert_eq!(windows.count(&zone("a.test"), WINDOW, at(665)), 7);
        assert_eq!(windows.count(&zone("a.test"), WINDOW, at(680)), 4);
        assert_eq!(windows.count(&zone("a.test"), WINDOW, at(965)), 4);
        assert_eq!(windows.count(&zone("a.test"), WINDOW, at(980)), 0);
        assert_eq!(windows.count(&zone("c.test"), WINDOW, at(0)), 0);
        // A clock that was put back does not make losses unhappen.
        assert_eq!(windows.count(&zone("b.test"), WINDOW, at(-5000)), 9);
    }

    #[test]
    fn however_many_losses_there_are_the_entries_stay_few() {
        let (mut windows, day) = (Windows::default(), Duration::from_secs(86_400));
        for second in 0..86_400 {
            windows.note(&zone("a.test"), 1, day, at(second));
        }
        assert_eq!(windows.count(&zone("a.test"), day, at(86_400)), 86_400);
        let mut zones = Vec::new();
        windows.write_into(&mut zones);
        assert!((100..=101).contains(&zones[0].deletions.len()), "{}", zones[0].deletions.len());
    }

    #[test]
    fn a_status_brings_them_through_a_restart() {
        let mut windows = Windows::default();
        windows.note(&zone("a.test"), 3, WINDOW, at(0));
        windows.note(&zone("gone.test"), 2, WINDOW, at(1));
        let mut zones = vec![zone("b.test"), zone("a.test")];
        windows.write_into(&mut zones);
        let names: Vec<(&str, u32, usize)> =
            zones.iter().map(|zone| (&*zone.name, zone.records, zone.deletions.len())).collect();
        assert_eq!(names, [("a.test", 5, 1), ("b.test", 5, 0), ("gone.test", 0, 1)]);
        let status = SolidServerStatus { zones, ..SolidServerStatus::default() };
        assert_eq!(Windows::restored(&status), windows);
    }
}
