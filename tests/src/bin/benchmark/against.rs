//! Two builds of the server side by side, in slices that alternate: machines are noisy, and only what is
//! measured next to each other can be compared.

use std::{path::Path, time::Duration};

use serde::Serialize;

use crate::{
    child::Child,
    convoke::{get, median, put},
    load,
};

/// How often each kind of request is measured on each build.
const RUNS: u32 = 5;
/// Objects that are there to be read.
const OBJECTS: u64 = 4096;

/// Processor time of the server per request, in microseconds, of one kind of request.
#[derive(Clone, Debug, Serialize)]
pub struct Kind {
    pub request: &'static str,
    pub connections: usize,
    /// Median of the runs of the other build.
    pub before: f64,
    /// Median of the runs of this one.
    pub now: f64,
    pub ratio: f64,
    pub runs_before: Vec<f64>,
    pub runs_now: Vec<f64>,
}

/// Both builds, each on a store of its own.
struct Builds {
    before: Child,
    now: Child,
    time: Duration,
}

/// Compares this build with that of another benchmark program. Each kind of request takes so long.
pub async fn measure(folder: &Path, other: &Path, time: Duration) -> Vec<Kind> {
    let start = |program: &Path, name: &str| {
        let data = folder.join(name);
        Child::start_program(
            program,
            &["child-convoke", data.to_str().expect("a UTF-8 path")],
        )
    };
    let own = std::env::current_exe().expect("this program's path");
    let builds = Builds {
        before: start(other, "before"),
        now: start(&own, "now"),
        time: time / (2 * RUNS),
    };
    for server in [&builds.before, &builds.now] {
        load::run_number(server, 1, OBJECTS, 201, put("alice", "seed", 0)).await;
    }
    let mut kinds = Vec::new();
    for connections in [1, 16] {
        let gets = |_| get("alice", "seed", 0, OBJECTS);
        let puts = |run| match connections {
            1 => put("alice", "one", run),
            _ => put("alice", "sixteen", run),
        };
        kinds.push(builds.compare("GET", connections, 200, gets).await);
        kinds.push(builds.compare("PUT", connections, 201, puts).await);
    }
    builds.before.stop();
    builds.now.stop();
    kinds
}

impl Builds {
    async fn compare<R>(
        &self,
        request: &'static str,
        connections: usize,
        status: u16,
        mut requests: impl FnMut(u32) -> R,
    ) -> Kind
    where
        R: Fn(usize, u64) -> Vec<u8> + Clone + 'static,
    {
        let (mut runs_before, mut runs_now) = (Vec::new(), Vec::new());
        for run in 0..RUNS {
            let mut servers = [(&self.before, &mut runs_before), (&self.now, &mut runs_now)];
            // Neither always goes first.
            if run % 2 == 1 {
                servers.reverse();
            }
            for (server, runs) in servers {
                let measured = load::run(server, connections, self.time, status, requests(run));
                runs.push(measured.await.server_cpu_microseconds_per_request);
            }
        }
        let before = median(runs_before.iter().copied());
        let now = median(runs_now.iter().copied());
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
}
