//! Members of a collection as a view lists them: without reading them, where what is asked for is known.

use std::sync::Arc;

use scheduling::{
    Actor,
    calendar_view::{CalendarView, Candidate, Shown},
    desk::{Read, Standing},
};
use storage::model::SyncToken;

use crate::{
    error::DavError,
    kind::ResourceKind,
    multistatus::Multistatus,
    path::Path,
    property::{Wanted, answer::write_listed, table::WriteListed},
    service::Dav,
    target::{StoredResource, Target},
    xml::Name,
};

/// Members that are listed at once, while nobody can change the view.
const PAGE_ROWS: usize = 500;

/// A collection whose members are listed without being read.
pub(crate) struct Listed<'a> {
    dav: &'a Dav,
    collection: &'a StoredResource,
    standing: Standing<'a>,
    shown: Arc<Shown>,
    wanted: Vec<(Name<'a>, Option<WriteListed>)>,
    brief: bool,
}

/// What a page left over.
struct Page {
    /// Members that must be read.
    unread: Vec<Candidate>,
    /// The name of the last member; `None` where there was none.
    last: Option<Arc<str>>,
}

impl<'a> Listed<'a> {
    /// `None` where it takes the members themselves, or there is no view of the collection.
    pub async fn of(
        dav: &'a Dav,
        actor: &'a Actor,
        collection: &'a StoredResource,
        wanted: &'a Wanted,
        brief: bool,
    ) -> Result<Option<Listed<'a>>, DavError> {
        let kind = ResourceKind::of_member(collection.collection.kind);
        let Some(wanted) = wanted.listed(kind).filter(|_| collection.object.is_none()) else {
            return Ok(None);
        };
        let standing = dav.desk().standing(actor, collection.owner.id).await?;
        let shown = dav.desk().shown(collection.collection.id).await?;
        Ok(shown.map(|shown| Listed {
            dav,
            collection,
            standing,
            shown,
            wanted,
            brief,
        }))
    }

    /// The names of the collections in it.
    pub fn collections(&self) -> Vec<String> {
        self.shown
            .read(|view| view.collections().map(str::to_owned).collect())
    }

    /// The position in the change log up to which everything is listed.
    pub fn token(&self) -> Option<SyncToken> {
        self.shown.read(CalendarView::token)
    }

    /// Writes all objects, and gives those that must be read.
    pub async fn write(&self, answer: &mut Multistatus) -> Vec<Candidate> {
        let mut unread = Vec::new();
        let mut after: Option<Arc<str>> = None;
        loop {
            let page = self.write_page(answer, after.as_deref());
            unread.extend(page.unread);
            if page.last.is_none() {
                return unread;
            }
            after = page.last;
            answer.turn_page().await;
            tokio::task::yield_now().await;
        }
    }

    /// Reads members that could not be listed; what has gone meanwhile is left out.
    pub async fn read(&self, unread: &[Candidate]) -> Result<Vec<Target>, DavError> {
        let id = self.collection.collection.id;
        let read = self.dav.desk().read_candidates(id, unread).await?;
        let mut targets = Vec::with_capacity(read.len());
        for Read { name, object, .. } in read {
            let member = self
                .collection
                .member(self.dav, &self.standing, &name, object);
            targets.extend(member.await?.map(Target::Stored));
        }
        Ok(targets)
    }

    /// Whether what is not there is to be left out (RFC 8144 §2.1).
    pub fn is_brief(&self) -> bool {
        self.brief
    }

    fn write_page(&self, answer: &mut Multistatus, after: Option<&str>) -> Page {
        let mut href = Path::Stored(self.collection.path.clone()).href(true);
        let prefix = href.len();
        let viewer = self.standing.viewer();
        self.shown.read(|view| {
            let mut page = Page {
                unread: Vec::new(),
                last: None,
            };
            for row in view.rows_after(after).take(PAGE_ROWS) {
                page.last = Some(Arc::clone(&row.name));
                if row.is_special || !viewer.sees_row(row) {
                    page.unread.push(Candidate::of(row));
                    continue;
                }
                href.truncate(prefix);
                Path::push_member(&mut href, &row.name);
                answer.response(&href, |writer| {
                    write_listed(writer, row, &self.wanted, self.brief)
                });
            }
            page
        })
    }
}
