//! What an actor sees of objects: [`crate::view`], fed with what was read.

use calendar::CalendarObject;
use storage::{
    Stored,
    model::{CalendarFacts, Content, Object},
};

use super::{Desk, content::entity_tag, people::url_path, refuse::read_failed};
use crate::{
    Classification, ObjectProjection, Refusal, parse_stored,
    view::{self, Sight, Viewer},
};

impl Desk {
    /// The object as a viewer sees it; `None` where it is not there for them. What is seen in part has
    /// octets, an entity tag and all else that follows from what is seen, and from nothing else.
    ///
    /// Errors: the store cannot be read.
    pub async fn seen(
        &self,
        viewer: Viewer<'_>,
        object: Stored<Object>,
    ) -> Result<Option<Stored<Object>>, Refusal> {
        let Some(parsed) = self.restricted(viewer, &object).await? else {
            return Ok(Some(object));
        };
        Ok(match self.sight_of(viewer, &parsed) {
            Sight::Whole => Some(object),
            Sight::Hidden => None,
            Sight::Reduced(classification) => Some(Stored {
                value: reduced(&object, &parsed, classification),
                revision: object.revision,
            }),
        })
    }

    /// How much a viewer sees of an object of whose owner's things they are a viewer.
    pub(crate) async fn sight_for(
        &self,
        viewer: Viewer<'_>,
        object: &Object,
    ) -> Result<Sight, Refusal> {
        Ok(match self.restricted(viewer, object).await? {
            Some(parsed) => self.sight_of(viewer, &parsed),
            None => Sight::Whole,
        })
    }

    /// Whether others than the owner once saw an object that they do not see now.
    pub(crate) fn was_ever_open(&self, object: &Object) -> bool {
        let facts = object.calendar.as_ref();
        facts.is_some_and(|facts| ObjectProjection::may_have_been_open(&facts.projection))
    }

    /// The object, parsed, where it is not one that the viewer sees all of in any case.
    async fn restricted(
        &self,
        viewer: Viewer<'_>,
        object: &Object,
    ) -> Result<Option<CalendarObject>, Refusal> {
        let Some(facts) = object.calendar.as_ref().filter(|_| !viewer.is_trusted()) else {
            return Ok(None);
        };
        if view::known_class(&facts.projection).is_some_and(|class| viewer.sees_all_of(class)) {
            return Ok(None);
        }
        let octets = self.store.content(&object.content).await;
        let parsed = parse_stored(octets.map_err(read_failed)?);
        match parsed {
            Ok(parsed) => Ok(Some(parsed)),
            // What it says cannot be told, so that nobody else is told.
            Err(error) => Err(Refusal::Damaged(error.to_string())),
        }
    }

    fn sight_of(&self, viewer: Viewer<'_>, object: &CalendarObject) -> Sight {
        viewer.sight(object, |address| {
            let name = url_path(address).and_then(self.settings.principal_path_to_name);
            name.is_some_and(|name| viewer.is_named(&name))
        })
    }
}

fn reduced(object: &Object, parsed: &CalendarObject, classification: Classification) -> Object {
    let left = view::reduced(parsed, classification);
    let octets = left.to_octets();
    let facts = object.calendar.as_ref().map(|facts| CalendarFacts {
        uid: facts.uid.clone(),
        scheduling: false,
        schedule_tag: None,
        projection: ObjectProjection::of(&left).encode(),
        attachments: Vec::new(),
    });
    Object {
        etag: entity_tag(&octets),
        content: Content::Inline(octets),
        calendar: facts,
        properties: Default::default(),
        ..object.clone()
    }
}
