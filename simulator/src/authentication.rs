//! Who may call the services.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};

/// What a caller must show.
pub(crate) enum Authentication {
    /// `Authorization: Basic`.
    Basic { user: String, password: String },
}

impl Authentication {
    pub(crate) fn admits(&self, headers: &HeaderMap) -> bool {
        match self {
            Self::Basic { user, password } => {
                let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
                let encoded = given
                    .and_then(|value| value.split_once(' '))
                    .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Basic"));
                let decoded = encoded.and_then(|(_, text)| STANDARD.decode(text.trim()).ok());
                decoded.is_some_and(|bytes| bytes == format!("{user}:{password}").into_bytes())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_password_is_admitted() {
        let authentication = Authentication::Basic { user: "u".to_owned(), password: "p:q".to_owned() };
        let admits = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            authentication.admits(&headers)
        };
        let right = STANDARD.encode("u:p:q");
        assert!(admits(&format!("Basic {right}")));
        assert!(admits(&format!("basic {right}")));
        assert!(!admits(&format!("Bearer {right}")));
        assert!(!admits(&format!("Basic {}", STANDARD.encode("u:p"))));
        assert!(!admits("Basic ???"));
        assert!(!authentication.admits(&HeaderMap::new()));
    }
}
