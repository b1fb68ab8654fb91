//! What went wrong in words, and what can be done about it (pure).

use super::observation::Trouble;
use crate::reconcile;
use crate::solidserver::Error;

/// What the operator's own advice ends with; whoever asks a doctor does not wait for that.
const BY_ITSELF: [&str; 2] = ["; it is tried again by itself", "; it is read again by itself"];

/// Where a SOLIDserver should have answered.
const NOBODY_THERE: &str = "have spec.endpoint lead to the appliance itself, not to a proxy, gateway or portal that answers in its place; \
                            if it does, give the account rights on this service";

/// What went wrong.
pub(super) fn words(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Error(error @ Error::RateLimited { .. }) => error.to_string(),
        Trouble::Error(error) => reconcile::words(error),
        Trouble::Late(limit) => format!("no complete answer within {} s", limit.as_secs()),
    }
}

/// What can be done. `signed` is whether calls are signed with a token.
pub(super) fn remedy(trouble: &Trouble, signed: bool) -> String {
    let error = match trouble {
        Trouble::Error(error) => error,
        Trouble::Late(_) => {
            return "see whether the appliance, or something on the way to it, is overloaded".to_owned();
        }
    };
    match error {
        // The name could be resolved, and connections are accepted.
        Error::Unreachable { .. } => {
            "it accepts connections and does not answer: look at its web service and at firewalls on the way, or raise \
             spec.limits.requestTimeout"
                .to_owned()
        }
        Error::Unauthorized if signed => format!(
            "{}; SOLIDserver knows tokens from 8.4 on, and a gateway must pass on host, path and query as they are, for they are signed",
            operators(error)
        ),
        Error::Unavailable { .. } => {
            "it is there and does not serve: look into the appliance's own log".to_owned()
        }
        Error::Rejected { .. } => {
            "correct what it complains of; if that is about rights, give the account rights on this service".to_owned()
        }
        Error::Incomplete { .. } => NOBODY_THERE.to_owned(),
        Error::Settings { .. } => {
            "write the URL of the appliance itself into spec.endpoint, with the path prefix if it stands behind a gateway".to_owned()
        }
        error => operators(error).to_owned(),
    }
}

/// The advice that the operator gives.
fn operators(error: &Error) -> &'static str {
    let advice = reconcile::advice(error);
    BY_ITSELF.into_iter().find_map(|end| advice.strip_suffix(end)).unwrap_or(advice)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::solidserver::TlsFault;

    #[test]
    fn every_trouble_has_advice_that_leaves_nothing_to_time() {
        let service = "list";
        let text = String::new;
        let errors = [
            Error::Unreachable { cause: text() },
            Error::Proxy { proxy: text(), cause: text() },
            Error::Tls { fault: TlsFault::UnknownIssuer, cause: text() },
            Error::Unauthorized,
            Error::ClockSkew,
            Error::Forbidden { service },
            Error::RateLimited { retry_after: None },
            Error::Unavailable { service, status: 502 },
            Error::Rejected { service, code: text(), message: text() },
            Error::Incomplete { service, what: text() },
            Error::Settings { what: text() },
        ];
        let troubles = errors.map(Trouble::Error).into_iter().chain([Trouble::Late(Duration::from_secs(30))]);
        for trouble in troubles {
            let advice = remedy(&trouble, false);
            assert!(!advice.is_empty() && !advice.contains("by itself"), "{trouble:?}: {advice}");
            assert!(!words(&trouble).contains("by itself"), "{trouble:?}");
        }
        let unauthorized = Trouble::Error(Error::Unauthorized);
        assert!(!remedy(&unauthorized, false).contains("8.4"));
        assert!(remedy(&unauthorized, true).contains("8.4"));
    }
}
