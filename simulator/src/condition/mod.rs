//! WHERE: an SQL expression over a list's columns.

mod bound;
mod eval;
mod parse;
mod shape;
mod token;

use std::collections::HashSet;

pub(crate) use bound::{Bound, Key};

use crate::columns::{Column, Columns};

/// The longest clause that is looked at, in bytes. Longer ones are refused.
const LONGEST_CLAUSE: usize = 256 * 1024;
/// How deep parentheses and `not` may nest, so that no clause can exhaust the stack.
const DEEPEST_NESTING: usize = 64;

/// Why a clause is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ConditionError {
    #[error("the clause is too long")]
    TooLong,
    #[error("the clause nests too deeply")]
    TooDeep,
    #[error("unexpected {0} in the clause")]
    Unexpected(String),
    #[error("a text in the clause does not end")]
    OpenText,
    #[error("column {0} does not exist")]
    UnknownColumn(String),
}

/// What the appliance is like where that is not known.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Habits {
    /// Names compare with regard to case.
    pub(crate) names_exact: bool,
    /// Row ids compare as text.
    pub(crate) ids_as_text: bool,
    /// A comparison with an unknown column counts as true.
    pub(crate) unknown_columns_pass: bool,
}

/// A clause, ready to be asked about rows.
#[derive(Debug)]
pub(crate) struct Condition {
    root: Node,
    habits: Habits,
}

#[derive(Debug)]
enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Compare { left: Operand, operator: Operator, right: Operand },
    In { column: &'static Column, set: LiteralSet },
    Like { column: &'static Column, pattern: String },
    IsNull(&'static Column),
    Constant(bool),
}

#[derive(Debug)]
enum Operand {
    Column(&'static Column),
    Text(String),
    Number(i128),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    Different,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// The list behind `in`.
#[derive(Debug, Default)]
struct LiteralSet {
    /// As they stand.
    texts: HashSet<String>,
    /// In lower case, for names.
    lower: HashSet<String>,
    numbers: HashSet<i128>,
}

impl Node {
    fn collect_columns(&self, columns: &mut Vec<&'static Column>) {
        match self {
            Self::All(nodes) | Self::Any(nodes) => {
                nodes.iter().for_each(|node| node.collect_columns(columns))
            }
            Self::Not(node) => node.collect_columns(columns),
            Self::Compare { left, right, .. } => {
                columns.extend([left, right].into_iter().filter_map(Operand::column));
            }
            Self::In { column, .. } | Self::Like { column, .. } | Self::IsNull(column) => {
                columns.push(column)
            }
            Self::Constant(_) => {}
        }
    }
}

impl Condition {
    /// A condition that holds for every row.
    pub(crate) fn always(habits: Habits) -> Self {
        Self { root: Node::Constant(true), habits }
    }

    /// The columns that the clause names.
    pub(crate) fn columns(&self) -> Vec<&'static Column> {
        let mut columns = Vec::new();
        self.root.collect_columns(&mut columns);
        columns
    }

    /// Reads a clause over these columns.
    pub(crate) fn read(clause: &str, columns: Columns, habits: Habits) -> Result<Self, ConditionError> {
        if clause.len() > LONGEST_CLAUSE {
            return Err(ConditionError::TooLong);
        }
        if clause.trim().is_empty() {
            return Ok(Self::always(habits));
        }
        let tokens = token::split(clause)?;
        Ok(Self { root: parse::parse(&tokens, columns, habits)?, habits })
    }
}
