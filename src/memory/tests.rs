use time::Duration;
use uuid::Uuid;

use super::*;
use crate::host::HostErrorKind;
use crate::identity::UniqueKind;

fn record(id: RecordId, version: Version) -> Record {
    Record::new(Kind::Flow, id, version, OffsetDateTime::UNIX_EPOCH, vec![7])
}

fn id() -> RecordId {
    RecordId::new(Uuid::new_v4())
}

fn somebody() -> IdentityId {
    IdentityId::new(Uuid::new_v4())
}

#[tokio::test]
async fn a_record_is_written_only_over_the_version_it_was_read_at() {
    let (memory, id) = (Memory::new(), id());

    assert_eq!(memory.put(&record(id, 1), None).await.unwrap(), Put::Stored);
    assert_eq!(memory.put(&record(id, 1), None).await.unwrap(), Put::Stale);
    assert_eq!(memory.put(&record(id, 2), Some(1)).await.unwrap(), Put::Stored);
    assert_eq!(memory.put(&record(id, 2), Some(1)).await.unwrap(), Put::Stale);
}

#[tokio::test]
async fn a_unit_that_is_dropped_did_nothing() {
    let (memory, id) = (Memory::new(), id());
    let mut unit = memory.begin().await.unwrap();
    let _ = unit.put(&record(id, 1), None).await.unwrap();

    drop(unit);

    assert_eq!(memory.count(Kind::Flow), 0);
}

#[tokio::test]
async fn of_two_units_that_spend_one_record_the_second_gets_a_conflict() {
    let (memory, id) = (Memory::new(), id());
    let _ = memory.put(&record(id, 1), None).await.unwrap();
    let (mut first, mut second) = (memory.begin().await.unwrap(), memory.begin().await.unwrap());
    let spent = |version| record(id, version).with_spent(Some(somebody()));
    assert!(first.spend(&spent(2), 1).await.unwrap());
    assert!(second.spend(&spent(2), 1).await.unwrap());

    first.commit().await.unwrap();
    let error = second.commit().await.unwrap_err();

    assert_eq!(error.kind(), HostErrorKind::Conflict);
    assert!(!memory.begin().await.unwrap().spend(&spent(3), 2).await.unwrap());
}

#[tokio::test]
async fn of_two_units_that_claim_one_value_the_second_gets_a_conflict_and_does_nothing() {
    let memory = Memory::new();
    let claim = [Unique::new(UniqueKind::Identifier, "ada")];
    let (mut first, mut second) = (memory.begin().await.unwrap(), memory.begin().await.unwrap());
    assert!(transaction(first.as_mut()).unwrap().claim(&claim, somebody()));
    assert!(transaction(second.as_mut()).unwrap().claim(&claim, somebody()));
    let id = id();
    let _ = second.put(&record(id, 1), None).await.unwrap();

    first.commit().await.unwrap();
    let error = second.commit().await.unwrap_err();

    assert_eq!(error.kind(), HostErrorKind::Conflict);
    assert_eq!(memory.count(Kind::Flow), 0);
}

#[tokio::test]
async fn sweeping_removes_what_expired_before_and_nothing_else() {
    let memory = Memory::new();
    for minutes in 0..5 {
        let expiry = OffsetDateTime::UNIX_EPOCH + Duration::minutes(minutes);
        let _ = memory.put(&Record::new(Kind::Error, id(), 1, expiry, Vec::new()), None).await.unwrap();
    }
    let third = OffsetDateTime::UNIX_EPOCH + Duration::minutes(3);

    assert_eq!(memory.sweep(third, 2).await.unwrap(), 2);
    assert_eq!(memory.sweep(third, 2).await.unwrap(), 1);
    assert_eq!(memory.sweep(third, 2).await.unwrap(), 0);
    assert_eq!(memory.count(Kind::Error), 2);
}
