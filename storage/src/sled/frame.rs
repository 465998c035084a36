//! Frames: the form of every durable record beside the index. A frame is a mark, the length of its
//! payload, a checksum of both, and the payload. The checksum is seeded with where the frame belongs,
//! so that a frame of another file is never taken for one of this.

use std::io::{self, Read};

/// Begins every frame, so that a valid frame behind a damaged one can be found.
const MARK: [u8; 4] = *b"\xC5cf1";
/// Mark, length, checksum.
pub(super) const HEADER_OCTETS: usize = 12;

/// A frame being written: room for its header first, then the payload as it comes.
pub(super) struct FrameBuffer {
    octets: Vec<u8>,
}

impl FrameBuffer {
    pub(super) fn new() -> FrameBuffer {
        FrameBuffer {
            octets: vec![0; HEADER_OCTETS],
        }
    }

    /// Begins anew, keeping the memory of a usual frame and giving back that of a huge one.
    pub(super) fn clear(&mut self) {
        const KEPT_OCTETS: usize = 256 * 1024;
        self.octets.truncate(HEADER_OCTETS);
        self.octets.shrink_to(KEPT_OCTETS);
    }

    /// Where the payload is appended.
    pub(super) fn payload(&mut self) -> &mut Vec<u8> {
        &mut self.octets
    }

    pub(super) fn payload_octets(&self) -> usize {
        self.octets.len() - HEADER_OCTETS
    }

    /// The whole frame, or `None` where its payload is longer than a length can say.
    pub(super) fn finish(&mut self, seed: u32) -> Option<&[u8]> {
        let length = u32::try_from(self.payload_octets()).ok()?.to_be_bytes();
        let sum = checksum(seed, length, &self.octets[HEADER_OCTETS..]).to_be_bytes();
        self.octets[..4].copy_from_slice(&MARK);
        self.octets[4..8].copy_from_slice(&length);
        self.octets[8..HEADER_OCTETS].copy_from_slice(&sum);
        Some(&self.octets)
    }
}

fn checksum(seed: u32, length: [u8; 4], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(seed);
    hasher.update(&length);
    hasher.update(payload);
    hasher.finalize()
}

/// The payload of the frame at the start of `octets`, and the octets behind it; `None` where no valid
/// frame stands there.
pub(super) fn read(octets: &[u8], seed: u32) -> Option<(&[u8], &[u8])> {
    let (header, rest) = octets.split_first_chunk::<HEADER_OCTETS>()?;
    let (mark, header) = header.split_first_chunk::<4>()?;
    let (length, sum) = header.split_first_chunk::<4>()?;
    if *mark != MARK {
        return None;
    }
    let (payload, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    (checksum(seed, *length, payload).to_be_bytes() == sum).then_some((payload, rest))
}

/// Reads the next frame of a file into `payload`; `false` where no valid frame stands there.
pub(super) fn read_next(
    file: &mut impl Read,
    seed: u32,
    payload: &mut Vec<u8>,
) -> io::Result<bool> {
    let mut header = [0; HEADER_OCTETS];
    if let Err(error) = file.read_exact(&mut header) {
        return if error.kind() == io::ErrorKind::UnexpectedEof {
            Ok(false)
        } else {
            Err(error)
        };
    }
    let length = [header[4], header[5], header[6], header[7]];
    let wanted = u64::from(u32::from_be_bytes(length));
    payload.clear();
    let read = file.take(wanted).read_to_end(payload)? as u64;
    let whole = read == wanted && header[..4] == MARK;
    Ok(whole && checksum(seed, length, payload).to_be_bytes() == header[8..])
}

/// The payload of the first valid frame anywhere in `octets`.
pub(super) fn find(octets: &[u8], seed: u32) -> Option<&[u8]> {
    let mut rest = octets;
    loop {
        let candidate = rest.windows(MARK.len()).position(|window| window == MARK)?;
        if let Some((payload, _)) = read(&rest[candidate..], seed) {
            return Some(payload);
        }
        rest = &rest[candidate + 1..];
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn frame(payload: &[u8], seed: u32) -> Vec<u8> {
        let mut buffer = FrameBuffer::new();
        buffer.payload().extend_from_slice(payload);
        buffer.finish(seed).unwrap().to_vec()
    }

    #[test]
    fn what_was_written_is_read() {
        let octets = [frame(b"first", 7), frame(b"", 7)].concat();
        let (first, rest) = read(&octets, 7).unwrap();
        assert_eq!(first, b"first");
        let (second, rest) = read(rest, 7).unwrap();
        assert_eq!((second, rest), (&b""[..], &b""[..]));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let good = frame(b"payload", 7);
        for index in 0..good.len() {
            assert_eq!(read(&good[..index], 7), None, "cut at {index}");
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[index] ^= 1 << bit;
                assert_eq!(read(&bad, 7), None, "bit {bit} of octet {index}");
            }
        }
    }

    #[test]
    fn a_frame_of_another_place_is_not_ours() {
        assert_eq!(read(&frame(b"payload", 7), 8), None);
    }

    #[test]
    fn a_valid_frame_is_found_behind_rubbish() {
        let octets = [b"\xC5cf1rubbish\xC5".to_vec(), frame(b"payload", 7)].concat();
        assert_eq!(find(&octets, 7), Some(&b"payload"[..]));
        assert_eq!(find(&octets, 8), None);
    }
}
