//! A group of commits as one payload: what one sync of the journal makes durable. Effects are
//! absolute, so that replaying a group once more changes nothing.

use std::ops::Range;

use crate::{
    Revision, Timestamp,
    backend::Committed,
    resolve::Effects,
    sled::{
        frame::{self, FrameBuffer},
        octets::Reader,
    },
};

/// Stands for the length of a value where the row is removed.
const REMOVED: u32 = u32::MAX;
/// Where the number of commits stands in the frame: behind the first revision.
const COMMITS: Range<usize> = frame::HEADER_OCTETS + 8..frame::HEADER_OCTETS + 12;

/// Writes a group into a frame.
pub(super) struct GroupWriter {
    frame: FrameBuffer,
    first: Revision,
    commits: u32,
}

impl GroupWriter {
    pub(super) fn new() -> GroupWriter {
        GroupWriter {
            frame: FrameBuffer::new(),
            first: Revision(0),
            commits: 0,
        }
    }

    pub(super) fn clear(&mut self) {
        self.frame.clear();
        self.commits = 0;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.commits == 0
    }

    /// The group's first revision.
    pub(super) fn first(&self) -> Revision {
        self.first
    }

    pub(super) fn octets(&self) -> usize {
        self.frame.payload_octets()
    }

    /// Adds the next commit.
    pub(super) fn push(&mut self, committed: Committed, effects: &Effects) {
        self.push_effects(
            committed,
            effects
                .iter()
                .map(|(key, value)| (&key[..], value.as_deref())),
        );
    }

    /// Adds the next commit, given as it was read.
    pub(super) fn push_recorded(&mut self, recorded: &Recorded<'_>) {
        self.push_effects(recorded.committed, recorded.effects.iter().copied());
    }

    fn push_effects<'a>(
        &mut self,
        committed: Committed,
        effects: impl ExactSizeIterator<Item = (&'a [u8], Option<&'a [u8]>)>,
    ) {
        let payload = self.frame.payload();
        if self.commits == 0 {
            self.first = committed.revision;
            payload.extend_from_slice(&committed.revision.0.to_be_bytes());
            payload.extend_from_slice(&[0; 4]); // the number of commits, filled in at the end
        }
        self.commits += 1;
        payload.extend_from_slice(&committed.time.0.to_be_bytes());
        payload.extend_from_slice(&(effects.len() as u32).to_be_bytes());
        for (key, effect) in effects {
            payload.extend_from_slice(&(key.len() as u16).to_be_bytes());
            payload.extend_from_slice(key);
            match effect {
                Some(value) => {
                    payload.extend_from_slice(&(value.len() as u32).to_be_bytes());
                    payload.extend_from_slice(value);
                }
                None => payload.extend_from_slice(&REMOVED.to_be_bytes()),
            }
        }
    }

    /// The group as the payload of another frame.
    pub(super) fn payload(&mut self) -> &[u8] {
        self.write_count();
        &self.frame.payload()[frame::HEADER_OCTETS..]
    }

    /// The group as a frame; `None` where it is too long for one.
    pub(super) fn finish(&mut self, seed: u32) -> Option<&[u8]> {
        self.write_count();
        self.frame.finish(seed)
    }

    fn write_count(&mut self) {
        if let Some(place) = self.frame.payload().get_mut(COMMITS) {
            place.copy_from_slice(&self.commits.to_be_bytes());
        }
    }
}

/// One commit as it stands in the journal.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Recorded<'a> {
    pub(super) committed: Committed,
    /// What each touched key holds afterwards, in order of keys; `None` where its row is removed.
    pub(super) effects: Vec<(&'a [u8], Option<&'a [u8]>)>,
}

/// The commits of a payload; `None` where it has not the form of a group.
pub(super) fn read(payload: &[u8]) -> Option<Vec<Recorded<'_>>> {
    let mut reader = Reader(payload);
    let first = reader.u64()?;
    let count = reader.u32()?;
    let mut commits = Vec::new();
    for number in 0..u64::from(count) {
        let revision = Revision(first.checked_add(number)?);
        let time = Timestamp(reader.i64()?);
        let effects = (0..reader.u32()?)
            .map(|_| read_effect(&mut reader))
            .collect::<Option<_>>()?;
        commits.push(Recorded {
            committed: Committed { revision, time },
            effects,
        });
    }
    (reader.is_empty() && count > 0).then_some(commits)
}

fn read_effect<'a>(reader: &mut Reader<'a>) -> Option<(&'a [u8], Option<&'a [u8]>)> {
    let length = reader.u16()?;
    let key = reader.octets(usize::from(length))?;
    match reader.u32()? {
        REMOVED => Some((key, None)),
        length => Some((key, Some(reader.octets(length as usize)?))),
    }
}

/// The first commit of a group, without reading the rest.
pub(super) fn first(payload: &[u8]) -> Option<Committed> {
    let mut reader = Reader(payload);
    let revision = Revision(reader.u64()?);
    reader.u32()?;
    let time = Timestamp(reader.i64()?);
    Some(Committed { revision, time })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use bytes::Bytes;

    use super::*;

    #[test]
    fn a_group_is_read_as_it_was_written() {
        let mut writer = GroupWriter::new();
        let first = Committed {
            revision: Revision(8),
            time: Timestamp(-5),
        };
        let second = Committed {
            revision: Revision(9),
            time: Timestamp(6),
        };
        let effects = Effects::from([
            (Bytes::from_static(b"gone"), None),
            (
                Bytes::from_static(b"row"),
                Some(Bytes::from_static(b"value")),
            ),
        ]);
        writer.push(first, &effects);
        writer.push(second, &Effects::new());
        let frame = writer.finish(1).unwrap().to_vec();
        let (payload, _) = frame::read(&frame, 1).unwrap();
        let expected = vec![
            Recorded {
                committed: first,
                effects: vec![(b"gone", None), (b"row", Some(b"value"))],
            },
            Recorded {
                committed: second,
                effects: vec![],
            },
        ];
        assert_eq!(read(payload), Some(expected));
        assert_eq!(super::first(payload), Some(first));
        for cut in 0..payload.len() {
            assert_eq!(read(&payload[..cut]), None, "cut at {cut}");
        }
    }
}
