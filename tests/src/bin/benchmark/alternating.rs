//! Two things measured in runs that alternate: machines are noisy, and only what is measured next to each
//! other can be compared.

use serde::Serialize;

use crate::convoke::median;

/// How often each of the two is measured.
pub const RUNS: u32 = 5;

/// Processor time of the server per request, in microseconds, of one kind of request.
#[derive(Clone, Debug, Serialize)]
pub struct Kind {
    pub request: &'static str,
    pub connections: usize,
    /// Median of the runs of what is compared with.
    pub before: f64,
    /// Median of the runs of what is compared.
    pub now: f64,
    pub ratio: f64,
    pub runs_before: Vec<f64>,
    pub runs_now: Vec<f64>,
}

/// Compares the second of two things with the first: `measure(which, run)` gives the processor time.
pub async fn compare(
    request: &'static str,
    connections: usize,
    mut measure: impl AsyncFnMut(usize, u32) -> f64,
) -> Kind {
    let mut runs = [Vec::new(), Vec::new()];
    for run in 0..RUNS {
        // Neither always goes first.
        let order = if run % 2 == 0 { [0, 1] } else { [1, 0] };
        for which in order {
            let time = measure(which, run).await;
            runs[which].push(time);
        }
    }
    let [before, now] = [0, 1].map(|which| median(runs[which].iter().copied()));
    let [runs_before, runs_now] = runs;
    Kind {
        request,
        connections,
        before,
        now,
        ratio: now / before,
        runs_before,
        runs_now,
    }
}
