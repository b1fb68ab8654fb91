//! Leases against a real API server: never two holders, also when the network is cut.

use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use solidserver_operator::lease::{Candidacy, Claim, Leases, Timing};

use crate::control_plane::{ControlPlane, shared};
use crate::proxy::Proxy;

const PATIENCE: Duration = Duration::from_secs(60);

fn timing() -> Timing {
    Timing {
        duration: Duration::from_secs(3),
        renew: Duration::from_secs(2),
        retry: Duration::from_millis(400),
    }
}

/// A client that does not repeat requests, at another address when one is given.
async fn client(plane: &ControlPlane, through: Option<&Proxy>) -> kube::Client {
    let file = Kubeconfig::read_from(plane.kubeconfig()).unwrap();
    let mut config = kube::Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.unwrap();
    if let Some(proxy) = through {
        config.cluster_url = format!("https://{}", proxy.address).parse().unwrap();
    }
    config.default_retry = false;
    kube::Client::try_from(config).unwrap()
}

async fn until_held(claim: &Claim) -> Instant {
    let begun = Instant::now();
    while !claim.is_held() {
        assert!(begun.elapsed() < PATIENCE, "the Lease is not held");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Instant::now()
}

async fn until_lost(claim: &Claim) -> Instant {
    let begun = Instant::now();
    while claim.is_held() {
        assert!(begun.elapsed() < PATIENCE, "the Lease is still held");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Instant::now()
}

fn held(claims: &[Claim]) -> usize {
    claims.iter().filter(|claim| claim.is_held()).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_candidates_one_holds_the_lease_and_hands_it_on_when_it_resigns() {
    let plane = shared().await.unwrap();
    let namespace = plane.create_namespace("leases").await.unwrap();
    let mut candidates: Vec<(Leases, Option<Candidacy>)> = Vec::new();
    for instance in ["a", "b", "c"] {
        let leases = Leases::new(client(plane, None).await, &namespace, instance, timing());
        let candidacy = leases.stand("solidserver-default");
        candidates.push((leases, Some(candidacy)));
    }
    let claims: Vec<Claim> = candidates.iter().map(|(_, one)| one.as_ref().unwrap().claim()).collect();
    for turn in 0..3 {
        let begun = Instant::now();
        while held(&claims) == 0 {
            assert!(begun.elapsed() < PATIENCE);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        // It stays where it is over several renewals, and there is no second one.
        let holder = claims.iter().position(Claim::is_held).unwrap();
        for _ in 0..300 {
            assert_eq!(held(&claims), 1, "turn {turn}");
            assert!(claims[holder].is_held());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        candidates[holder].1.take().unwrap().resign().await;
        assert!(!claims[holder].is_held());
        let api: Api<Lease> = Api::namespaced(plane.client().unwrap(), &namespace);
        if turn == 2 {
            let lease = api.get("solidserver-default").await.unwrap();
            let spec = lease.spec.unwrap();
            assert_eq!(spec.holder_identity.as_deref().unwrap_or_default(), "");
            assert_eq!(spec.lease_transitions, Some(2));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_holder_that_is_cut_off_stops_before_another_one_begins() {
    let plane = shared().await.unwrap();
    let namespace = plane.create_namespace("partition").await.unwrap();
    let target = plane.address().unwrap();
    let proxy = Proxy::start(target).await;
    let near = Leases::new(client(plane, Some(&proxy)).await, &namespace, "near", timing());
    let first = near.stand("solidserver-default");
    until_held(&first.claim()).await;
    let far = Leases::new(client(plane, None).await, &namespace, "far", timing());
    let second = far.stand("solidserver-default");
    tokio::time::sleep(timing().duration).await;
    assert!(first.claim().is_held() && !second.claim().is_held(), "a renewed Lease is not taken");

    let (one, other) = (first.claim(), second.claim());
    let lost = tokio::spawn(async move { until_lost(&one).await });
    let got = tokio::spawn(async move { until_held(&other).await });
    proxy.cut();
    let (lost, got) = (lost.await.unwrap(), got.await.unwrap());
    assert!(lost < got, "the first went on for {:?} beside the second", lost.saturating_duration_since(got));

    // Back again, it does not take the Lease from its holder.
    proxy.mend();
    let both = [first.claim(), second.claim()];
    for _ in 0..400 {
        assert!(!both[0].is_held() && both[1].is_held());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // And gets it when the holder vanishes without a word.
    drop(second);
    drop(far);
    until_held(&both[0]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_is_deleted_is_lost_and_made_anew_by_one() {
    let plane = shared().await.unwrap();
    let namespace = plane.create_namespace("deleted-lease").await.unwrap();
    let one = Leases::new(client(plane, None).await, &namespace, "a", timing());
    let other = Leases::new(client(plane, None).await, &namespace, "b", timing());
    let standing = [one.stand("solidserver-x"), other.stand("solidserver-x")];
    let claims = standing.each_ref().map(Candidacy::claim);
    let api: Api<Lease> = Api::namespaced(plane.client().unwrap(), &namespace);
    for _ in 0..2 {
        let begun = Instant::now();
        while held(&claims) == 0 {
            assert!(begun.elapsed() < PATIENCE);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        api.delete("solidserver-x", &DeleteParams::default()).await.unwrap();
        // Whatever happens next, there are never two.
        for _ in 0..400 {
            assert!(held(&claims) <= 1);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    until_any(&claims).await;
    let leases = api.list(&ListParams::default()).await.unwrap().items;
    assert_eq!(leases.len(), 1);
    assert_eq!(
        leases[0].metadata.labels.as_ref().unwrap()["app.kubernetes.io/managed-by"],
        "solidserver-operator"
    );
}

async fn until_any(claims: &[Claim]) {
    let begun = Instant::now();
    while held(claims) == 0 {
        assert!(begun.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Hands over whatever is asked for, at once.
fn obliging(candidacy: Candidacy) -> (Claim, tokio::task::AbortHandle) {
    let claim = candidacy.claim();
    let mut of_any_term = claim.clone();
    let task = tokio::spawn(async move {
        loop {
            let term = of_any_term.begins().await;
            tokio::select! {
                () = term.is_asked_for() => {
                    candidacy.hand_over(&term);
                    term.ends().await;
                }
                () = term.ends() => {}
            }
        }
    });
    (claim, task.abort_handle())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_come_later_get_their_share_and_the_leases_come_to_rest() {
    const LEASES: usize = 6;
    let plane = shared().await.unwrap();
    let namespace = plane.create_namespace("sharing").await.unwrap();
    let mut replicas = Vec::new();
    let mut join = async |instance: &str| {
        let leases = Leases::new(client(plane, None).await, &namespace, instance, timing());
        let standing: Vec<_> =
            (0..LEASES).map(|number| obliging(leases.stand(&format!("solidserver-{number}")))).collect();
        replicas.push((leases, standing));
        replicas
            .iter()
            .map(|(_, standing)| standing.iter().map(|(claim, _)| claim.clone()).collect())
            .collect()
    };
    let shares =
        |claims: &Vec<Vec<Claim>>| -> Vec<usize> { claims.iter().map(|claims| held(claims)).collect() };
    let until_shares = async |claims: &Vec<Vec<Claim>>, expected: &[usize]| {
        let begun = Instant::now();
        loop {
            for number in 0..LEASES {
                let holders = claims.iter().filter(|claims| claims[number].is_held()).count();
                assert!(holders <= 1, "{holders} hold Lease {number}");
            }
            let mut found = shares(claims);
            found.sort_unstable();
            if found == expected {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{found:?} instead of {expected:?}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let claims: Vec<Vec<Claim>> = join("a").await;
    until_shares(&claims, &[6]).await;
    let claims: Vec<Vec<Claim>> = join("b").await;
    until_shares(&claims, &[3, 3]).await;
    let _: Vec<Vec<Claim>> = join("c").await;
    let claims: Vec<Vec<Claim>> = join("d").await;
    until_shares(&claims, &[1, 1, 2, 2]).await;

    // From here on nothing moves: no Lease changes hands, and no question is left on any.
    let api: Api<Lease> = Api::namespaced(plane.client().unwrap(), &namespace);
    let holders = async || -> Vec<(String, String, Option<i32>)> {
        let leases = api.list(&ListParams::default()).await.unwrap().items;
        leases
            .into_iter()
            .map(|lease| {
                let spec = lease.spec.unwrap_or_default();
                assert!(lease.metadata.annotations.unwrap_or_default().is_empty());
                let name = lease.metadata.name.unwrap_or_default();
                (name, spec.holder_identity.unwrap_or_default(), spec.lease_transitions)
            })
            .collect()
    };
    let rested = holders().await;
    let moves: i32 = rested.iter().filter_map(|(.., transitions)| *transitions).sum();
    assert!(
        (5..=8).contains(&moves),
        "{moves} moves, where three to b and one to each of c and d suffice: {rested:?}"
    );
    tokio::time::sleep(timing().retry * 10).await;
    assert_eq!(holders().await, rested);

    // Those of one that vanishes go to the others, evenly.
    let (_, standing) = replicas.remove(0);
    standing.iter().for_each(|(_, task)| task.abort());
    until_shares(&claims[1..].to_vec(), &[2, 2, 2]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_is_asked_for_is_given_back_all_the_same_and_a_question_of_the_dead_is_harmless() {
    let plane = shared().await.unwrap();
    let namespace = plane.create_namespace("asked").await.unwrap();
    let api: Api<Lease> = Api::namespaced(plane.client().unwrap(), &namespace);
    let leases = Leases::new(client(plane, None).await, &namespace, "a", timing());
    let (one, (other, _)) = (leases.stand("solidserver-a"), obliging(leases.stand("solidserver-b")));
    until_held(&one.claim()).await;
    until_held(&other).await;
    let ask = async |name: &str| {
        let patch = serde_json::json!({"metadata": {"annotations": {"solidserver.dev/asked-by": "dead"}}});
        api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    };
    let holder = async |name: &str| {
        let spec = api.get(name).await.unwrap().spec.unwrap_or_default();
        spec.holder_identity.unwrap_or_default()
    };
    // It is handed to one that is not there, and comes back soon.
    ask("solidserver-b").await;
    let begun = Instant::now();
    while holder("solidserver-b").await != "dead" {
        assert!(begun.elapsed() < PATIENCE, "it is not handed over");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert!(!other.is_held());
    until_held(&other).await;
    assert!(one.claim().is_held());
    // The holder's own state of the Lease is older than the question.
    ask("solidserver-a").await;
    one.resign().await;
    assert_eq!(holder("solidserver-a").await, "");
}
