//! Writing the journal.

use std::io;

use super::segment::{self, HEADER_OCTETS};
use crate::{
    Revision,
    sled::{disk::DiskFile, folder::Folder, group::GroupWriter},
};

/// How far ahead of its end a segment is filled with zeros. A sync that need not change the file's
/// length is half again as quick, and costs less processor time (measured on ext4: 7,300 against
/// 4,900 syncs a second); larger steps gain nothing.
const ZEROED_AHEAD_OCTETS: u64 = 256 * 1024;

/// The journal, open for appending.
pub(in crate::sled) struct Journal {
    folder: Folder,
    segment_octets: u64,
    next_number: u64,
    segment: Option<Segment>,
}

struct Segment {
    file: Box<dyn DiskFile>,
    number: u64,
    /// Up to here everything is synced.
    end: u64,
    /// Up to here the file is filled.
    filled: u64,
    /// The last write or sync failed: what lies behind `end` must be cut off before all else.
    torn: bool,
}

impl Journal {
    /// A journal whose next segment has the number `next_number`.
    pub(in crate::sled) fn new(folder: Folder, segment_octets: u64, next_number: u64) -> Journal {
        Journal {
            folder,
            segment_octets,
            next_number,
            segment: None,
        }
    }

    /// Begins a segment whose first commit will be `first`.
    pub(in crate::sled) fn begin(&mut self, first: Revision) -> io::Result<()> {
        let number = self.next_number;
        let path = segment::path(&self.folder.journal(), number);
        let header = segment::write_header(self.folder.store(), number, first);
        let disk = self.folder.disk();
        let begun = disk.create(&path).and_then(|file| {
            file.write_at(&header, 0)?;
            file.write_at(
                &zeros(ZEROED_AHEAD_OCTETS - HEADER_OCTETS as u64),
                HEADER_OCTETS as u64,
            )?;
            file.sync()?;
            disk.sync_folder(&self.folder.journal())?;
            Ok(file)
        });
        match begun {
            Ok(file) => {
                let end = HEADER_OCTETS as u64;
                self.segment = Some(Segment {
                    file,
                    number,
                    end,
                    filled: ZEROED_AHEAD_OCTETS,
                    torn: false,
                });
                self.next_number += 1;
                Ok(())
            }
            Err(error) => {
                // Whether it can be removed or not: it holds no commit, and the next attempt, here or
                // at the next start, takes its place.
                let _ = disk.remove(&path);
                Err(error)
            }
        }
    }

    /// Appends a group; `Ok` when it is on stable storage, `Err` when it will never be read. After a
    /// failure nothing is written before the tail is cut off and a new segment is begun: a sync that
    /// failed once may well claim success the second time over pages that the system has dropped.
    /// Gives the octets written.
    pub(in crate::sled) fn append(&mut self, group: &mut GroupWriter) -> io::Result<u64> {
        self.make_room(group)?;
        let Some(segment) = &mut self.segment else {
            return Err(io::Error::other("no segment is open"));
        };
        let seed = segment::seed(self.folder.store(), segment.number);
        let Some(frame) = group.finish(seed) else {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the group is too long for one frame",
            ));
        };
        segment.torn = true;
        if let Err(error) = segment.write(frame) {
            // At once, so that it is not read after a kill either; where this fails too, the next
            // append tries again before all else.
            if segment.close().is_ok() {
                self.segment = None;
            }
            return Err(error);
        }
        segment.torn = false;
        Ok(frame.len() as u64)
    }

    /// Sees to it that a sound segment with room for the group is open.
    fn make_room(&mut self, group: &GroupWriter) -> io::Result<()> {
        if let Some(segment) = &self.segment {
            let needed = (group.octets() + crate::sled::frame::HEADER_OCTETS) as u64;
            let full =
                segment.end > HEADER_OCTETS as u64 && segment.end + needed > self.segment_octets;
            if !segment.torn && !full {
                return Ok(());
            }
            segment.close()?;
            self.segment = None;
        }
        self.begin(group.first())
    }
}

impl Segment {
    /// Cuts off what is no commit: the room ahead, and a tail that was never acknowledged.
    fn close(&self) -> io::Result<()> {
        self.file.set_length(self.end)?;
        if self.torn {
            self.file.sync()?;
        }
        Ok(())
    }

    fn write(&mut self, frame: &[u8]) -> io::Result<()> {
        let end = self.end + frame.len() as u64;
        self.file.write_at(frame, self.end)?;
        if end > self.filled {
            let filled = end.next_multiple_of(ZEROED_AHEAD_OCTETS);
            self.file.write_at(&zeros(filled - end), end)?;
            self.filled = filled;
        }
        self.file.sync()?;
        self.end = end;
        Ok(())
    }
}

fn zeros(octets: u64) -> Vec<u8> {
    vec![0; octets as usize]
}
