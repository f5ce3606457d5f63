//! What runs beside requests.

use time::Duration;
use tower_registration::host::Kind;
use tower_registration::testing::App;

use super::ada;

#[tokio::test]
async fn flows_are_swept_a_day_after_they_expired() {
    let app = App::new().unwrap();
    let _ = app.native().open().await;
    let sweeper = app.registration().sweeper();

    app.clock().advance(Duration::hours(24));
    let early = sweeper.sweep().await.unwrap();
    app.clock().advance(Duration::hours(2));
    let late = sweeper.sweep().await.unwrap();

    assert_eq!((early, late), (0, 1));
    assert_eq!(app.memory().count(Kind::Flow), 0);
}

#[tokio::test]
async fn identities_are_never_swept() {
    let app = App::new().unwrap();
    let mut native = app.native();
    let page = native.open().await;
    let _ = native.submit(&page, ada()).await;
    app.clock().advance(Duration::days(400));

    app.registration().sweeper().sweep().await.unwrap();

    assert_eq!(app.identities().len(), 1);
    assert_eq!(app.memory().count(Kind::Session), 0);
}

#[tokio::test]
async fn the_sweeper_stops_when_it_is_told_to() {
    let app = App::new().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let sweeper = app.registration().sweeper();
    let running = tokio::spawn(async move { sweeper.run_until(async { drop(stopped.await) }).await });

    drop(stop);

    tokio::time::timeout(std::time::Duration::from_secs(5), running).await.unwrap().unwrap();
}
