//! Changes: single calls to the appliance, and the order they are made in.

use std::fmt;

use crate::record::{NewRow, Row, RowEdit};

/// One call to the appliance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Add a row.
    Add(NewRow),
    /// Change a row in place.
    Edit {
        /// The row as it was read; its id is what the edit goes by.
        row: Row,
        /// What it shall be.
        edit: RowEdit,
    },
    /// Delete a row.
    Delete {
        /// The row as it was read; its id is what the delete goes by.
        row: Row,
    },
}

impl Change {
    /// The change in words, for people: with the class parameters that an edit is about.
    #[must_use]
    pub fn in_words(&self) -> String {
        let mut text = self.to_string();
        if let Self::Edit { edit, .. } = self {
            let set = edit.set_parameters.keys();
            let keys: Vec<&str> = set.chain(&edit.delete_parameters).map(String::as_str).collect();
            if !keys.is_empty() {
                text.push_str(", class parameters ");
                text.push_str(&keys.join(", "));
            }
        }
        text
    }

    /// A key that sorts changes the same way in every run.
    fn order(&self) -> (u8, &str, &str, &str) {
        match self {
            Self::Edit { row, .. } => (0, row.name.as_str(), row.row_type.as_str(), &row.id.0),
            Self::Add(row) => (1, row.name.as_str(), row.data.record_type().as_str(), ""),
            Self::Delete { row } => (2, row.name.as_str(), row.row_type.as_str(), &row.id.0),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Add(row) => {
                write!(formatter, "add {} {} {} {}", row.name, row.ttl, row.data.record_type(), row.data)
            }
            Self::Edit { row, edit } => write!(
                formatter,
                "edit {} {} {} {} -> {} {}",
                row.name,
                row.ttl,
                row.row_type.as_str(),
                row.display_value(),
                edit.ttl,
                edit.data
            ),
            Self::Delete { row } => write!(
                formatter,
                "delete {} {} {} {}",
                row.name,
                row.ttl,
                row.row_type.as_str(),
                row.display_value()
            ),
        }
    }
}

/// Changes of one DnsRecord in the order that they must be made: a step starts when all of the one before succeeded;
/// within a step they may run side by side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Steps(Vec<Vec<Change>>);

impl Steps {
    /// Appends a step; an empty one is left out.
    pub(super) fn push(&mut self, mut step: Vec<Change>) {
        if !step.is_empty() {
            step.sort_by(|left, right| left.order().cmp(&right.order()));
            self.0.push(step);
        }
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All changes, in order.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.0.iter().flatten()
    }

    /// The steps, in order.
    #[must_use]
    pub fn into_steps(self) -> Vec<Vec<Change>> {
        self.0
    }
}
