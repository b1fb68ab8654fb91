//! The appliance's filter language: an SQL expression over output columns (`WHERE`).

use std::fmt;

/// A filter expression. Whatever a value contains, it stays a value: quotes in it are doubled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::solidserver) struct Condition(String);

impl Condition {
    /// `column='value'`.
    pub(super) fn equals(column: &'static str, value: &str) -> Self {
        Self(format!("{column}={}", Literal(value)))
    }

    /// `column in ('a','b')`.
    pub(super) fn one_of<'a>(column: &'static str, values: impl IntoIterator<Item = &'a str>) -> Self {
        let literals: Vec<String> = values.into_iter().map(|value| Literal(value).to_string()).collect();
        Self(format!("{column} in ({})", literals.join(",")))
    }

    /// `column > 42`: a bare integer, so that the appliance compares numbers.
    pub(super) fn above(column: &'static str, number: u64) -> Self {
        Self(format!("{column} > {number}"))
    }

    /// Both hold.
    pub(super) fn and(self, other: &Self) -> Self {
        Self(format!("{} and {}", self.0, other.0))
    }

    /// One of them holds. In parentheses, so that [`Condition::and`] can go around it.
    pub(super) fn any(conditions: impl IntoIterator<Item = Self>) -> Self {
        let conditions: Vec<String> = conditions.into_iter().map(|condition| condition.0).collect();
        Self(format!("({})", conditions.join(" or ")))
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A string literal: in single quotes, each quote in it doubled.
struct Literal<'a>(&'a str);

impl fmt::Display for Literal<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "'{}'", self.0.replace('\'', "''"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::fuzzing::literals;
    use super::*;

    proptest! {
        #[test]
        fn any_text_stays_one_value_and_changes_nothing_around_it(a in any::<String>(), b in any::<String>()) {
            let condition = Condition::equals("dns_name", &a).and(&Condition::any([
                Condition::one_of("rr_full_name", [a.as_str(), b.as_str()]),
                Condition::equals("rr_type", "SOA"),
            ]));
            let (outside, literals) = literals(&condition.to_string()).expect("each literal ends");
            prop_assert_eq!(outside, "dns_name=? and (rr_full_name in (?,?) or rr_type=?)");
            prop_assert_eq!(literals, vec![a.clone(), a, b, "SOA".to_owned()]);
        }
    }

    #[test]
    fn quotes_are_doubled_and_numbers_are_bare() {
        let cases = [
            (Condition::equals("dnsview_name", "o'brien"), "dnsview_name='o''brien'"),
            (Condition::equals("dnsview_name", "' or 1=1 --"), "dnsview_name=''' or 1=1 --'"),
            (Condition::equals("dnsview_name", ""), "dnsview_name=''"),
            (Condition::above("rr_id", 41), "rr_id > 41"),
            (Condition::one_of("dnsview_name", ["#", ""]), "dnsview_name in ('#','')"),
        ];
        for (condition, text) in cases {
            assert_eq!(condition.to_string(), text);
        }
    }
}
