//! Asking a clause about a row.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::{Condition, Habits, LiteralSet, Node, Operand, Operator};
use crate::columns::{Column, Comparison, Context};

impl Condition {
    /// Whether the condition holds; `None` when that depends on columns that are not settled yet.
    pub(crate) fn holds(&self, context: &Context<'_>) -> Option<bool> {
        self.root.holds(context, self.habits)
    }
}

impl Node {
    fn holds(&self, context: &Context<'_>, habits: Habits) -> Option<bool> {
        match self {
            Self::Constant(value) => Some(*value),
            Self::Not(node) => node.holds(context, habits).map(|value| !value),
            Self::All(nodes) => decide(nodes, false, context, habits),
            Self::Any(nodes) => decide(nodes, true, context, habits),
            Self::Compare { left, operator, right } => compare(left, *operator, right, context, habits),
            Self::In { column, set } => Some(set.contains(column, &read(column, context)?, habits)),
            Self::Like { column, pattern } => {
                let text = read(column, context)?;
                Some(if folds(column, habits) {
                    like(&text.to_lowercase(), &pattern.to_lowercase())
                } else {
                    like(&text, pattern)
                })
            }
            // What is absent is an empty text on the wire; that SQL sees it as null is a guess.
            Self::IsNull(column) => Some(read(column, context)?.is_empty()),
        }
    }
}

/// One node of this value settles the matter; else one that is open leaves it open.
fn decide(nodes: &[Node], settles: bool, context: &Context<'_>, habits: Habits) -> Option<bool> {
    let mut open = false;
    for node in nodes {
        match node.holds(context, habits) {
            Some(value) if value == settles => return Some(settles),
            Some(_) => {}
            None => open = true,
        }
    }
    if open { None } else { Some(!settles) }
}

fn read<'a>(column: &Column, context: &Context<'a>) -> Option<Cow<'a, str>> {
    (column.level <= context.settled).then(|| (column.read)(context))
}

fn folds(column: &Column, habits: Habits) -> bool {
    column.comparison == Comparison::Name && !habits.names_exact
}

fn is_numeric(column: &Column, habits: Habits) -> bool {
    column.comparison == Comparison::Number && !(habits.ids_as_text && column.name == "rr_id")
}

fn compare(
    left: &Operand,
    operator: Operator,
    right: &Operand,
    context: &Context<'_>,
    habits: Habits,
) -> Option<bool> {
    let (left_text, right_text) = (left.text(context)?, right.text(context)?);
    let columns = || [left, right].into_iter().filter_map(Operand::column);
    // A bare number asks for a comparison by value, unless the appliance keeps ids as text.
    let bare = matches!(left, Operand::Number(_)) || matches!(right, Operand::Number(_));
    let as_text = columns().any(|column| habits.ids_as_text && column.name == "rr_id");
    if bare && !as_text || columns().any(|column| is_numeric(column, habits)) {
        return match (left_text.parse::<i128>(), right_text.parse::<i128>()) {
            (Ok(left), Ok(right)) => Some(operator.holds(left.cmp(&right))),
            _ if bare => Some(operator == Operator::Different),
            _ => Some(operator.holds(left_text.cmp(&right_text))),
        };
    }
    let order = if columns().any(|column| folds(column, habits)) {
        compare_folded(&left_text, &right_text)
    } else {
        left_text.cmp(&right_text)
    };
    Some(operator.holds(order))
}

fn compare_folded(left: &str, right: &str) -> Ordering {
    if left.eq_ignore_ascii_case(right) {
        Ordering::Equal
    } else {
        left.to_lowercase().cmp(&right.to_lowercase())
    }
}

impl Operand {
    pub(super) fn column(&self) -> Option<&'static Column> {
        match self {
            Self::Column(column) => Some(column),
            Self::Text(_) | Self::Number(_) => None,
        }
    }

    fn text<'a>(&'a self, context: &Context<'a>) -> Option<Cow<'a, str>> {
        match self {
            Self::Column(column) => read(column, context),
            Self::Text(text) => Some(text.as_str().into()),
            Self::Number(number) => Some(number.to_string().into()),
        }
    }
}

impl LiteralSet {
    fn contains(&self, column: &Column, text: &str, habits: Habits) -> bool {
        let among_texts = if folds(column, habits) {
            self.texts.contains(text) || self.lower.contains(&text.to_lowercase())
        } else {
            self.texts.contains(text)
        };
        among_texts
            || !self.numbers.is_empty()
                && text.parse().is_ok_and(|number: i128| self.numbers.contains(&number))
    }
}

/// SQL's `like`: `%` stands for any text, `_` for one character. Takes time in proportion to the product of both lengths.
fn like(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let pattern: Vec<char> = pattern.chars().collect();
    let (mut at, mut wanted) = (0, 0);
    // Where to go on after the last `%`, should the rest not fit.
    let mut retry: Option<(usize, usize)> = None;
    while let Some(character) = text.get(at) {
        match pattern.get(wanted) {
            Some('%') => {
                retry = Some((wanted + 1, at));
                wanted += 1;
            }
            Some(expected) if *expected == '_' || expected == character => {
                at += 1;
                wanted += 1;
            }
            _ => match retry {
                Some((after, from)) => {
                    retry = Some((after, from + 1));
                    wanted = after;
                    at = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(wanted..).is_none_or(|rest| rest.iter().all(|character| *character == '%'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_knows_both_wildcards() {
        for (text, pattern, expected) in [
            ("www.example.com", "%.example.com", true),
            ("www.example.com", "www%", true),
            ("www.example.com", "%ample%", true),
            ("www.example.com", "www", false),
            ("abc", "a_c", true),
            ("ac", "a_c", false),
            ("", "%", true),
            ("", "_", false),
            ("aXbXc", "%X%c", true),
            ("aab", "%ab", true),
        ] {
            assert_eq!(like(text, pattern), expected, "{text} like {pattern}");
        }
    }
}
