//! Why a TLS handshake failed, in words that stay the same while the trouble does.

use std::error::Error as StdError;

use jiff::Timestamp;
use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError};

/// What rustls puts before the name of an alert. HTTP/2 passes on the words only, not the error.
const ALERT: &str = "received fatal alert: ";

/// As many names of a certificate are shown.
const NAMES_SHOWN: usize = 5;

/// What a TLS handshake failed at. Each has another remedy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TlsFault {
    /// The appliance's certificate comes from an authority that is not trusted.
    UnknownIssuer,
    /// It is for another name than that in the endpoint.
    WrongName,
    /// It has expired.
    Expired,
    /// It is not valid yet.
    NotYetValid,
    /// It is an authority's own certificate, which RFC 5280 4.2.1.9 keeps for signing others; `openssl req -x509` makes such.
    AuthorityAsServer,
    /// The appliance demands a client certificate and was shown none.
    ClientCertificateMissing,
    /// It does not accept the client certificate that it was shown.
    ClientCertificateRefused,
    /// The two have no version or cipher suite in common.
    NothingInCommon,
    /// The other end does not speak TLS.
    NotTls,
    /// Something else.
    Other,
}

/// A failed handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failed {
    pub(super) fault: TlsFault,
    pub(super) cause: String,
}

/// Finds a failed handshake among the causes of an error; `None` when there is none. `shows` says whether a client certificate
/// is shown.
pub(super) fn failed(error: &(dyn StdError + 'static), shows: bool) -> Option<Failed> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            return Some(sorted(error, shows));
        }
        if let Some(name) = error.to_string().split_once(ALERT).map(|(_, rest)| word(rest).to_owned()) {
            return Some(alert(&name, shows));
        }
        // An I/O error hides what it wraps from `source`.
        let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if let Some(found) = wrapped.and_then(|wrapped| failed(wrapped, shows)) {
            return Some(found);
        }
        next = error.source();
    }
    None
}

impl Failed {
    /// Whether the other end refused us for lack of a good client certificate. With TLS 1.3 it says so only when the client
    /// has sent its first request already (RFC 8446 2), which it then does not look at.
    pub(super) const fn refuses_client(&self) -> bool {
        matches!(self.fault, TlsFault::ClientCertificateMissing | TlsFault::ClientCertificateRefused)
    }
}

/// What some web servers answer over HTTP (400) when they demand a client certificate. The words are nginx's.
pub(super) fn refused_over_http(body: &[u8]) -> Option<Failed> {
    let holds = |text: &str| body.windows(text.len()).any(|window| window == text.as_bytes());
    if holds("No required SSL certificate was sent") {
        Some(client_certificate(false, "400, no required certificate was sent"))
    } else if holds("The SSL certificate error") {
        Some(client_certificate(true, "400, certificate error"))
    } else {
        None
    }
}

fn sorted(error: &rustls::Error, shows: bool) -> Failed {
    let of = |fault, cause: String| Failed { fault, cause };
    match error {
        rustls::Error::InvalidCertificate(error) => certificate(error),
        rustls::Error::AlertReceived(received) => alert(&name(*received), shows),
        rustls::Error::PeerIncompatible(_) => of(
            TlsFault::NothingInCommon,
            "it offers neither TLS 1.2 nor TLS 1.3 with a common cipher suite".to_owned(),
        ),
        rustls::Error::InvalidMessage(_) => {
            of(TlsFault::NotTls, "what answers at this port does not speak TLS".to_owned())
        }
        other => of(TlsFault::Other, other.to_string()),
    }
}

fn certificate(error: &CertificateError) -> Failed {
    let of = |fault, cause: String| Failed { fault, cause };
    match error {
        CertificateError::UnknownIssuer => of(
            TlsFault::UnknownIssuer,
            "its certificate comes from an authority that is not trusted".to_owned(),
        ),
        // It has the name of an authority that is trusted, and another key: one that was made anew.
        CertificateError::BadSignature => of(
            TlsFault::UnknownIssuer,
            "its certificate is signed with another key than that of the authority that is trusted"
                .to_owned(),
        ),
        CertificateError::NotValidForNameContext { expected, presented } => {
            let names: Vec<&str> = presented.iter().take(NAMES_SHOWN).map(|name| bare(name)).collect();
            let more = if presented.len() > NAMES_SHOWN { " and others" } else { "" };
            let names = if names.is_empty() { "no name".to_owned() } else { names.join(", ") + more };
            of(TlsFault::WrongName, format!("its certificate is for {names}, not for {}", expected.to_str()))
        }
        CertificateError::NotValidForName => {
            of(TlsFault::WrongName, "its certificate is for another name".to_owned())
        }
        CertificateError::ExpiredContext { not_after, .. } => {
            of(TlsFault::Expired, format!("its certificate has expired on {}", date(*not_after)))
        }
        CertificateError::Expired => of(TlsFault::Expired, "its certificate has expired".to_owned()),
        CertificateError::NotValidYetContext { not_before, .. } => {
            of(TlsFault::NotYetValid, format!("its certificate is valid only from {} on", date(*not_before)))
        }
        CertificateError::NotValidYet => {
            of(TlsFault::NotYetValid, "its certificate is not valid yet".to_owned())
        }
        other if format!("{other:?}").contains("CaUsedAsEndEntity") => of(
            TlsFault::AuthorityAsServer,
            "its certificate is that of an authority (basicConstraints CA:TRUE), not of a server".to_owned(),
        ),
        other => of(TlsFault::Other, other.to_string()),
    }
}

