//! Class parameters: named texts on a row, its own or inherited from zone, view or server.

/// Where a class parameter of a row comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// It is set on the row itself.
    Row,
    /// It comes from the zone, the view or the server.
    Inherited,
    /// The appliance does not say.
    Unknown,
}

/// A class parameter as a row shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) key: String,
    pub(super) value: String,
    pub(super) origin: Origin,
}

impl Origin {
    /// From what is said about a parameter: its source (`container,id`) and its properties (`inheritance,propagation`),
    /// of each of which only the first part matters.
    ///
    /// A parameter is the row's own when its source is the row (`real_rr`) and nothing says that it is inherited, or
    /// when there is no source and its property is exactly `set`. Any other statement means inherited: an ownership mark
    /// must not be believed when it may be. No statement at all is [`Origin::Unknown`].
    pub(super) fn stated(source: Option<&str>, properties: Option<&str>) -> Self {
        fn first(text: &str) -> &str {
            text.split(',').next().unwrap_or_default().trim()
        }
        let is = |text: &str, word: &str| text.eq_ignore_ascii_case(word);
        match (source.map(first), properties.map(first)) {
            (None, None) => Self::Unknown,
            (Some(container), inheritance)
                if (is(container, "real_rr") || is(container, "rr"))
                    && !inheritance.is_some_and(|inheritance| is(inheritance, "inherited")) =>
            {
                Self::Row
            }
            (None, Some(inheritance)) if is(inheritance, "set") => Self::Row,
            _ => Self::Inherited,
        }
    }
}
