//! Managed attachments are added, updated and removed (RFC 8607 §3.4 to §3.6): a change of the object as
//! any other, with octets that are written ahead of it.

use bytes::Bytes;
use calendar::{
    CalendarObject,
    attachment::{self, AttachmentFault, Instances},
};
use storage::{
    Found, MAXIMUM_BLOB_OCTETS, Resolution, ResourcePath, Stored, Upload,
    access::Privilege,
    model::{Attachment, AttachmentId, AuditAction, Collection, CollectionKind, Object},
};

use super::{
    Desk, MAXIMUM_ROUNDS, Written, admission,
    arrival::{Arrival, ScheduledBy, Scheduling},
    attachments::too_many,
    conditions,
    content::DEFAULT_CONTENT_TYPE,
    guard::{self, Touched},
    refuse::{commit_failed, crowded, precondition, read_failed},
    rights::Need,
    scene::{self, Scene},
};
use crate::{
    Actor, Conditions, Precondition, Refusal,
    engine::{self, Directory, Role},
};

/// The most octets of a media type; of a longer one, only the type without parameters is kept, or none.
const MAXIMUM_MEDIA_TYPE_OCTETS: usize = 120;
/// The most octets of a file's name.
const MAXIMUM_FILENAME_OCTETS: usize = 150;
/// The name of a file that came without one.
const DEFAULT_FILENAME: &str = "attachment";

/// A change of an object's managed attachments.
#[derive(Clone, Debug)]
pub struct ChangeAttachments {
    /// The object.
    pub path: ResourcePath,
    /// What is to be done.
    pub action: AttachmentAction,
    /// What must hold.
    pub conditions: Conditions,
}

/// What is done to attachments (RFC 8607 §3.3.1).
#[derive(Clone, Debug)]
pub enum AttachmentAction {
    /// `attachment-add`
    Add {
        /// Where to.
        instances: Instances,
        /// What.
        file: AttachedFile,
    },
    /// `attachment-update`
    Update {
        /// The MANAGED-ID of what it replaces.
        managed_id: String,
        /// By what.
        file: AttachedFile,
    },
    /// `attachment-remove`
    Remove {
        /// Where from.
        instances: Instances,
        /// Its MANAGED-ID.
        managed_id: String,
    },
}

/// What a client says of a file, beside its octets.
#[derive(Clone, Debug, Default)]
pub struct AttachedFile {
    /// The media type as sent.
    pub media_type: Option<String>,
    /// The name as sent.
    pub filename: Option<String>,
}

/// A file on its way.
#[derive(Debug)]
pub struct AttachmentUpload {
    id: AttachmentId,
    upload: Upload,
    room: Room,
}

/// The object was written.
#[derive(Clone, Debug)]
pub struct AttachmentWritten {
    /// How.
    pub written: Written,
    /// The MANAGED-ID of the attachment that was made (RFC 8607 §5.1).
    pub managed_id: Option<String>,
}

/// What there is room for.
#[derive(Clone, Copy, Debug)]
struct Room {
    attachment: u64,
    home: Option<u64>,
}

