//! Writes that do not stick.

use std::time::Duration;

use super::*;

const HOUR: Duration = Duration::from_secs(3600);

fn seen(value: &str) -> Decision {
    let claim = claim("shop/web", "a.example.com 600 A 192.0.2.1");
    let rows = (!value.is_empty()).then(|| row(&format!("1 a.example.com 600 A {value}")).marked("shop/web"));
    Scene::new([claim], rows).decision("shop/web")
}

/// The result of a look at this value: whether it was written.
fn round(brake: &mut Brake, value: &str, now: Duration) -> Result<(), Braked> {
    let decision = seen(value);
    if decision.steps.is_empty() {
        brake.fulfilled(decision.fingerprint);
        return Ok(());
    }
    brake.check(&decision, now)?;
    brake.sent(decision.fingerprint);
    Ok(())
}

#[test]
fn an_appliance_that_keeps_something_else_is_written_to_twice() {
    let mut brake = Brake::default();
    round(&mut brake, "", Duration::ZERO).unwrap();
    round(&mut brake, "192.0.2.9", Duration::ZERO).unwrap();
    for minutes in 0..59 {
        let now = Duration::from_secs(60 * minutes);
        let braked = round(&mut brake, "192.0.2.9", now).unwrap_err();
        assert_eq!(braked.reason, BrakeReason::NotStoredAsSent);
        assert!(braked.message.contains("has TTL 600 and 192.0.2.9"), "found: {}", braked.message);
        assert!(braked.message.contains("wanted are TTL 600 and 192.0.2.1"), "wanted: {}", braked.message);
    }
}

#[test]
fn somebody_who_changes_it_back_is_told_from_an_appliance_that_does_not_keep_it() {
    let mut brake = Brake::default();
    round(&mut brake, "", Duration::ZERO).unwrap();
    round(&mut brake, "192.0.2.1", Duration::ZERO).unwrap();
    round(&mut brake, "192.0.2.9", Duration::ZERO).unwrap();
    let braked = round(&mut brake, "192.0.2.9", Duration::ZERO).unwrap_err();
    assert_eq!(braked.reason, BrakeReason::Contested);
}

#[test]
fn a_row_that_is_missing_again_may_have_been_deleted_by_somebody_once() {
    let mut brake = Brake::default();
    round(&mut brake, "", Duration::ZERO).unwrap();
    round(&mut brake, "", Duration::ZERO).unwrap();
    let braked = round(&mut brake, "", Duration::ZERO).unwrap_err();
    assert_eq!(braked.reason, BrakeReason::NotStoredAsSent);
}

#[test]
fn a_held_write_does_not_hold_a_deletion_up() {
    let deletion = || {
        let claim = claim("shop/web", "a.example.com 600 A 192.0.2.1").stage(Stage::Deleting);
        Scene::new([claim], [row("1 a.example.com 600 A 192.0.2.9").marked("shop/web")]).decision("shop/web")
    };
    let mut brake = Brake::default();
    round(&mut brake, "192.0.2.9", Duration::ZERO).unwrap();
    round(&mut brake, "192.0.2.9", Duration::ZERO).unwrap_err();
    brake.check(&deletion(), Duration::ZERO).unwrap();
    let mut restored = Brake::restored(BrakeReason::Rejected, String::new(), HOUR);
    restored.check(&deletion(), Duration::ZERO).unwrap();
}

#[test]
fn another_failure_each_time_ends_after_three_writes() {
    let mut brake = Brake::default();
    let values = ["", "192.0.2.7", "192.0.2.8", "192.0.2.9"];
    let written = values.iter().filter(|value| round(&mut brake, value, Duration::ZERO).is_ok()).count();
    assert_eq!(written, 3);
}

#[test]
fn it_is_tried_again_after_one_six_and_twenty_four_hours() {
    let mut brake = Brake::default();
    round(&mut brake, "192.0.2.9", Duration::ZERO).unwrap();
    let mut now = Duration::ZERO;
    for hours in [1, 6, 24, 24] {
        let braked = round(&mut brake, "192.0.2.9", now).unwrap_err();
        assert_eq!(braked.until, now + hours * HOUR);
        assert_eq!(brake.until(), Some(braked.until));
        assert!(round(&mut brake, "192.0.2.9", braked.until - Duration::from_secs(1)).is_err());
        now = braked.until;
        round(&mut brake, "192.0.2.9", now).unwrap();
    }
}

#[test]
fn another_row_or_another_wish_lets_it_go_at_once() {
    let held = || {
        let mut brake = Brake::default();
        round(&mut brake, "192.0.2.9", Duration::ZERO).unwrap();
        round(&mut brake, "192.0.2.9", Duration::ZERO).unwrap_err();
        brake
    };
    round(&mut held(), "192.0.2.8", Duration::ZERO).unwrap();
    let other = claim("shop/web", "a.example.com 60 A 192.0.2.1");
    let rows = [row("1 a.example.com 600 A 192.0.2.9").marked("shop/web")];
    let other = Scene::new([other], rows).decision("shop/web");
    held().check(&other, Duration::ZERO).unwrap();
}

#[test]
fn after_a_restart_what_was_held_is_held() {
    let message = "the appliance's words".to_owned();
    let mut brake = Brake::restored(BrakeReason::Rejected, message.clone(), HOUR);
    let braked = round(&mut brake, "", Duration::ZERO).unwrap_err();
    assert_eq!((braked.reason, braked.message), (BrakeReason::Rejected, message));
    round(&mut brake, "", HOUR).unwrap();
}

#[test]
fn a_row_that_exists_and_is_not_seen_is_hidden_the_second_time() {
    let mut brake = Brake::default();
    assert!(!brake.existed_before(seen("").fingerprint));
    assert!(!brake.existed_before(seen("192.0.2.9").fingerprint), "something else is seen");
    assert!(brake.existed_before(seen("192.0.2.9").fingerprint));
}

#[test]
fn the_order_of_rows_leaves_no_fingerprint() {
    let claim = claim("shop/web", "a.example.com 600 A 192.0.2.1");
    let rows = [row("1 a.example.com 600 A 192.0.2.8"), row("2 a.example.com 600 A 192.0.2.9")];
    let there = Scene::new([claim.clone()], rows.clone()).decision("shop/web").fingerprint;
    let back = Scene::new([claim], rows.into_iter().rev()).decision("shop/web").fingerprint;
    assert_eq!(there, back);
}
