//! How the cost of each step grows with what is stored. The hash is made as cheap as it can be: what is left is the
//! storage's.

use std::time::Instant;

use tower_registration::Hashing;

use super::place::{Place, Which};
use crate::median;

/// How often each step is taken in a round.
const TIMES: usize = 20;
/// Records of one sweep.
const SWEPT: usize = 500;
const STEPS: [&str; 4] = ["open", "show", "submit", "sweep of 500"];

/// Milliseconds by step.
type Times = [Vec<f64>; 4];

pub(crate) async fn compare(sizes: &[usize], rounds: usize) {
    for which in [Which::Sqlite, Which::Postgres] {
        let mut places = Vec::new();
        for rows in sizes {
            let place = Place::new(which, Hashing::new().cost(8, 1)).await;
            let begun = Instant::now();
            place.fill(*rows).await;
            println!("{which:?}: {rows} flows and {rows} identities are there after {:.1?}", begun.elapsed());
            places.push((*rows, place, Times::default()));
        }
        // What is measured first is measured cold.
        for (_, place, _) in &places {
            measure(place, &mut Times::default()).await;
        }
        for _ in 0..rounds {
            for (_, place, times) in &mut places {
                measure(place, times).await;
            }
        }
        table(which, places.iter_mut().map(|(rows, _, times)| (*rows, times)).collect());
    }
}

async fn measure(place: &Place, times: &mut Times) {
    let mut client = place.client();
    for _ in 0..TIMES {
        let begun = Instant::now();
        let page = client.open().await;
        times[0].push(begun.elapsed().as_secs_f64() * 1_000.0);
        let flow = page.flow_id().unwrap();
        let begun = Instant::now();
        let shown = client.show(&flow).await;
        times[1].push(begun.elapsed().as_secs_f64() * 1_000.0);
        assert_eq!(shown.status(), 200);
        let begun = Instant::now();
        place.sign_up(&page).await;
        times[2].push(begun.elapsed().as_secs_f64() * 1_000.0);
    }
    place.expire(SWEPT).await;
    times[3].push(place.sweep(SWEPT).await);
}

fn table(which: Which, mut places: Vec<(usize, &mut Times)>) {
    println!("\n{which:?}, milliseconds, medians");
    let smallest: Vec<f64> = places[0].1.iter_mut().map(|times| median(times)).collect();
    for (step, name) in STEPS.iter().enumerate() {
        let columns = places.iter_mut().map(|(rows, times)| {
            let took = median(&mut times[step]);
            format!("{rows} rows: {took:.3} ({:.2})", took / smallest[step])
        });
        println!("{name}: {}", columns.collect::<Vec<_>>().join("; "));
    }
    println!();
}