impl Room {
    fn check(self, octets: u64) -> Result<(), Refusal> {
        if octets > self.attachment {
            let detail = format!("an attachment has at most {} octets", self.attachment);
            return Err(precondition(Precondition::MaxAttachmentSize, detail));
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

/// One round: what was read, named.
struct Round<'a> {
    scene: &'a Scene,
    resolution: &'a Resolution,
    calendar: &'a Stored<Collection>,
    before: &'a Stored<Object>,
    object: CalendarObject,
}

impl Desk {
    /// Begins to add or update an attachment: all that can be known of it before its octets is looked at
    /// now, and again when it is finished. `announced` is the length that the client says it has.
    ///
    /// Errors: those of [`Desk::put`] for the object, which must be there;
    /// `allowed-attendee-scheduling-object-change` for an attendee; `valid-rid`, `valid-managed-id`,
    /// `max-attachment-size`, `max-attachments-per-resource`, `quota-not-exceeded`.
    pub async fn begin_attachment(
        &self,
        actor: &Actor,
        change: &ChangeAttachments,
        announced: Option<u64>,
    ) -> Result<AttachmentUpload, Refusal> {
        let scene = self
            .scene(actor, &[&change.path], &change.conditions)
            .await?;
        let round = self.attachment_round(actor, change, &scene).await?;
        let id = self.fresh_attachment_id();
        let home = round.calendar.home;
        let empty = made(&change.action, id, home, ([0; 32], 0), scene.now);
        self.with_attachments(&round.object, &change.action, empty.as_ref())?;
        let room = self
            .room_for_attachment(home, round.before, &change.action)
            .await?;
        room.check(announced.unwrap_or(0))?;
        Ok(AttachmentUpload {
            id,
            upload: self.store.begin_upload(),
            room,
        })
    }

    async fn room_for_attachment(
        &self,
        home: storage::model::CollectionId,
        before: &Object,
        action: &AttachmentAction,
    ) -> Result<Room, Refusal> {
        let limits = &self.settings.limits;
        let home = match limits.quota_octets {
            None => None,
            Some(quota) => {
                let used = self.store.used_octets(home).await.map_err(read_failed)?;
                let replaced = match action {
                    AttachmentAction::Update { managed_id, .. } => before
                        .attachments()
                        .iter()
                        .filter(|it| it.home == home && it.id.to_string() == *managed_id)
                        .map(|it| it.length)
                        .sum(),
                    AttachmentAction::Add { .. } | AttachmentAction::Remove { .. } => 0,
                };
                Some(quota.saturating_add(replaced).saturating_sub(used))
            }
        };
        Ok(Room {
            attachment: limits.maximum_file_octets.min(MAXIMUM_BLOB_OCTETS),
            home,
        })
    }

    /// Takes more octets of a file.
    ///
    /// Errors: `max-attachment-size` and `quota-not-exceeded`, as soon as it is too large.
    pub async fn continue_attachment(
        &self,
        file: &mut AttachmentUpload,
        octets: Bytes,
    ) -> Result<(), Refusal> {
        let length = file.upload.length().saturating_add(octets.len() as u64);
        file.room.check(length)?;
        let taken = self.store.continue_upload(&mut file.upload, octets).await;
        taken.map_err(commit_failed)
    }

    /// All octets are there: the object refers to them, if what held in the beginning still holds.
    ///
    /// Errors: as [`Desk::begin_attachment`].
    pub async fn finish_attachment(
        &self,
        actor: &Actor,
        change: &ChangeAttachments,
        file: AttachmentUpload,
    ) -> Result<AttachmentWritten, Refusal> {
        let finished = self.store.finish_attachment(file.upload).await;
        let octets = finished.map_err(commit_failed)?;
        self.change_attachments(actor, change, Some((file.id, octets)))
            .await
    }

    /// Removes an attachment from instances.
    ///
    /// Errors: as [`Desk::begin_attachment`].
    pub async fn remove_attachment(
        &self,
        actor: &Actor,
        change: &ChangeAttachments,
    ) -> Result<AttachmentWritten, Refusal> {
        self.change_attachments(actor, change, None).await
    }

    /// `octets` are the hash and the length of what was written ahead, and the name that it gets.
    async fn change_attachments(
        &self,
        actor: &Actor,
        change: &ChangeAttachments,
        octets: Option<(AttachmentId, ([u8; 32], u64))>,
    ) -> Result<AttachmentWritten, Refusal> {
        for _ in 0..MAXIMUM_ROUNDS {
            let scene = self
                .scene(actor, &[&change.path], &change.conditions)
                .await?;
            let round = self.attachment_round(actor, change, &scene).await?;
            let home = round.calendar.home;
            let made =
                octets.and_then(|(id, octets)| made(&change.action, id, home, octets, scene.now));
            let written = self
                .write_attachments(actor, change, &round, made.as_ref())
                .await?;
            if let Some(written) = written {
                return Ok(AttachmentWritten {
                    written,
                    managed_id: made.map(|made| made.id.to_string()),
                });
            }
        }
        Err(crowded())
    }

    async fn attachment_round<'a>(
        &self,
        actor: &Actor,
        change: &ChangeAttachments,
        scene: &'a Scene,
    ) -> Result<Round<'a>, Refusal> {
        let path = &change.path;
        let resolution = scene.resolution(path)?;
        self.require(
            actor,
            &[Need::on(path, resolution, Privilege::WriteContent)],
        )
        .await?;
        let Found::Object(before) = &resolution.found else {
            return Err(match &resolution.found {
                Found::Collection => Refusal::NotAllowed("a collection has no attachments"),
                _ => Refusal::NotFound,
            });
        };
        let calendar = scene::parent(resolution)?;
        if calendar.kind != CollectionKind::Calendar {
            return Err(Refusal::NotAllowed(
                "only calendar objects have attachments",
            ));
        }
        scene.check_conditions(&change.conditions, path)?;
        let submitted = conditions::submitted_tokens(&change.conditions);
        let touched = Touched::resource(path);
        let locks = scene.locks(resolution.home().id)?;
        guard::check(locks, scene.now, &touched, &submitted, actor.principal.id)?;
        let object = self.parsed(before).await?;
        self.check_is_no_attendee(&object, resolution).await?;
        Ok(Round {
            scene,
            resolution,
            calendar,
            before,
            object,
        })
    }

