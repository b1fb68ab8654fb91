//! The control plane itself: what the other tests stand on.

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use kube::{
    Api, ResourceExt as _,
    api::{DeleteParams, ListParams, PostParams},
};

use crate::control_plane::{ControlPlane, Options, shared};

#[tokio::test]
async fn starts_without_controllers_and_ends_when_dropped() {
    let begin = Instant::now();
    let control_plane = ControlPlane::start(Options::default()).await.unwrap();
    println!("started within {:?}", begin.elapsed());
    let client = control_plane.client().unwrap();
    let version = client.apiserver_version().await.unwrap();
    assert_eq!(version.major, "1");
    let folder = control_plane.folder().to_path_buf();
    assert!(folder.join("kube-apiserver.log").is_file());
    assert!(!folder.join("kube-controller-manager.log").exists());
    drop(control_plane);
    assert!(!folder.exists());
    client.apiserver_version().await.unwrap_err();
}

#[tokio::test]
async fn kubectl_and_the_api_server_are_of_one_minor_version() {
    let control_plane = shared().await.unwrap();
    let versions = control_plane.kubectl(&["version", "--output=json"]).await.unwrap().success().unwrap();
    let versions: serde_json::Value = serde_json::from_str(&versions).unwrap();
    let minor = |side: &str| versions[side]["minor"].as_str().map(String::from);
    assert!(minor("serverVersion").is_some(), "{versions}");
    assert_eq!(minor("clientVersion"), minor("serverVersion"));
}

#[tokio::test]
async fn a_kubectl_that_fails_says_why() {
    let control_plane = shared().await.unwrap();
    let output = control_plane.kubectl(&["get", "configmap", "nobody"]).await.unwrap();
    assert!(!output.status.success());
    let error = output.success().unwrap_err().to_string();
    assert!(error.starts_with("kubectl get configmap nobody ended with exit status: 1:\n"), "{error}");
    assert!(error.contains("configmaps \"nobody\" not found"), "{error}");
}

#[tokio::test]
async fn a_deleted_namespace_goes_with_what_is_in_it() {
    let control_plane = shared().await.unwrap();
    let name = control_plane.create_namespace("going").await.unwrap();
    let manifest = "{apiVersion: v1, kind: ConfigMap, metadata: {name: inside}}";
    let apply = ["apply", "--namespace", &name, "--filename=-"];
    control_plane.kubectl_with_stdin(&apply, manifest).await.unwrap().success().unwrap();

    let client = control_plane.client().unwrap();
    let namespaces: Api<Namespace> = Api::all(client.clone());
    namespaces.delete(&name, &DeleteParams::default()).await.unwrap();
    let patience = Instant::now() + Duration::from_secs(60);
    while namespaces.get_opt(&name).await.unwrap().is_some() {
        assert!(Instant::now() < patience, "namespace {name} is still there after a minute");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let inside: Api<ConfigMap> = Api::namespaced(client, &name);
    assert_eq!(inside.list(&ListParams::default()).await.unwrap().items.len(), 0);
}

#[tokio::test]
async fn the_crds_are_served() {
    let control_plane = shared().await.unwrap();
    let resources = ["api-resources", "--api-group=solidserver.dev", "--output=name"];
    let resources = control_plane.kubectl(&resources).await.unwrap().success().unwrap();
    let mut resources: Vec<&str> = resources.lines().collect();
    resources.sort_unstable();
    assert_eq!(resources, ["dnsrecords.solidserver.dev", "solidservers.solidserver.dev"]);
}

#[tokio::test]
async fn a_service_account_has_its_own_kubeconfig_and_no_rights() {
    let control_plane = shared().await.unwrap();
    let namespace = control_plane.create_namespace("account").await.unwrap();
    let create = ["create", "serviceaccount", "reader", "--namespace", &namespace];
    control_plane.kubectl(&create).await.unwrap().success().unwrap();
    let kubeconfig = control_plane.kubeconfig_for(&namespace, "reader").await.unwrap();

    let kubectl = control_plane.kubectl_as(&kubeconfig);
    let who =
        kubectl.run(&["auth", "whoami", "--output=jsonpath={.status.userInfo.username}"]).await.unwrap();
    assert_eq!(who.success().unwrap(), format!("system:serviceaccount:{namespace}:reader"));
    let client = control_plane.client_as(&kubeconfig).await.unwrap();
    let secrets: Api<Secret> = Api::namespaced(client, &namespace);
    let refused = secrets.list(&ListParams::default()).await.unwrap_err();
    assert!(matches!(&refused, kube::Error::Api(status) if status.code == 403), "{refused}");
}

#[tokio::test]
async fn namespaces_of_tests_are_never_the_same() {
    let control_plane = shared().await.unwrap();
    let first = control_plane.create_namespace("same").await.unwrap();
    let second = control_plane.create_namespace("same").await.unwrap();
    assert_ne!(first, second);
    let namespaces: Api<Namespace> = Api::all(control_plane.client().unwrap());
    assert_eq!(namespaces.get(&first).await.unwrap().name_any(), first);
    let again = Namespace {
        metadata: kube::api::ObjectMeta { name: Some(second), ..Default::default() },
        ..Default::default()
    };
    namespaces.create(&PostParams::default(), &again).await.unwrap_err();
}
