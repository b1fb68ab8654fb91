//! Control planes that are used again: to start one costs seconds of work, to empty one next to nothing.

use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::api::{Api, ListParams};
use serde_json::{Value, json};
use solidserver_operator::api::{DnsRecord, SolidServer};

use super::control_plane::{ControlPlane, Options};

/// Where the API server keeps the objects of our kinds. The definitions are elsewhere.
const OUR_OBJECTS: &str = "/registry/solidserver.dev/";

/// Events about objects without a namespace are in `default`, which stays.
const EVENTS: &str = "/registry/events/";

/// Namespaces that the API server makes.
const BUILT_IN: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

/// Those that nobody uses now, as their last users left them.
static IDLE: Mutex<Vec<ControlPlane>> = Mutex::new(Vec::new());

/// A control plane with the definitions and nothing else, for one user at a time.
pub(crate) struct Plane(Option<ControlPlane>);

impl Plane {
    /// Takes an idle one, or starts one. Nobody else uses it until this is dropped.
    pub(crate) async fn take(options: Options) -> Self {
        if let Some(plane) = idle(options.controller_manager) {
            empty(&plane).await;
            return Self(Some(plane));
        }
        let plane = ControlPlane::start(options).await.expect("a control plane");
        plane.install_crds().await.expect("the definitions");
        Self(Some(plane))
    }
}

impl Deref for Plane {
    type Target = ControlPlane;

    fn deref(&self) -> &ControlPlane {
        self.0.as_ref().expect("it is there until it is dropped")
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        // Nothing is known of the state that a failed test leaves, and what else deploy/base has would stay.
        if let Some(plane) = self.0.take().filter(|plane| !plane.has_operator() && !std::thread::panicking())
        {
            IDLE.lock().unwrap_or_else(PoisonError::into_inner).push(plane);
        }
    }
}

fn idle(controller_manager: bool) -> Option<ControlPlane> {
    let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
    let place = idle.iter().position(|plane| plane.has_controller_manager() == controller_manager)?;
    Some(idle.swap_remove(place))
}

/// Removes whatever its users have made. Objects with finalizers would stay for ever without their operator, so it is done
/// below the API server, which is told of it by its watches.
async fn empty(plane: &ControlPlane) {
    let client = plane.client().expect("a client");
    let namespaces = Api::<Namespace>::all(client.clone());
    let used: BTreeSet<String> = namespaces
        .list(&ListParams::default())
        .await
        .expect("the namespaces")
        .into_iter()
        .filter_map(|namespace| namespace.metadata.name)
        .filter(|name| !BUILT_IN.contains(&name.as_str()))
        .collect();
    let etcd = Etcd { url: plane.etcd_url().to_owned(), client: reqwest::Client::new() };
    let mut gone = BTreeSet::from([OUR_OBJECTS.to_owned(), EVENTS.to_owned()]);
    for key in etcd.keys("/registry/").await {
        let mut length = 0;
        for segment in key.split_inclusive('/') {
            length += segment.len();
            if used.contains(segment.trim_end_matches('/')) {
                gone.insert(key[..length].to_owned());
                break;
            }
        }
    }
    for key in gone {
        etcd.delete(&key).await;
    }
    // What a watch gets first may come from the API server's memory.
    for _ in 0..1000 {
        let cached = ListParams::default().at("0").match_any();
        let records = Api::<DnsRecord>::all(client.clone()).list_metadata(&cached).await.expect("a list");
        let servers = Api::<SolidServer>::all(client.clone()).list_metadata(&cached).await.expect("a list");
        let secrets = Api::<Secret>::all(client.clone()).list_metadata(&cached).await.expect("a list");
        let names = namespaces.list_metadata(&cached).await.expect("a list");
        let is_used = |namespace: Option<&String>| namespace.is_some_and(|name| used.contains(name));
        if records.items.is_empty()
            && servers.items.is_empty()
            && !secrets.items.iter().any(|secret| is_used(secret.metadata.namespace.as_ref()))
            && !names.items.iter().any(|namespace| is_used(namespace.metadata.name.as_ref()))
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the API server does not see that its objects are gone");
}

/// etcd by its JSON gateway; keys are in Base64 there.
struct Etcd {
    url: String,
    client: reqwest::Client,
}

impl Etcd {
    async fn call(&self, path: &str, key: &str, more: Value) -> Value {
        let mut end = key.as_bytes().to_vec();
        match end.last_mut() {
            // All that is below: up to the first key that comes after.
            Some(last) if *last == b'/' => *last += 1,
            _ => end.push(0),
        }
        let mut request = json!({"key": STANDARD.encode(key), "range_end": STANDARD.encode(end)});
        request.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        let answer = self
            .client
            .post(format!("{}{path}", self.url))
            .json(&request)
            .send()
            .await
            .expect("etcd answers");
        answer.error_for_status().expect("etcd does it").json().await.expect("JSON")
    }

    async fn keys(&self, below: &str) -> Vec<String> {
        let answer = self.call("/v3/kv/range", below, json!({"keys_only": true})).await;
        let keys = answer["kvs"].as_array().cloned().unwrap_or_default();
        let key = |entry: Value| {
            STANDARD.decode(entry["key"].as_str()?).ok().and_then(|key| String::from_utf8(key).ok())
        };
        keys.into_iter().filter_map(key).collect()
    }

    /// Deletes this key, or all below one that ends in a slash.
    async fn delete(&self, key: &str) {
        self.call("/v3/kv/deleterange", key, json!({})).await;
    }
}
