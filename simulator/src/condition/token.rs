//! Cutting a clause into words, texts, numbers and signs.

use super::{ConditionError, Operator};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A keyword or column name.
    Word(String),
    /// A literal in single quotes, unescaped.
    Text(String),
    Number(i128),
    Operator(Operator),
    Open,
    Close,
    Comma,
}

impl Token {
    /// Whether this is the keyword, in whatever case.
    pub(super) fn is_word(&self, keyword: &str) -> bool {
        matches!(self, Self::Word(word) if word.eq_ignore_ascii_case(keyword))
    }
}

pub(super) fn split(clause: &str) -> Result<Vec<Token>, ConditionError> {
    let mut tokens = Vec::new();
    let mut rest = clause.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, tail) = match first {
            '\'' => text(rest)?,
            '(' => (Token::Open, after(rest, 1)),
            ')' => (Token::Close, after(rest, 1)),
            ',' => (Token::Comma, after(rest, 1)),
            '=' | '!' | '<' | '>' => operator(rest)?,
            '-' | '0'..='9' => number(rest)?,
            letter if letter.is_ascii_alphabetic() || letter == '_' => word(rest),
            other => return Err(ConditionError::Unexpected(format!("{other:?}"))),
        };
        tokens.push(token);
        rest = tail.trim_start();
    }
    Ok(tokens)
}

fn after(text: &str, bytes: usize) -> &str {
    text.get(bytes..).unwrap_or_default()
}

/// A text ends at a quote that is not doubled.
fn text(rest: &str) -> Result<(Token, &str), ConditionError> {
    let mut content = String::new();
    let mut tail = after(rest, 1);
    loop {
        let (piece, behind) = tail.split_once('\'').ok_or(ConditionError::OpenText)?;
        content.push_str(piece);
        match behind.strip_prefix('\'') {
            Some(more) => {
                content.push('\'');
                tail = more;
            }
            None => return Ok((Token::Text(content), behind)),
        }
    }
}

fn operator(rest: &str) -> Result<(Token, &str), ConditionError> {
    const OPERATORS: [(&str, Operator); 8] = [
        ("!=", Operator::Different),
        ("<>", Operator::Different),
        ("<=", Operator::AtMost),
        (">=", Operator::AtLeast),
        ("==", Operator::Equal),
        ("=", Operator::Equal),
        ("<", Operator::Less),
        (">", Operator::Greater),
    ];
    for (sign, operator) in OPERATORS {
        if let Some(tail) = rest.strip_prefix(sign) {
            return Ok((Token::Operator(operator), tail));
        }
    }
    Err(ConditionError::Unexpected("'!'".to_owned()))
}

fn number(rest: &str) -> Result<(Token, &str), ConditionError> {
    let end = rest.char_indices().skip(1).find(|(_, character)| !character.is_ascii_digit());
    let end = end.map_or(rest.len(), |(index, _)| index);
    let (digits, tail) = rest.split_at(end);
    let glued = tail
        .starts_with(|character: char| character.is_alphanumeric() || character == '_' || character == '.');
    match digits.parse() {
        Ok(number) if !glued => Ok((Token::Number(number), tail)),
        _ => Err(ConditionError::Unexpected(format!("{digits:?}"))),
    }
}

fn word(rest: &str) -> (Token, &str) {
    let end = rest.find(|character: char| !(character.is_ascii_alphanumeric() || character == '_'));
    let (word, tail) = rest.split_at(end.unwrap_or(rest.len()));
    (Token::Word(word.to_owned()), tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clause_falls_into_tokens_whatever_the_white_space() {
        let expected = [
            Token::Word("a".to_owned()),
            Token::Operator(Operator::AtMost),
            Token::Text("it's".to_owned()),
            Token::Word("and".to_owned()),
            Token::Open,
            Token::Word("b".to_owned()),
            Token::Operator(Operator::Equal),
            Token::Number(-5),
            Token::Close,
        ];
        assert_eq!(split("a<='it''s'and(b=-5)").unwrap(), expected);
        assert_eq!(split(" \ta <=\n'it''s' and ( b = -5 ) ").unwrap(), expected);
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for wrong in ["a='b", "a='b''", "a=\"b\"", "a;b", "!a", "5x", "1.5", "a=--1", "a=b\\"] {
            assert!(split(wrong).is_err(), "{wrong}");
        }
    }
}
