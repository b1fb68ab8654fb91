//! Traces: a collector of the tests' own takes what the operator sends, and reads it with the protocol's generated types.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::task::JoinHandle;

use solidserver_simulator::RowPatch;

use crate::world::{World, manifest};

/// Takes spans until it is dropped.
struct Collector {
    address: String,
    taken: Arc<Mutex<Taken>>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct Taken {
    spans: Vec<Span>,
    resource: BTreeMap<String, String>,
    headers: HeaderMap,
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Collector {
    async fn start() -> Self {
        let taken = Arc::new(Mutex::new(Taken::default()));
        let into = Arc::clone(&taken);
        let take = async move |headers: HeaderMap, body: Bytes| {
            let Ok(request) = ExportTraceServiceRequest::decode(body) else { return StatusCode::BAD_REQUEST };
            let mut taken = into.lock().unwrap();
            taken.headers = headers;
            for spans in request.resource_spans {
                taken.resource = named(&spans.resource.unwrap().attributes);
                taken.spans.extend(spans.scope_spans.into_iter().flat_map(|scope| scope.spans));
            }
            StatusCode::OK
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/v1/traces", post(take));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, taken, serving }
    }

    fn spans(&self) -> Vec<Span> {
        self.taken.lock().unwrap().spans.clone()
    }
}

fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}

fn named(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    attributes.iter().map(|one| (one.key.clone(), text(one.value.as_ref()))).collect()
}

/// A span as a line: its name and what matters of its attributes.
fn line(span: &Span) -> String {
    let attributes = named(&span.attributes);
    let of = |name: &str| attributes.get(name).cloned().unwrap_or_default();
    match span.name.as_str() {
        "change" => format!("change {}/{}", of("k8s.namespace.name"), of("dnsrecord")),
        "settle" => format!("settle {} {} {}", of("motive"), of("ending"), of("reason")),
        "call" => format!("call {} {}", of("service"), of("outcome")),
        "patch" => format!("patch {:?} {}", of("subresource"), of("outcome")),
        other => other.to_owned(),
    }
}

/// The spans below one, in the order in which they began, each with two spaces more than the one above.
fn tree(spans: &[Span], root: &Span) -> Vec<String> {
    let mut lines = vec![line(root)];
    let mut below: Vec<&Span> = spans.iter().filter(|span| span.parent_span_id == root.span_id).collect();
    below.sort_by_key(|span| span.start_time_unix_nano);
    for span in below {
        assert_eq!(span.trace_id, root.trace_id);
        assert!(span.start_time_unix_nano >= root.start_time_unix_nano);
        assert!(span.end_time_unix_nano <= root.end_time_unix_nano, "{span:?} {root:?}");
        lines.extend(tree(spans, span).iter().map(|line| format!("  {line}")));
    }
    lines
}

/// The trees of spans without a parent that begin with `begin`, and the names of what their spans are linked to.
fn trees(spans: &[Span], begin: &str) -> Vec<Vec<String>> {
    let roots = spans.iter().filter(|span| span.parent_span_id.is_empty() && line(span).starts_with(begin));
    roots.map(|root| tree(spans, root)).collect()
}

async fn traced(collector: &str) -> World {
    let mut world = World::new().await;
    world.set_environment("OTEL_BSP_SCHEDULE_DELAY", "200");
    world.set_environment("SOLIDSERVER_OPERATOR_OTLP_ENDPOINT", collector);
    world.set_environment("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer of-the-collector");
    world
        .solid_server("default", "resyncInterval: 1h\n  defaults: {dnsServer: ns.example.com, ttl: 600}")
        .await;
    world.start_operator().await;
    world.namespace("shop").await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_followed_from_the_watch_event_to_its_status_and_a_repair_from_its_pass() {
    let collector = Collector::start().await;
    let mut world = traced(&collector.address).await;
    // What is listed at the start is not followed, and nothing is before the appliance is known.
    world.a_round("default").await;
    world.apply(&manifest("shop", "web", "fqdn: web.example.com, type: A, values: [192.0.2.10]")).await;
    world.until_reason("shop", "web", "InSync").await;
    world.until("the change is there", async || !trees(&collector.spans(), "change").is_empty()).await;
    let spans = collector.spans();
    assert_eq!(
        trees(&spans, "change"),
        [[
            "change shop/web",
            "  settle Request Settled InSync",
            "    patch \"\" ok",
            "    call dns_rr_add ok",
            "    patch \"status\" ok"
        ]]
    );
    // The pass is a trace of its own, for it serves many; each record is linked to it.
    let settled = spans.iter().find(|span| span.name == "settle").unwrap();
    let pass =
        spans.iter().find(|span| span.name == "pass" && span.span_id == settled.links[0].span_id).unwrap();
    assert!(
        tree(&spans, pass).iter().any(|line| line == "  call dns_rr_list ok"),
        "{:?}",
        tree(&spans, pass)
    );

    // Behind its back; nobody has changed the DnsRecord.
    let id = world.simulator.rows_at("web.example.com")[0].id.clone();
    world.simulator.patch_row(&id, RowPatch { ttl: Some(60), ..RowPatch::default() }).unwrap();
    world.a_round("default").await;
    world.until("the repair is there", async || !trees(&collector.spans(), "settle").is_empty()).await;
    assert_eq!(
        trees(&collector.spans(), "settle"),
        [["settle Drift Settled InSync", "  call dns_rr_add ok", "  patch \"status\" ok"]]
    );
    // What is in sync leaves no trace, and what is still to be sent is sent at the end.
    let log = world.log();
    assert!(world.stop_operator().await.success());
    let taken = collector.taken.lock().unwrap();
    assert_eq!(taken.resource["service.name"], "solidserver-operator");
    assert_eq!(taken.resource["k8s.cluster.name"], "test");
    assert_eq!(taken.headers["authorization"], "Bearer of-the-collector");
    assert!(!log.contains("of-the-collector"), "{log}");
    let secrets = taken.spans.iter().filter(|span| format!("{span:?}").contains(crate::wire::SECRET));
    assert_eq!(secrets.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_not_there_holds_up_nobody() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut world = traced(&format!("http://{closed}")).await;
    world.apply(&manifest("shop", "web", "fqdn: web.example.com, type: A, values: [192.0.2.10]")).await;
    world.until_reason("shop", "web", "InSync").await;
    world.until("it is told", async || world.log().contains("opentelemetry")).await;
    assert!(world.stop_operator().await.success());
}
