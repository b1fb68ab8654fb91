//! When to try again: the one table from what went wrong to how long to wait. Pure.

use std::time::Duration;

use jiff::Timestamp;

use crate::api::Reason;
use crate::solidserver::Error;

/// What went wrong, as far as the next try is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// The outcome must be read before anything else: an unknown write, a stale id, a row that is there after all.
    ReadAgain,
    /// It waits for something that is under way in the same zone.
    Neighbour,
    /// The appliance cannot be reached or does not serve.
    Outage,
    /// The appliance answers, but not the truth.
    Nonsense,
    /// A person must correct something outside the record: credentials, rights, certificates, clocks, the spec.
    Settings,
    /// The appliance asked for a pause.
    Paused,
    /// The API server did not take a patch.
    Kubernetes,
}

impl ErrorClass {
    /// The class of an error of the appliance's client.
    #[must_use]
    pub fn of(error: &Error) -> Self {
        match error {
            Error::Ambiguous { .. }
            | Error::DoesNotExist { .. }
            | Error::AlreadyExists { .. }
            | Error::NotStarted { .. } => Self::ReadAgain,
            Error::Unreachable { .. } | Error::Proxy { .. } | Error::Unavailable { .. } => Self::Outage,
            Error::RateLimited { .. } => Self::Paused,
            Error::Incomplete { .. } => Self::Nonsense,
            _ => Self::Settings,
        }
    }
}

/// How long to wait before try number `attempt` (the first repetition is 1). `jitter` between 0 and 1 spreads the tries of
/// many over a tenth of the delay.
#[must_use]
pub fn delay(class: ErrorClass, attempt: u32, jitter: f64) -> Duration {
    let (first, longest) = match class {
        ErrorClass::ReadAgain => (0.1, 60.0),
        ErrorClass::Neighbour => (0.2, 30.0),
        ErrorClass::Outage => (0.5, 30.0),
        ErrorClass::Nonsense => (1.0, 60.0),
        ErrorClass::Settings => (2.0, 60.0),
        ErrorClass::Paused => (1.0, 30.0),
        ErrorClass::Kubernetes => (0.5, 30.0),
    };
    let doublings = attempt.saturating_sub(1).min(16);
    let seconds = (f64::from(1_u32 << doublings) * first).min(longest);
    Duration::from_secs_f64(seconds * 0.1f64.mul_add(jitter.clamp(0.0, 1.0), 1.0))
}

/// Waits below this are told as one: each text is a patch of a status.
const SHORT_WAIT: Duration = Duration::from_secs(15);

/// In words, when an appliance that does not serve is tried next.
#[must_use]
pub fn next_try(wait: Duration, now: Timestamp) -> String {
    let when = match wait < SHORT_WAIT {
        true => format!("within {} s", SHORT_WAIT.as_secs()),
        false => now.checked_add(wait).map_or_else(|_| "later".to_owned(), |next| format!("at {next:.0}")),
    };
    format!("nothing else is called until it answers; tried next {when}, by one call")
}

/// The reason that conditions show for an error, when it is not about one record.
#[must_use]
pub fn reason(error: &Error) -> Reason {
    match error {
        Error::Unreachable { .. } | Error::Proxy { .. } => Reason::Unreachable,
        Error::Tls { .. } => Reason::TlsFailed,
        Error::Unauthorized => Reason::Unauthorized,
        Error::ClockSkew => Reason::ClockSkew,
        Error::Forbidden { .. } => Reason::Forbidden,
        Error::RateLimited { .. } => Reason::RateLimited,
        _ => Reason::Retrying,
    }
}

/// An error in words that stay the same while the trouble does, so that no status is written anew for each try.
#[must_use]
pub fn words(error: &Error) -> String {
    match error {
        Error::RateLimited { .. } => {
            "the appliance's rate limit is reached (429); it goes on by itself as fast as that allows"
                .to_owned()
        }
        error => error.to_string(),
    }
}

/// Whether an error concerns the whole appliance, so that starting more calls makes no sense now.
#[must_use]
pub fn is_trouble(error: &Error) -> bool {
    match error {
        Error::Unreachable { .. }
        | Error::Proxy { .. }
        | Error::Tls { .. }
        | Error::Unauthorized
        | Error::ClockSkew
        | Error::Forbidden { .. }
        | Error::RateLimited { .. }
        | Error::Unavailable { .. }
        | Error::Settings { .. } => true,
        Error::Rejected { .. }
        | Error::AlreadyExists { .. }
        | Error::DoesNotExist { .. }
        | Error::Ambiguous { .. }
        | Error::NotStarted { .. }
        | Error::Incomplete { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLASSES: [ErrorClass; 7] = [
        ErrorClass::ReadAgain,
        ErrorClass::Neighbour,
        ErrorClass::Outage,
        ErrorClass::Nonsense,
        ErrorClass::Settings,
        ErrorClass::Paused,
        ErrorClass::Kubernetes,
    ];

    #[test]
    fn delays_grow_and_are_capped() {
        for class in CLASSES {
            let delays: Vec<Duration> = (1..40).map(|attempt| delay(class, attempt, 0.0)).collect();
            assert!(delays.windows(2).all(|pair| pair[0] <= pair[1]), "{class:?}: {delays:?}");
            assert!(delays[0] < delays[38], "{class:?} does not grow");
            assert!(delays.iter().all(|delay| *delay <= Duration::from_secs(60)), "{class:?} is not capped");
        }
    }

    #[test]
    fn jitter_adds_at_most_a_tenth() {
        for class in CLASSES {
            let (low, high) = (delay(class, 5, 0.0), delay(class, 5, 1.0));
            assert!(low < high && high <= low.mul_f64(1.11), "{class:?}: {low:?} to {high:?}");
        }
    }

    #[test]
    fn the_next_try_is_told_by_its_time_but_short_waits_are_not_told_one_by_one() {
        let now: Timestamp = "2026-03-01T10:00:00.7Z".parse().unwrap();
        let told = |wait: f64| next_try(Duration::from_secs_f64(wait), now);
        assert!(told(0.5).contains("within 15 s"), "{}", told(0.5));
        assert_eq!(told(0.5), told(8.8));
        assert!(told(30.0).contains("at 2026-03-01T10:00:30Z"), "{}", told(30.0));
    }
}
