//! Where the processor time of a PUT goes: HTTP as the bare server pays it, parsing as a loop over the
//! same event, the store as commits of the same rows; what is left is sign-in, routing and the desk.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use calendar::object::{CalendarObject, Limits};
use serde::Serialize;
use storage::{
    Store,
    backend::Backend,
    model::{CalendarFacts, CollectionKind, Content, Object, Principal, Properties},
    sled::{Options, Sled},
};

use crate::{child, convoke};

/// Microseconds of processor time per PUT on 16 connections.
#[derive(Clone, Debug, Serialize)]
pub struct Shares {
    pub whole_microseconds: f64,
    pub http_microseconds: f64,
    pub parsing_microseconds: f64,
    pub store_microseconds: f64,
    pub sign_in_dav_and_desk_microseconds: f64,
}

/// Measures the parts and subtracts them from the whole; `http` is the bare server's processor time per
/// request, in microseconds.
pub async fn measure(
    folder: &Path,
    http: f64,
    convoke: &convoke::Convoke,
    account: Principal,
) -> Shares {
    let whole = convoke.put_16.server_cpu_microseconds_per_request;
    let parsing = parsing();
    let store = store(folder, account).await;
    Shares {
        whole_microseconds: whole,
        http_microseconds: http,
        parsing_microseconds: parsing,
        store_microseconds: store,
        sign_in_dav_and_desk_microseconds: whole - http - parsing - store,
    }
}

/// What the desk does with the octets alone: parse, check, project.
fn parsing() -> f64 {
    let octets = Bytes::from(convoke::event("parsing"));
    let started = Instant::now();
    let mut count = 0u32;
    while started.elapsed() < Duration::from_secs(2) {
        for _ in 0..1000 {
            let object = CalendarObject::parse_shared(octets.clone(), &Limits::default())
                .expect("a valid event");
            calendar::check::check(&object).expect("a valid event");
            std::hint::black_box(scheduling::projection::ObjectProjection::of(&object));
            count += 1;
        }
    }
    started.elapsed().as_micros() as f64 / f64::from(count)
}

/// Sixteen writers who commit the rows of a PUT for some seconds.
async fn store(folder: &Path, account: Principal) -> f64 {
    let environment = server::environment::system();
    let backend = Sled::open(
        &folder.join("shares"),
        Options::default(),
        environment.clock.clone(),
    )
    .expect("a fresh folder");
    let backend: Arc<dyn Backend> = Arc::new(backend);
    let store = Store::open(backend.clone(), environment)
        .await
        .expect("a fresh store");
    let account = store
        .add_account(account, None)
        .await
        .expect("a new account");
    let calendar = account.default_calendar.expect("a user has one");
    let before = child::own_cpu();
    let until = Instant::now() + Duration::from_secs(3);
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..16 {
        let store = store.clone();
        writers.spawn(async move {
            let calendar = store
                .collection(calendar)
                .await
                .expect("readable")
                .expect("made above");
            assert_eq!(calendar.kind, CollectionKind::Calendar);
            let mut count = 0u64;
            while Instant::now() < until {
                let name = format!("{writer}-{count}");
                let mut batch = store.batch();
                batch.put_object(&calendar, &name, None, &object(&name));
                store.commit(batch).await.expect("nobody else writes these");
                count += 1;
            }
            count
        });
    }
    let mut count = 0;
    while let Some(written) = writers.join_next().await {
        count += written.expect("a writer does not fail");
    }
    let cpu = child::own_cpu() - before;
    backend.close().await;
    cpu.as_micros() as f64 / count as f64
}

fn object(uid: &str) -> Object {
    let octets = Bytes::from(convoke::event(uid));
    Object {
        id: None,
        etag: uid.to_owned(),
        content: Content::Inline(octets),
        content_type: "text/calendar".to_owned(),
        created: Default::default(),
        modified: Default::default(),
        calendar: Some(CalendarFacts {
            uid: uid.to_owned(),
            scheduling: false,
            schedule_tag: None,
            projection: Bytes::from_static(&[0; 24]),
            attachments: Vec::new(),
        }),
        properties: Properties::new(),
        access: Vec::new(),
    }
}
