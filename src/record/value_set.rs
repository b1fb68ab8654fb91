//! The values of an RRset as a set.

use std::fmt;
use std::sync::Arc;

use super::RecordData;

/// A set of values, sorted. Most RRsets have one or two, are copied often and never changed: a tree would take hundreds of
/// octets for each copy, where this is shared.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueSet(Arc<[RecordData]>);

impl ValueSet {
    /// The values in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, RecordData> {
        self.0.iter()
    }

    /// How many different values there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this value is one of them.
    #[must_use]
    pub fn contains(&self, data: &RecordData) -> bool {
        self.0.binary_search(data).is_ok()
    }

    /// Whether each of these values is one of the other set's.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.iter().all(|data| other.contains(data))
    }
}

impl Default for ValueSet {
    fn default() -> Self {
        Self(Arc::new([]))
    }
}

impl fmt::Debug for ValueSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.iter()).finish()
    }
}

impl FromIterator<RecordData> for ValueSet {
    fn from_iter<I: IntoIterator<Item = RecordData>>(values: I) -> Self {
        let mut values: Vec<RecordData> = values.into_iter().collect();
        values.sort_unstable();
        values.dedup();
        Self(values.into())
    }
}

impl<const N: usize> From<[RecordData; N]> for ValueSet {
    fn from(values: [RecordData; N]) -> Self {
        values.into_iter().collect()
    }
}

impl<'a> IntoIterator for &'a ValueSet {
    type Item = &'a RecordData;
    type IntoIter = std::slice::Iter<'a, RecordData>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn set(last: &[u8]) -> ValueSet {
        last.iter().map(|last| RecordData::A(Ipv4Addr::new(192, 0, 2, *last))).collect()
    }

    #[test]
    fn order_and_repetition_do_not_matter() {
        assert_eq!(set(&[3, 1, 3, 2, 1]), set(&[1, 2, 3]));
        assert_eq!(set(&[3, 1, 3]).len(), 2);
        assert_ne!(set(&[1, 2]), set(&[1]));
        assert!(set(&[]).is_empty() && set(&[]) == ValueSet::default());
    }

    #[test]
    fn a_part_is_a_subset_and_more_is_not() {
        assert!(set(&[3, 1]).is_subset(&set(&[1, 2, 3])));
        assert!(set(&[]).is_subset(&set(&[])));
        assert!(!set(&[1, 4]).is_subset(&set(&[1, 2, 3])));
    }
}
