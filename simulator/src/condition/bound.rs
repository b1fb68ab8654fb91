//! What a clause says beforehand about the rows it can hold for, so that not every row must be asked.

use super::{Condition, Node, Operand, Operator};

/// Rows to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// Those of this owner name, in any case.
    Name(String),
    /// Those of this type, in any case.
    Type(String),
    /// The one with this id.
    Id(u64),
}

/// The rows that a condition can hold for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    /// No row that has none of these keys.
    Keys(Vec<Key>),
    /// Any row whose id is at least this.
    From(u64),
}

impl Condition {
    /// A superset of the rows that the condition holds for.
    pub(crate) fn bound(&self) -> Bound {
        match keys(&self.root) {
            Some(keys) => Bound::Keys(keys),
            None if self.habits.ids_as_text => Bound::From(0),
            None => Bound::From(lowest_id(&self.root)),
        }
    }
}

fn keys(node: &Node) -> Option<Vec<Key>> {
    match node {
        Node::All(nodes) => nodes.iter().filter_map(keys).min_by_key(|keys| cost(keys)),
        Node::Any(nodes) => nodes.iter().map(keys).try_fold(Vec::new(), |mut all, keys| {
            all.extend(keys?);
            Some(all)
        }),
        Node::Compare {
            left: Operand::Column(column),
            operator: Operator::Equal,
            right: Operand::Text(text),
        }
        | Node::Compare {
            left: Operand::Text(text),
            operator: Operator::Equal,
            right: Operand::Column(column),
        } => key(column.name, text).map(|key| vec![key]),
        Node::Compare {
            left: Operand::Column(column),
            operator: Operator::Equal,
            right: Operand::Number(number),
        } if column.name == "rr_id" => Some(u64::try_from(*number).map(Key::Id).into_iter().collect()),
        Node::In { column, set } if set.numbers.is_empty() => {
            set.texts.iter().map(|text| key(column.name, text)).collect()
        }
        Node::Constant(false) => Some(Vec::new()),
        _ => None,
    }
}

fn key(column: &str, text: &str) -> Option<Key> {
    match column {
        "rr_full_name" => Some(Key::Name(text.to_owned())),
        "rr_type" => Some(Key::Type(text.to_owned())),
        // A text such as '007' can still equal an id by value.
        "rr_id" => text.parse().ok().map(Key::Id),
        _ => None,
    }
}

/// A type can have many rows, a name has few.
fn cost(keys: &[Key]) -> usize {
    keys.iter().map(|key| if matches!(key, Key::Type(_)) { 1_000 } else { 1 }).sum()
}

fn lowest_id(node: &Node) -> u64 {
    match node {
        Node::All(nodes) => nodes.iter().map(lowest_id).max().unwrap_or_default(),
        Node::Any(nodes) => nodes.iter().map(lowest_id).min().unwrap_or_default(),
        Node::Compare { left: Operand::Column(column), operator, right } if column.name == "rr_id" => {
            let number = match right {
                Operand::Number(number) => Some(*number),
                Operand::Text(text) => text.parse().ok(),
                Operand::Column(_) => None,
            };
            let Some(number) = number.and_then(|number| u64::try_from(number).ok()) else {
                return 0;
            };
            match operator {
                Operator::Greater => number.saturating_add(1),
                Operator::AtLeast | Operator::Equal => number,
                _ => 0,
            }
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::ROW;
    use crate::condition::Habits;

    fn bound(clause: &str) -> Bound {
        Condition::read(clause, ROW, Habits::default()).unwrap().bound()
    }

    #[test]
    fn names_types_and_ids_narrow_what_is_looked_at() {
        let name = |text: &str| Key::Name(text.to_owned());
        let kind = |text: &str| Key::Type(text.to_owned());
        assert_eq!(bound("dns_name='a' and rr_full_name='x'"), Bound::Keys(vec![name("x")]));
        assert_eq!(bound("rr_full_name='x' and rr_type='A'"), Bound::Keys(vec![name("x")]));
        assert_eq!(
            bound("rr_full_name in ('x') or rr_type='SOA'"),
            Bound::Keys(vec![name("x"), kind("SOA")])
        );
        assert_eq!(bound("rr_full_name='x' or value1='y'"), Bound::From(0));
        assert_eq!(bound("rr_id=7"), Bound::Keys(vec![Key::Id(7)]));
        assert_eq!(bound("dnszone_name='z' and rr_id > 41"), Bound::From(42));
        assert_eq!(bound("rr_id >= '41' or rr_id > 99"), Bound::From(41));
        assert_eq!(bound("not rr_full_name='x'"), Bound::From(0));
        assert_eq!(bound("rr_full_name != 'x'"), Bound::From(0));
    }

    #[test]
    fn ids_that_compare_as_text_give_no_lower_bound() {
        let habits = Habits { ids_as_text: true, ..Habits::default() };
        assert_eq!(Condition::read("rr_id > 41", ROW, habits).unwrap().bound(), Bound::From(0));
    }
}
