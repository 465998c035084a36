//! Fills the index's filter of keys, in the background: no start waits for a walk over the store.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use bytes::Bytes;

use crate::{
    backend::{KeyRange, Page, ReadError},
    sled::{Shared, index::Filter, read::View},
};

/// How much of the store is read at one moment.
const PAGE: Page = Page {
    rows: 512,
    octets: 128 * 1024,
    reverse: false,
};

/// The thread, while there is one.
#[derive(Default)]
pub(super) struct Filling {
    thread: Option<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
}

impl Filling {
    /// Begins to fill a filter, if the index wants one.
    pub(super) fn begin_if_wanted(&mut self, shared: &Arc<Shared>) {
        if self
            .thread
            .as_ref()
            .is_some_and(|thread| !thread.is_finished())
        {
            return;
        }
        let Some(index) = shared.overlay.pin().index.clone() else {
            return;
        };
        let Some((filter, keyspaces)) = index.unfilled_filter() else {
            return;
        };
        let (walker, stop) = (Arc::clone(shared), Arc::clone(&self.stop));
        let keys_of = Arc::clone(&filter);
        let started = thread::Builder::new()
            .name("store-filter".to_owned())
            .spawn(move || {
                let filled = keyspaces
                    .into_iter()
                    .try_for_each(|space| fill(&walker, &keys_of, space, &stop));
                if let Err(error) = &filled {
                    tracing::debug!(%error, "the filter of keys was not filled");
                }
                // An index that was opened again meanwhile wants another one.
                if let Some(index) = &walker.overlay.pin().index {
                    index.filter_ended(&keys_of, filled.is_ok());
                }
            });
        match started {
            Ok(thread) => self.thread = Some(thread),
            // All is right without it, only slower.
            Err(_) => index.filter_ended(&filter, false),
        }
    }

    /// Breaks it off.
    pub(super) fn stop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn fill(shared: &Shared, filter: &Filter, space: u8, stop: &AtomicBool) -> Result<(), ReadError> {
    let mut range = Some(KeyRange::prefix(Bytes::copy_from_slice(&[space])));
    while let Some(part) = range.take() {
        if stop.load(Ordering::Relaxed) {
            return Err(super::broken_off());
        }
        let page = View::of(&shared.overlay.pin()).page(&part, PAGE)?;
        page.rows.iter().for_each(|(key, _)| filter.add(key));
        if let (true, Some((last, _))) = (page.more, page.rows.last()) {
            range = Some(part.beyond(last, false));
        }
    }
    Ok(())
}
