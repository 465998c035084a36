//! PUT of a file that is too large to be held in memory.

use bytes::Bytes;
use storage::{Found, MAXIMUM_BLOB_OCTETS, Upload, model::CollectionKind};

use super::{
    Desk, MAXIMUM_ROUNDS, Put, Written, admission,
    content::{Body, entity_tag_of},
    refuse::{commit_failed, crowded, precondition, read_failed},
};
use crate::{Actor, Precondition, Refusal};

/// A file on its way.
#[derive(Debug)]
pub struct FileUpload {
    upload: Upload,
    /// The most octets that it may have.
    room: Room,
}

/// How much there is room for, and what bounds it.
#[derive(Clone, Copy, Debug)]
struct Room {
    file: u64,
    home: Option<u64>,
}

impl Room {
    fn check(self, octets: u64) -> Result<(), Refusal> {
        if octets > self.file {
            return Err(Refusal::InsufficientStorage("the octets of one file"));
        }
        match self.home {
            Some(room) if octets > room => Err(precondition(
                Precondition::QuotaNotExceeded,
                "the home has no room for this",
            )),
            _ => Ok(()),
        }
    }
}

impl Desk {
    /// Begins a PUT of a file whose octets come piece by piece: all that can be known of it before its
    /// octets is looked at now, and again when it is finished. `announced` is the length that the client
    /// says it has. `put.octets` is not looked at.
    ///
    /// Errors: as [`Desk::put`]; `max-resource-size` in a calendar, as only files may be as large.
    pub async fn begin_file(
        &self,
        actor: &Actor,
        put: &Put,
        announced: Option<u64>,
    ) -> Result<FileUpload, Refusal> {
        let limits = &self.settings.limits;
        let scene = self.scene(actor, &[&put.path], &put.conditions).await?;
        let round = self.round(actor, put, &scene).await?;
        if round.parent.kind == CollectionKind::Calendar {
            return Err(admission::too_large(limits));
        }
        let home = match limits.quota_octets {
            None => None,
            Some(quota) => {
                let used = self.store.used_octets(round.parent.home).await;
                let replaced = match &round.resolution.found {
                    Found::Object(before) => before.content.length(),
                    _ => 0,
                };
                let room = quota.saturating_add(replaced);
                Some(room.saturating_sub(used.map_err(read_failed)?))
            }
        };
        let room = Room {
            file: limits.maximum_file_octets.min(MAXIMUM_BLOB_OCTETS),
            home,
        };
        room.check(announced.unwrap_or(0))?;
        Ok(FileUpload {
            upload: self.store.begin_upload(),
            room,
        })
    }

    /// Takes more octets of a file.
    ///
    /// Errors: `InsufficientStorage` and `quota-not-exceeded`, as soon as it is too large.
    pub async fn continue_file(&self, file: &mut FileUpload, octets: Bytes) -> Result<(), Refusal> {
        file.room
            .check(file.upload.length().saturating_add(octets.len() as u64))?;
        let taken = self.store.continue_upload(&mut file.upload, octets).await;
        taken.map_err(commit_failed)
    }

    /// All octets are there: the file is made or replaced, if what held in the beginning still holds.
    ///
    /// Errors: as [`Desk::begin_file`].
    pub async fn finish_file(
        &self,
        actor: &Actor,
        put: &Put,
        file: FileUpload,
    ) -> Result<Written, Refusal> {
        let finished = self.store.finish_upload(file.upload).await;
        let (content, hash) = finished.map_err(commit_failed)?;
        let body = Body {
            fresh_identity: self.fresh_identity(),
            content,
            etag: entity_tag_of(&hash),
        };
        for _ in 0..MAXIMUM_ROUNDS {
            let scene = self.scene(actor, &[&put.path], &put.conditions).await?;
            let round = self.round(actor, put, &scene).await?;
            if round.parent.kind == CollectionKind::Calendar {
                return Err(admission::too_large(&self.settings.limits));
            }
            let decided = self.decide_file(&round, body.clone())?;
            if let Some(written) = self.carry_out(decided).await? {
                return Ok(written);
            }
        }
        Err(crowded())
    }
}