    /// RFC 8607 §3.12.2: attendees change no attachments.
    async fn check_is_no_attendee(
        &self,
        object: &CalendarObject,
        resolution: &Resolution,
    ) -> Result<(), Refusal> {
        let mut directory = Directory::new();
        let addresses = engine::addresses(Some(object), None);
        self.look_up(&mut directory, &addresses).await?;
        match engine::role(object, resolution.owner.id, &directory) {
            Ok(Role::Attendee) => Err(precondition(
                Precondition::AllowedAttendeeSchedulingObjectChange,
                "only the organizer of a meeting changes its attachments",
            )),
            _ => Ok(()),
        }
    }

    /// The object with its attachments changed.
    fn with_attachments(
        &self,
        before: &CalendarObject,
        action: &AttachmentAction,
        made: Option<&Attachment>,
    ) -> Result<CalendarObject, Refusal> {
        let mut object = before.clone();
        let made = made.map(|made| self.said(made));
        let changed = match (action, &made) {
            (AttachmentAction::Add { instances, .. }, Some(made)) => {
                let maximum = self.settings.limits.maximum_attachments;
                if attachment::managed_ids(&object).len() >= maximum {
                    return Err(too_many(maximum));
                }
                attachment::add(&mut object, instances, made)
            }
            (AttachmentAction::Update { managed_id, .. }, Some(made)) => {
                attachment::replace(&mut object, managed_id, made)
            }
            (
                AttachmentAction::Remove {
                    instances,
                    managed_id,
                },
                _,
            ) => attachment::remove(&mut object, instances, managed_id),
            (AttachmentAction::Add { .. } | AttachmentAction::Update { .. }, None) => {
                return Err(Refusal::Conflict("there are no octets to attach"));
            }
        };
        changed.map_err(refuse)?;
        Ok(object)
    }

    async fn write_attachments(
        &self,
        actor: &Actor,
        change: &ChangeAttachments,
        round: &Round<'_>,
        made: Option<&Attachment>,
    ) -> Result<Option<Written>, Refusal> {
        let after = self.with_attachments(&round.object, &change.action, made)?;
        let admitted = admission::admit(
            &self.settings.limits,
            Some(&round.before.content_type),
            after.to_octets(),
        )?;
        let mut batch = self.batch_upon(round.scene, round.calendar);
        let owner = round.resolution.owner.id;
        let action = AuditAction::AttachmentChanged;
        self.note(&mut batch, actor, owner, action, &change.path);
        let arrival = Arrival {
            actor,
            scene: round.scene,
            path: &change.path,
            calendar: round.calendar,
            before: Some(round.before),
            admitted: &admitted,
            moved: None,
            leaves: None,
            keeps: Some(&round.before.value),
            attached: made.map_or(&[][..], std::slice::from_ref),
            scheduling: Scheduling::Applies(ScheduledBy {
                owner: &round.resolution.owner,
                schedule_reply: true,
                // it is a change of what is stored, which nobody can have overlooked
                schedule_tag_matched: true,
            }),
        };
        let object = self.arrive(&mut batch, &arrival).await?.object;
        Ok(self.commit(batch).await?.map(|_| Written {
            created: matches!(change.action, AttachmentAction::Add { .. }),
            elsewhere: None,
            etag: None,
            schedule_tag: object.calendar.and_then(|facts| facts.schedule_tag),
            modified: object.modified,
        }))
    }
}

/// The attachment that an action makes of octets.
fn made(
    action: &AttachmentAction,
    id: AttachmentId,
    home: storage::model::CollectionId,
    (hash, length): ([u8; 32], u64),
    now: storage::Timestamp,
) -> Option<Attachment> {
    let file = match action {
        AttachmentAction::Add { file, .. } | AttachmentAction::Update { file, .. } => file,
        AttachmentAction::Remove { .. } => return None,
    };
    Some(Attachment {
        id,
        home,
        hash,
        length,
        media_type: kept_media_type(file.media_type.as_deref()),
        filename: safe_filename(file.filename.as_deref().unwrap_or_default()),
        created: now,
    })
}

/// A fault as a refusal (RFC 8607 §3.11).
pub(super) fn refuse(fault: AttachmentFault) -> Refusal {
    match fault {
        AttachmentFault::NoSuchInstance | AttachmentFault::TooMuchWork => {
            precondition(Precondition::ValidRid, fault.to_string())
        }
        AttachmentFault::NoSuchAttachment => {
            precondition(Precondition::ValidManagedId, fault.to_string())
        }
        AttachmentFault::Text(_) => {
            precondition(Precondition::ValidCalendarData, fault.to_string())
        }
    }
}

