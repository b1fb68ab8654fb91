//! What a clause is built like, apart from what it compares with.

use std::fmt;

use super::{Condition, Node, Operand};

impl Condition {
    /// The parse tree with every literal named by its kind, so that two clauses that differ only in them are alike. A list of
    /// literals is one kind, whatever its length.
    pub(crate) fn shape(&self) -> String {
        self.root.to_string()
    }
}

impl fmt::Display for Node {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut join = |word: &str, nodes: &[Self]| {
            formatter.write_str("(")?;
            for (index, node) in nodes.iter().enumerate() {
                if index > 0 {
                    write!(formatter, " {word} ")?;
                }
                write!(formatter, "{node}")?;
            }
            formatter.write_str(")")
        };
        match self {
            Self::All(nodes) => join("and", nodes),
            Self::Any(nodes) => join("or", nodes),
            Self::Not(node) => write!(formatter, "not {node}"),
            Self::Compare { left, operator, right } => write!(formatter, "{left} {operator:?} {right}"),
            Self::In { column, set } => {
                let kind = if set.texts.is_empty() { "numbers" } else { "texts" };
                write!(formatter, "{} in {kind}", column.name)
            }
            Self::Like { column, .. } => write!(formatter, "{} like text", column.name),
            Self::IsNull(column) => write!(formatter, "{} is null", column.name),
            Self::Constant(constant) => write!(formatter, "{constant}"),
        }
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Column(column) => column.name,
            Self::Text(_) => "text",
            Self::Number(_) => "number",
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::columns;
    use crate::condition::{Condition, Habits};

    fn shape(clause: &str) -> String {
        Condition::read(clause, columns::ROW, Habits::default()).unwrap().shape()
    }

    #[test]
    fn only_what_stands_outside_of_literals_makes_a_shape() {
        let by_name = shape("dns_name='ns.test' and rr_full_name in ('a.test')");
        assert_eq!(by_name, "(dns_name Equal text and rr_full_name in texts)");
        assert_eq!(shape("dns_name='x'' or 1=1' and rr_full_name in ('b'')', 'c')"), by_name);
        assert_ne!(shape("dns_name='x' or 1=1 and rr_full_name in ('b')"), by_name);
        assert_ne!(shape("dns_name='x' and not rr_full_name in ('b')"), by_name);
    }
}
