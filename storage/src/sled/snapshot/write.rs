//! Writing a snapshot piece by piece, wherever its pieces come from.

use std::io::{self, Write};

use super::{BLOB, HEADER, PACKED_GROUP, PACKED_ROWS, TRAILER, VERSION, prologue, seed};
use crate::{
    Revision,
    backend::Committed,
    blob_files::BlobName,
    sled::{
        folder::StoreId,
        frame::FrameBuffer,
        group::{GroupWriter, Recorded},
    },
};

/// What stands before the octets of a blob in their frame.
const BLOB_HEADER_OCTETS: usize = 32 + 16 + 8 + 8;
/// Pieces are packed together until they have so many octets.
const FRAME_OCTETS: usize = 128 * 1024;

/// Writes a snapshot: all rows, then the commits of the time of their scan in order, then the end.
pub(in crate::sled) struct Writer<W> {
    out: W,
    store: StoreId,
    frame: FrameBuffer,
    pending_rows: Vec<u8>,
    pending_group: GroupWriter,
    frames: u64,
    rows: u64,
}

impl<W: Write> Writer<W> {
    /// Begins a snapshot of a store.
    pub(in crate::sled) fn begin(mut out: W, store: StoreId) -> io::Result<Writer<W>> {
        out.write_all(&prologue(store))?;
        let mut writer = Writer {
            out,
            store,
            frame: FrameBuffer::new(),
            pending_rows: Vec::new(),
            pending_group: GroupWriter::new(),
            frames: 0,
            rows: 0,
        };
        writer.write_frame(HEADER, &VERSION.to_be_bytes())?;
        Ok(writer)
    }

    /// Adds a row.
    pub(in crate::sled) fn row(
        &mut self,
        key: &[u8],
        revision: Revision,
        value: &[u8],
    ) -> io::Result<()> {
        let rows = &mut self.pending_rows;
        rows.extend_from_slice(&revision.0.to_be_bytes());
        rows.extend_from_slice(&(key.len() as u16).to_be_bytes());
        rows.extend_from_slice(key);
        rows.extend_from_slice(&(value.len() as u32).to_be_bytes());
        rows.extend_from_slice(value);
        self.rows += 1;
        if rows.len() < FRAME_OCTETS {
            return Ok(());
        }
        self.write_rows()
    }

    /// Adds the next commit.
    pub(in crate::sled) fn commit(&mut self, recorded: &Recorded<'_>) -> io::Result<()> {
        self.write_rows()?;
        self.pending_group.push_recorded(recorded);
        if self.pending_group.octets() < FRAME_OCTETS {
            return Ok(());
        }
        self.write_group()
    }

    /// Adds octets of a blob, which follow those that were added before.
    pub(in crate::sled) fn blob(
        &mut self,
        name: BlobName,
        length: u64,
        start: u64,
        octets: &[u8],
    ) -> io::Result<()> {
        self.write_rows()?;
        self.write_group()?;
        let mut body = Vec::with_capacity(BLOB_HEADER_OCTETS + octets.len());
        body.extend_from_slice(&name.hash);
        body.extend_from_slice(&name.writing.to_be_bytes());
        body.extend_from_slice(&length.to_be_bytes());
        body.extend_from_slice(&start.to_be_bytes());
        body.extend_from_slice(octets);
        self.write_frame(BLOB, &body)
    }

    /// Ends the snapshot, which contains everything up to `through`, and gives back where it went.
    pub(in crate::sled) fn finish(mut self, through: Committed) -> io::Result<W> {
        self.write_rows()?;
        self.write_group()?;
        let numbers = [
            through.revision.0,
            through.time.0 as u64,
            self.rows,
            self.frames,
        ];
        let body: Vec<u8> = numbers
            .iter()
            .flat_map(|number| number.to_be_bytes())
            .collect();
        self.write_frame(TRAILER, &body)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn write_rows(&mut self) -> io::Result<()> {
        if self.pending_rows.is_empty() {
            return Ok(());
        }
        let packed = lz4_flex::block::compress_prepend_size(&self.pending_rows);
        self.pending_rows.clear();
        self.write_frame(PACKED_ROWS, &packed)
    }

    fn write_group(&mut self) -> io::Result<()> {
        if self.pending_group.is_empty() {
            return Ok(());
        }
        let packed = lz4_flex::block::compress_prepend_size(self.pending_group.payload());
        self.pending_group.clear();
        self.write_frame(PACKED_GROUP, &packed)
    }

    fn write_frame(&mut self, kind: u8, body: &[u8]) -> io::Result<()> {
        self.frame.clear();
        self.frame.payload().push(kind);
        self.frame.payload().extend_from_slice(body);
        let octets = self.frame.finish(seed(self.store));
        self.out.write_all(
            octets.ok_or_else(|| io::Error::other("a frame of a snapshot is too long"))?,
        )?;
        self.frames += 1;
        Ok(())
    }
}