fn alert(name: &str, shows: bool) -> Failed {
    match name {
        "CertificateRequired" | "NoCertificate" => client_certificate(false, name),
        "BadCertificate" | "UnsupportedCertificate" | "CertificateRevoked" | "CertificateExpired"
        | "CertificateUnknown" | "UnknownCA" | "AccessDenied" => client_certificate(shows, name),
        // An authority of the right name and with another key.
        "DecryptError" if shows => client_certificate(shows, name),
        "ProtocolVersion" | "InsufficientSecurity" => Failed {
            fault: TlsFault::NothingInCommon,
            cause: format!("it has no TLS version or cipher suite in common with the operator ({name})"),
        },
        // With TLS 1.2 that is also the answer of servers which demand a client certificate (RFC 5246 7.4.6).
        "HandshakeFailure" if !shows => Failed {
            fault: TlsFault::NothingInCommon,
            cause: "it ends the handshake (HandshakeFailure): it demands a client certificate, or has no cipher suite in common"
                .to_owned(),
        },
        _ => Failed { fault: TlsFault::Other, cause: format!("it ends the handshake ({name})") },
    }
}

fn client_certificate(shown: bool, answer: &str) -> Failed {
    match shown {
        true => Failed {
            fault: TlsFault::ClientCertificateRefused,
            cause: format!("it does not accept the operator's client certificate ({answer})"),
        },
        false => Failed {
            fault: TlsFault::ClientCertificateMissing,
            cause: format!("it demands a client certificate ({answer})"),
        },
    }
}

fn name(alert: AlertDescription) -> String {
    format!("{alert:?}")
}

/// The first word of a text.
fn word(text: &str) -> &str {
    let end = text.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(text.len());
    text.get(..end).unwrap_or(text)
}

/// `www.example.com` of `DnsName("www.example.com")`.
fn bare(name: &str) -> &str {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(name);
    inner.trim_matches('"')
}

fn date(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).map_or_else(|_| "an unknown day".to_owned(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::time::Duration;

    use rustls::pki_types::ServerName;

    use super::*;

    fn of(error: rustls::Error, shows: bool) -> (TlsFault, String) {
        // As it arrives: wrapped by the I/O of the connection.
        let failed = failed(&io::Error::new(io::ErrorKind::InvalidData, error), shows).unwrap();
        (failed.fault, failed.cause)
    }

    #[test]
    fn each_fault_of_a_certificate_has_words_that_do_not_change_from_try_to_try() {
        let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let presented = vec!["DnsName(\"a.example.com\")".to_owned(), "IpAddress(10.0.0.1)".to_owned()];
        let expected = ServerName::try_from("ddi.example.com").unwrap();
        for (error, fault, words) in [
            (CertificateError::BadSignature, TlsFault::UnknownIssuer, "the authority that is trusted"),
            (CertificateError::UnknownIssuer, TlsFault::UnknownIssuer, "an authority that is not trusted"),
            (
                CertificateError::NotValidForNameContext { expected, presented },
                TlsFault::WrongName,
                "for a.example.com, 10.0.0.1, not for ddi.example.com",
            ),
            (
                CertificateError::ExpiredContext { time: at(2_000_000_000), not_after: at(1_700_000_000) },
                TlsFault::Expired,
                "has expired on 2023-11-14T22:13:20Z",
            ),
            (
                CertificateError::NotValidYetContext { time: at(1), not_before: at(1_700_000_000) },
                TlsFault::NotYetValid,
                "only from 2023-11-14T22:13:20Z on",
            ),
        ] {
            let (found, cause) = of(rustls::Error::InvalidCertificate(error), false);
            assert_eq!(found, fault);
            assert!(cause.ends_with(words), "{cause}");
        }
    }

    #[test]
    fn an_alert_about_certificates_is_about_ours() {
        for (alert, shows, fault) in [
            (AlertDescription::CertificateRequired, false, TlsFault::ClientCertificateMissing),
            (AlertDescription::BadCertificate, false, TlsFault::ClientCertificateMissing),
            (AlertDescription::UnknownCA, true, TlsFault::ClientCertificateRefused),
            (AlertDescription::DecryptError, true, TlsFault::ClientCertificateRefused),
            (AlertDescription::DecryptError, false, TlsFault::Other),
            (AlertDescription::CertificateExpired, true, TlsFault::ClientCertificateRefused),
            (AlertDescription::ProtocolVersion, false, TlsFault::NothingInCommon),
            (AlertDescription::HandshakeFailure, false, TlsFault::NothingInCommon),
            (AlertDescription::InternalError, false, TlsFault::Other),
        ] {
            assert_eq!(of(rustls::Error::AlertReceived(alert), shows).0, fault, "{alert:?}");
            // HTTP/2 hands on the words only.
            let text = format!("connection error: {}", rustls::Error::AlertReceived(alert));
            assert_eq!(failed(&io::Error::other(text), shows).unwrap().fault, fault, "{alert:?}");
        }
        assert!(failed(&io::Error::other("connection reset"), true).is_none());
    }

    #[test]
    fn a_page_about_a_client_certificate_is_told_from_others() {
        let page = |text: &str| {
            refused_over_http(format!("<html>{text}</html>").as_bytes()).map(|failed| failed.fault)
        };
        assert_eq!(
            page("400 No required SSL certificate was sent"),
            Some(TlsFault::ClientCertificateMissing)
        );
        assert_eq!(page("400 The SSL certificate error"), Some(TlsFault::ClientCertificateRefused));
        assert_eq!(page("400 Bad Request"), None);
    }
}
