//! The note of what the index contains for certain: where replay of the journal starts.

use std::io;

use crate::{
    Revision, Timestamp,
    backend::Committed,
    sled::{
        folder::{Folder, StoreId},
        octets::Reader,
    },
};

const MAGIC: [u8; 8] = *b"CNVKCHPT";

/// The checkpoint; `None` where there is none that can be believed.
pub(super) fn read(folder: &Folder) -> io::Result<Option<Committed>> {
    match folder.disk().read_whole(&folder.checkpoint()) {
        Ok(octets) => Ok(parse(&octets, folder.store())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Replaces the checkpoint. The index must have been synced.
pub(super) fn write(folder: &Folder, contains: Committed) -> io::Result<()> {
    folder
        .disk()
        .write_durably(&folder.checkpoint(), &format(folder.store(), contains))
}

pub(super) fn format(store: StoreId, contains: Committed) -> Vec<u8> {
    let mut octets = Vec::new();
    octets.extend_from_slice(&MAGIC);
    octets.extend_from_slice(&store.0);
    octets.extend_from_slice(&contains.revision.0.to_be_bytes());
    octets.extend_from_slice(&contains.time.0.to_be_bytes());
    octets.extend_from_slice(&crc32fast::hash(&octets).to_be_bytes());
    octets
}

pub(super) fn parse(octets: &[u8], store: StoreId) -> Option<Committed> {
    let (body, sum) = octets.split_last_chunk::<4>()?;
    let mut reader = Reader(body);
    let ours = reader.array()? == MAGIC && reader.array()? == store.0;
    let contains = Committed {
        revision: Revision(reader.u64()?),
        time: Timestamp(reader.i64()?),
    };
    let whole = reader.is_empty() && crc32fast::hash(body).to_be_bytes() == *sum;
    (ours && whole).then_some(contains)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_a_whole_checkpoint_of_this_store_is_believed() {
        let contains = Committed {
            revision: Revision(5),
            time: Timestamp(-6),
        };
        let store = StoreId([1; 16]);
        let good = format(store, contains);
        assert_eq!(parse(&good, store), Some(contains));
        assert_eq!(parse(&good, StoreId([2; 16])), None);
        for index in 0..good.len() {
            assert_eq!(parse(&good[..index], store), None, "cut at {index}");
            let mut bad = good.clone();
            bad[index] ^= 4;
            assert_eq!(parse(&bad, store), None, "octet {index}");
        }
    }
}
