//! Two builds of the server side by side.

use std::{path::Path, time::Duration};

use crate::{
    alternating::{self, Kind, RUNS},
    child::Child,
    convoke::{get, put},
    load,
};

/// Objects that are there to be read.
const OBJECTS: u64 = 4096;

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
        let servers = [&self.before, &self.now];
        alternating::compare(request, connections, async |which, run| {
            let requests = requests(run);
            let measured = load::run(servers[which], connections, self.time, status, requests);
            measured.await.server_cpu_microseconds_per_request
        })
        .await
    }
}
