//! Building blocks of patterns, in the syntax that RE2 and Rust's regex share. None contains a `'`, so that each fits into a
//! raw CEL string, r'...'.

/// A number from 0 to 255. Zeros in front do not matter.
pub(super) const U8: &str = "0*(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[0-9]{1,2})";

/// A number from 0 to 65,535. Zeros in front do not matter.
pub(super) const U16: &str = "0*(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[0-5]?[0-9]{1,4})";

/// An IPv4 address in dotted decimal, without zeros in front.
pub(super) const IPV4: &str =
    r"((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\.){3}(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";

/// What separates the fields of a value.
pub(super) const SPACE: &str = r"[ \t]+";

/// A name with or without a trailing dot; its first label may be `*`. Labels have letters, digits, `-`, `_`, `/` and any
/// character beyond ASCII, which only IDNA can judge.
pub(super) const NAME: &str = r"(\*\.)?[^\x00-,.:-@\[-^`{-\x7F]{1,63}(\.[^\x00-,.:-@\[-^`{-\x7F]{1,63})*\.?";

/// Four numbers between dots: an address, or one with a typing error. No host has such a name.
pub(super) const FOUR_NUMBERS: &str = r"([0-9]{1,3}\.){3}[0-9]{1,3}\.?";

/// The beginning of a name that has more than 253 characters without its trailing dot, given that no two dots follow each other.
pub(super) const TOO_LONG_NAME: &str = r"[^ \t]{253}[^ \t.]";

/// An escape in presentation format (RFC 1035 5.1): three decimal digits up to 255, or any other printable character.
pub(super) const ESCAPE: &str = r"\\([01][0-9]{2}|2[0-4][0-9]|25[0-5]|[ -/:-~])";

/// One octet between quotation marks.
pub(super) const QUOTED_OCTET: &str = r"[\t !#-\[\]-~]";

/// One octet of a field without quotation marks: no space, no `"`, `;`, `(`, `)`.
pub(super) const PLAIN_OCTET: &str = r"[!#-&*-:<-\[\]-~\x27]";

/// Two hexadecimal digits, with or without spaces after each.
pub(super) const HEX_PAIR: &str = r"[0-9A-Fa-f][ \t]*[0-9A-Fa-f][ \t]*";

/// A control character.
pub(super) const CONTROL: &str = r"[\x00-\x1F\x7F]";
