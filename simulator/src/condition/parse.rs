//! The grammar of a clause.

use super::token::Token;
use super::{ConditionError, DEEPEST_NESTING, Habits, LiteralSet, Node, Operand, Operator};
use crate::columns::{Column, Columns};

pub(super) fn parse(tokens: &[Token], columns: Columns, habits: Habits) -> Result<Node, ConditionError> {
    let mut parser = Parser { tokens, next: 0, columns, habits, depth: 0 };
    let node = parser.any()?;
    match parser.peek() {
        None => Ok(node),
        Some(token) => Err(unexpected(Some(token))),
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    next: usize,
    columns: Columns,
    habits: Habits,
    depth: usize,
}

/// One side of a comparison, or a column that is not there where such comparisons pass.
enum Side {
    Operand(Operand),
    Missing,
}

fn unexpected(token: Option<&Token>) -> ConditionError {
    ConditionError::Unexpected(match token {
        None => "end".to_owned(),
        Some(Token::Word(word)) => format!("{word:?}"),
        Some(Token::Text(text)) => format!("text {text:?}"),
        Some(Token::Number(number)) => format!("{number}"),
        Some(Token::Operator(operator)) => format!("{operator:?}"),
        Some(Token::Open) => "'('".to_owned(),
        Some(Token::Close) => "')'".to_owned(),
        Some(Token::Comma) => "','".to_owned(),
    })
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.next).cloned();
        self.next += 1;
        token
    }

    fn take_word(&mut self, keyword: &str) -> bool {
        let there = self.peek().is_some_and(|token| token.is_word(keyword));
        self.next += usize::from(there);
        there
    }

    fn expect(&mut self, expected: &Token) -> Result<(), ConditionError> {
        match self.take() {
            Some(token) if token == *expected => Ok(()),
            other => Err(unexpected(other.as_ref())),
        }
    }

    fn any(&mut self) -> Result<Node, ConditionError> {
        let mut nodes = vec![self.all()?];
        while self.take_word("or") {
            nodes.push(self.all()?);
        }
        Ok(single(nodes, Node::Any))
    }

    fn all(&mut self) -> Result<Node, ConditionError> {
        let mut nodes = vec![self.term()?];
        while self.take_word("and") {
            nodes.push(self.term()?);
        }
        Ok(single(nodes, Node::All))
    }

    fn term(&mut self) -> Result<Node, ConditionError> {
        self.depth += 1;
        if self.depth > DEEPEST_NESTING {
            return Err(ConditionError::TooDeep);
        }
        let node = if self.take_word("not") {
            Node::Not(Box::new(self.term()?))
        } else if self.peek() == Some(&Token::Open) {
            self.next += 1;
            let node = self.any()?;
            self.expect(&Token::Close)?;
            node
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(node)
    }

    fn comparison(&mut self) -> Result<Node, ConditionError> {
        let left = self.side()?;
        if let Some(Token::Operator(operator)) = self.peek() {
            let operator = *operator;
            self.next += 1;
            return Ok(match (left, self.side()?) {
                (Side::Operand(left), Side::Operand(right)) => Node::Compare { left, operator, right },
                _ => Node::Constant(true),
            });
        }
        let column = match left {
            Side::Operand(Operand::Column(column)) => Some(column),
            Side::Missing => None,
            Side::Operand(_) => return Err(unexpected(self.peek())),
        };
        let (node, negated) = self.test(column)?;
        // A comparison with a missing column passes however it is put.
        Ok(if negated && column.is_some() { Node::Not(Box::new(node)) } else { node })
    }

    /// `[not] in (..)`, `[not] like '..'`, `is [not] null`.
    fn test(&mut self, column: Option<&'static Column>) -> Result<(Node, bool), ConditionError> {
        if self.take_word("is") {
            let negated = self.take_word("not");
            if !self.take_word("null") {
                return Err(unexpected(self.peek()));
            }
            return Ok((column.map_or(Node::Constant(true), Node::IsNull), negated));
        }
        let negated = self.take_word("not");
        if self.take_word("in") {
            let set = self.literals()?;
            return Ok((column.map_or(Node::Constant(true), |column| Node::In { column, set }), negated));
        }
        if self.take_word("like") {
            return match self.take() {
                Some(Token::Text(pattern)) => Ok((
                    column.map_or(Node::Constant(true), |column| Node::Like { column, pattern }),
                    negated,
                )),
                other => Err(unexpected(other.as_ref())),
            };
        }
        Err(unexpected(self.peek()))
    }

    fn literals(&mut self) -> Result<LiteralSet, ConditionError> {
        self.expect(&Token::Open)?;
        let mut set = LiteralSet::default();
        loop {
            match self.take() {
                Some(Token::Text(text)) => {
                    set.lower.insert(text.to_lowercase());
                    set.texts.insert(text);
                }
                Some(Token::Number(number)) => {
                    set.numbers.insert(number);
                }
                other => return Err(unexpected(other.as_ref())),
            }
            match self.take() {
                Some(Token::Comma) => {}
                Some(Token::Close) => return Ok(set),
                other => return Err(unexpected(other.as_ref())),
            }
        }
    }

    fn side(&mut self) -> Result<Side, ConditionError> {
        Ok(match self.take() {
            Some(Token::Text(text)) => Side::Operand(Operand::Text(text)),
            Some(Token::Number(number)) => Side::Operand(Operand::Number(number)),
            Some(Token::Word(word)) if !is_keyword(&word) => match self.columns.find(&word) {
                Some(column) => Side::Operand(Operand::Column(column)),
                None if self.habits.unknown_columns_pass => Side::Missing,
                None => return Err(ConditionError::UnknownColumn(word)),
            },
            other => return Err(unexpected(other.as_ref())),
        })
    }
}

fn is_keyword(word: &str) -> bool {
    ["and", "or", "not", "in", "is", "like", "null"].iter().any(|keyword| word.eq_ignore_ascii_case(keyword))
}

/// Chains of equals are flat, so that their length costs no stack.
fn single(mut nodes: Vec<Node>, join: fn(Vec<Node>) -> Node) -> Node {
    match nodes.pop() {
        Some(node) if nodes.is_empty() => node,
        last => {
            nodes.extend(last);
            join(nodes)
        }
    }
}

impl Operator {
    pub(super) fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Different => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }
}