fn kept_media_type(sent: Option<&str>) -> String {
    let sent = sent.unwrap_or_default().trim();
    let essence = sent.split(';').next().unwrap_or_default().trim();
    let kept = [sent, essence, DEFAULT_CONTENT_TYPE];
    let fits = |text: &&str| {
        !text.is_empty()
            && text.len() <= MAXIMUM_MEDIA_TYPE_OCTETS
            && !text.contains(char::is_control)
    };
    kept.into_iter().find(fits).unwrap_or_default().to_owned()
}

/// The name under which a file may be saved (RFC 6266 §4.3, RFC 8607 §4.2): no path, nothing that a file
/// system gives a meaning, no longer than a line is good for. Its extension stays.
fn safe_filename(sent: &str) -> String {
    let name = sent.rsplit(['/', '\\']).next().unwrap_or_default();
    let safe = |character: char| match character {
        ':' | '*' | '?' | '"' | '<' | '>' | '|' => Some('_'),
        '\u{FFFE}' | '\u{FFFF}' => None,
        // what makes a name look like another one
        '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => None,
        _ if character.is_control() => None,
        _ => Some(character),
    };
    let name: String = name.chars().filter_map(safe).collect();
    let name = name.trim_matches([' ', '.']);
    let name = shortened(name);
    match name.is_empty() {
        true => DEFAULT_FILENAME.to_owned(),
        false => name,
    }
}

fn shortened(name: &str) -> String {
    if name.len() <= MAXIMUM_FILENAME_OCTETS {
        return name.to_owned();
    }
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if extension.len() < MAXIMUM_FILENAME_OCTETS / 4 => {
            (stem, format!(".{extension}"))
        }
        _ => (name, String::new()),
    };
    let mut end = MAXIMUM_FILENAME_OCTETS - extension.len();
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    stem[..end].trim_end_matches([' ', '.']).to_owned() + &extension
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6266 §4.3, RFC 8607 §4.2
    #[test]
    fn names_of_files_do_no_harm() {
        let long = "ä".repeat(100);
        let cases = [
            ("agenda.html", "agenda.html"),
            ("Zusammenfassung März.pdf", "Zusammenfassung März.pdf"),
            ("/etc/passwd", "passwd"),
            ("..\\..\\windows\\system.ini", "system.ini"),
            ("C:evil.exe", "C_evil.exe"),
            ("a\r\nb\0c", "abc"),
            (" .. ", DEFAULT_FILENAME),
            (".profile", "profile"),
            ("a/", DEFAULT_FILENAME),
            ("", DEFAULT_FILENAME),
            ("cod\u{202E}gpj.exe", "codgpj.exe"),
            ("<a>|\"b\"?.txt", "_a___b__.txt"),
        ];
        for (sent, expected) in cases {
            assert_eq!(safe_filename(sent), expected, "{sent:?}");
        }
        let kept = safe_filename(&format!("{long}.pdf"));
        assert!(
            kept.len() <= MAXIMUM_FILENAME_OCTETS && kept.ends_with("ä.pdf"),
            "{kept}"
        );
        let kept = safe_filename(&format!("a.{long}"));
        assert!(
            kept.len() <= MAXIMUM_FILENAME_OCTETS && kept.starts_with("a.ä"),
            "{kept}"
        );
    }

    #[test]
    fn media_types_are_kept_as_far_as_they_fit() {
        let long = format!("text/html; charset={}", "x".repeat(200));
        let cases = [
            (
                Some("text/html; charset=\"utf-8\""),
                "text/html; charset=\"utf-8\"",
            ),
            (Some(long.as_str()), "text/html"),
            (Some(""), DEFAULT_CONTENT_TYPE),
            (None, DEFAULT_CONTENT_TYPE),
        ];
        for (sent, expected) in cases {
            assert_eq!(kept_media_type(sent), expected);
        }
    }

    proptest::proptest! {
        /// Whatever a client calls a file, a line and a header field can hold it.
        #[test]
        fn every_name_becomes_a_safe_one(name: String) {
            let safe = safe_filename(&name);
            proptest::prop_assert!(!safe.is_empty() && safe.len() <= MAXIMUM_FILENAME_OCTETS);
            proptest::prop_assert!(!safe.contains(['/', '\\', '"', '\r', '\n', '\0']));
            proptest::prop_assert_eq!(safe_filename(&safe), safe);
        }
    }
}
