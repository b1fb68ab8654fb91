//! Character strings in presentation format, RFC 1035 5.1: quotation marks, `\"`, and `\200` for an octet.

/// The content of quoted strings with white space between them; `None` when the text is none.
pub(super) fn quoted(text: &str) -> Option<Vec<Vec<u8>>> {
    let mut strings = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (content, after) = split_quoted(rest)?;
        strings.push(unescaped(content)?);
        rest = after.trim_start();
    }
    (!strings.is_empty()).then_some(strings)
}

/// The octets of a column: taken out of its quotation marks where it has any.
pub(super) fn plain(text: &str) -> Vec<u8> {
    quoted(text).map_or_else(|| text.as_bytes().to_vec(), |strings| strings.concat())
}

/// Splits a text that begins with a quoted string into its content, not unescaped yet, and what comes after.
pub(super) fn split_quoted(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix('"')?;
    let mut escaped = false;
    let end = text.find(|character| {
        let ends = character == '"' && !escaped;
        escaped = character == '\\' && !escaped;
        ends
    })?;
    Some((text.get(..end)?, text.get(end + 1..)?))
}

/// Takes the backslashes out; `None` for a number that is no octet, or a backslash at the end.
pub(super) fn unescaped(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'\\' {
            octets.push(*first);
        } else if let [digit, second, third, after @ ..] = rest
            && digit.is_ascii_digit()
        {
            let digits = [*digit, *second, *third];
            octets.push(std::str::from_utf8(&digits).ok()?.parse().ok()?);
            rest = after;
        } else {
            let (octet, after) = rest.split_first()?;
            octets.push(*octet);
            rest = after;
        }
    }
    Some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_strings_are_told_from_plain_text() {
        for (text, expected) in [
            (r#""a" "b c""#, Some(vec![&b"a"[..], b"b c"])),
            (r#""say \"hi\" \\""#, Some(vec![br#"say "hi" \"#])),
            (r#""\195\188""#, Some(vec!["ü".as_bytes()])),
            (r#""ü""#, Some(vec!["ü".as_bytes()])),
            (r#""""#, Some(vec![b""])),
            ("plain", None),
            (r#""a" b"#, None),
            (r#""a"#, None),
            (r#""\999""#, None),
            ("", None),
        ] {
            let expected =
                expected.map(|strings| strings.into_iter().map(<[u8]>::to_vec).collect::<Vec<_>>());
            assert_eq!(quoted(text), expected, "{text}");
        }
        assert_eq!(plain(r#"a "b" \"#), br#"a "b" \"#);
        assert_eq!(plain(r#""a;" "b""#), b"a;b");
    }
}
