//! The three logins, each for a list with awkward characters and for a write.

use std::time::Duration;

use rstest::rstest;
use solidserver_operator::record::RecordType;
use solidserver_operator::solidserver::{Credentials, Error};
use solidserver_simulator::{Config, Token};

use super::{Dialect, client_with, edit, name, names, new_row, place, start, with_rows};

fn token(id: &str, secret: &str) -> Credentials {
    Credentials::Token { id: id.into(), secret: secret.into() }
}

fn logins() -> [(&'static str, Credentials, Credentials); 3] {
    let password = |text: &str| ("operator".into(), text.into());
    let basic = |text| {
        let (username, password) = password(text);
        Credentials::Basic { username, password }
    };
    let native = |text| {
        let (username, password) = password(text);
        Credentials::Native { username, password }
    };
    [
        ("basic", basic("secret"), basic("wrong")),
        ("native", native("secret"), native("wrong")),
        ("token", token("id1", "s3cret"), token("id1", "wrong")),
    ]
}

#[rstest]
#[tokio::test]
async fn lists_and_writes_are_let_in_under_each_login_on_http1_and_http2(
    #[values(Dialect::Rest, Dialect::V2)] dialect: Dialect,
) {
    for http2 in [true, false] {
        for (kind, right, wrong) in logins() {
            let token = Some(Token::new("id1", "s3cret"));
            let simulator = start(dialect, Config { http2, token, ..with_rows(5) }).await;
            let client = client_with(&simulator, |settings| settings.credentials = right);
            // Five beside SOA and NS.
            assert_eq!(client.read_zone(&place()).await.unwrap().rows.len(), 7, "{kind}");
            assert_eq!(client.read_names(&place(), &names(0..5)).await.unwrap().rows.len(), 5, "{kind}");
            // In the query with characters that are encoded, and in the body, which is not signed.
            let owner = "text.shop.example.com";
            let mut row = new_row(owner, RecordType::Txt, "a b&c=d+é'~*(%41)");
            row.parameters.insert("note".to_owned(), "ü/?#[]@!$ ".to_owned());
            let id = client.add(&place(), &row).await.unwrap();
            let long = "\"ü\" ".repeat(1_000);
            client.edit(&place(), &id, &edit(RecordType::Txt, &long, 60)).await.unwrap();
            let reading = client.read_names(&place(), &[name(owner)]).await.unwrap();
            assert_eq!((reading.rows.len(), reading.rows[0].ttl), (1, 60), "{kind}");
            client.delete(&place(), &reading.rows[0].id).await.unwrap();
            assert!(simulator.rows_at(owner).is_empty(), "{kind}");

            let stranger = client_with(&simulator, |settings| settings.credentials = wrong);
            assert_eq!(stranger.version().await, Err(Error::Unauthorized), "{kind}");
            assert_eq!(stranger.add(&place(), &row).await, Err(Error::Unauthorized), "{kind}");
            let log = simulator.call_log();
            assert!(log.len() >= 8 && log.iter().all(|call| call.login == kind), "{kind}: {log:?}");
            simulator.shutdown().await;
        }
    }
}

#[rstest]
#[tokio::test]
async fn a_skewed_clock_is_no_wrong_login(#[values(Dialect::Rest, Dialect::V2)] dialect: Dialect) {
    let simulator = start(dialect, Config { token: Some(Token::new("id1", "s3cret")), ..with_rows(1) }).await;
    let client = client_with(&simulator, |settings| settings.credentials = token("id1", "s3cret"));
    simulator.set_clock_ahead(Duration::from_secs(3_600));
    let row = new_row("a.shop.example.com", RecordType::A, "192.0.2.1");
    assert_eq!(client.version().await, Err(Error::ClockSkew));
    assert_eq!(client.add(&place(), &row).await, Err(Error::ClockSkew));
    let stranger = client_with(&simulator, |settings| settings.credentials = token("id1", "wrong"));
    assert_eq!(stranger.version().await, Err(Error::Unauthorized));
    simulator.set_clock_ahead(Duration::ZERO);
    assert!(client.add(&place(), &row).await.is_ok());
    simulator.shutdown().await;
}
