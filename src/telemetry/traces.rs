//! Traces over OTLP, off unless they are asked for: what becomes of one change of a DnsRecord, from the watch event to its status.
//!
//! Spans are tracing's, of one target that no log shows. Where no traces are asked for nobody listens to that target, and a span costs a
//! look at a flag. `docs/reference/traces.md` lists them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::level_filters::LevelFilter;
use tracing::{Span, Subscriber, warn};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;

/// The target of the spans that are traces. Also the instrumentation scope's name.
pub(crate) const TARGET: &str = "solidserver_operator::trace";

/// Changes that are followed at one time; each costs a kilobyte as long as it is under way. What comes beyond is not traced.
const JOURNEYS: usize = 5_000;

/// Longest wait for the collector at the end of the process.
const FAREWELL: Duration = Duration::from_secs(5);

static OPEN: AtomicUsize = AtomicUsize::new(0);

/// Why no traces can be sent.
#[derive(Debug, thiserror::Error)]
#[error("traces cannot be sent to {endpoint}")]
pub struct TracesError {
    /// Where to.
    pub endpoint: String,
    /// Why not.
    source: ExporterBuildError,
}

/// Sends spans to a collector, from a thread of its own.
pub struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// Begins to send to `endpoint`, the whole URL of the collector's OTLP/HTTP receiver. Nothing is called yet; a collector that cannot
    /// be reached later is a warning in the log and holds up nobody. Headers, timeout and sampling are read from the variables that the
    /// OpenTelemetry specification gives them (`OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_TRACES_SAMPLER` and so on).
    ///
    /// # Errors
    /// [`TracesError`] when the URL or one of those variables cannot be used.
    pub fn new(endpoint: &str, cluster_name: &str, instance_id: &str) -> Result<Self, TracesError> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(endpoint)
            .build()
            .map_err(|source| TracesError { endpoint: endpoint.to_owned(), source })?;
        let resource = Resource::builder()
            .with_service_name(env!("CARGO_PKG_NAME"))
            .with_attributes([
                KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
                KeyValue::new("service.instance.id", instance_id.to_owned()),
                KeyValue::new("k8s.cluster.name", cluster_name.to_owned()),
            ])
            .build();
        let provider =
            SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
        Ok(Self { provider })
    }

    /// What makes spans of ours into spans of theirs.
    pub(super) fn layer<S>(&self) -> impl Layer<S> + Send + Sync
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer(TARGET))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(Targets::new().with_target(TARGET, LevelFilter::TRACE))
    }

    /// Sends what is left.
    pub async fn end(self) {
        let ended = tokio::task::spawn_blocking(move || self.provider.shutdown_with_timeout(FAREWELL)).await;
        if let Ok(Err(error)) = ended {
            warn!("the last traces were not sent: {error}");
        }
    }
}

/// One change of a DnsRecord from the watch event until it has settled. Nothing where there are no traces.
#[derive(Clone, Default)]
pub(crate) struct Journey(Option<Arc<Open>>);

struct Open(Span);

impl Drop for Open {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Journey {
    /// Something happened to a DnsRecord that a person waits for.
    pub(crate) fn begin(namespace: &str, name: &str, solid_server: &str) -> Self {
        let counted = OPEN
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |open| (open < JOURNEYS).then_some(open + 1));
        if counted.is_err() {
            return Self(None);
        }
        let span = tracing::info_span!(
            target: TARGET, parent: None, "change",
            k8s.namespace.name = namespace, dnsrecord = name, solid_server,
        );
        let open = Open(span);
        // Dropped at once, and counted off, where nobody listens.
        Self((!open.0.is_disabled()).then(|| Arc::new(open)))
    }

    /// Its span, or one that is none.
    pub(crate) fn span(&self) -> Option<&Span> {
        self.0.as_deref().map(|open| &open.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_nobody_listens_there_is_no_journey_and_none_is_counted() {
        let before = OPEN.load(Ordering::Relaxed);
        let journeys: Vec<Journey> =
            (0..2 * JOURNEYS).map(|_| Journey::begin("shop", "www", "default")).collect();
        assert!(journeys.iter().all(|journey| journey.span().is_none()));
        assert_eq!(OPEN.load(Ordering::Relaxed), before);
    }

    #[test]
    fn an_endpoint_that_is_no_url_is_an_error_that_shows_it() {
        let error = Traces::new("http://[::1", "prod", "operator-0").map(drop).unwrap_err();
        assert!(error.to_string().contains("http://[::1"), "{error}");
    }
}
