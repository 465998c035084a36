//! The form of a blob's file: blocks of its octets, each with a checksum behind it.
//!
//! Hence any part of a blob can be read, and is verified, without the rest. The checksums are seeded with
//! the writing and the number of the block: a block is not taken for another, nor for one of another file.

/// The octets of a block; the last one may have fewer, and none is empty.
pub(super) const BLOCK_OCTETS: u64 = 64 * 1024;
const SUM_OCTETS: u64 = 4;
const FRAMED_OCTETS: u64 = BLOCK_OCTETS + SUM_OCTETS;

/// How long the file of a blob of so many octets is.
pub(super) fn framed_length(length: u64) -> u64 {
    length + length.div_ceil(BLOCK_OCTETS) * SUM_OCTETS
}

/// How many octets the blob has whose file is so long; `None` where no blob's is.
pub(super) fn length_of(framed: u64) -> Option<u64> {
    let sums = framed.div_ceil(FRAMED_OCTETS) * SUM_OCTETS;
    let length = framed.checked_sub(sums)?;
    (framed_length(length) == framed).then_some(length)
}

fn begin_sum(writing: u128, number: u64) -> crc32fast::Hasher {
    let mut sum = crc32fast::Hasher::new();
    sum.update(b"blob");
    sum.update(&writing.to_be_bytes());
    sum.update(&number.to_be_bytes());
    sum
}

/// Puts the checksums between the octets of a stream.
pub(super) struct Framer {
    writing: u128,
    /// The number of the block, and what is in it so far.
    number: u64,
    octets: u64,
    sum: crc32fast::Hasher,
}

impl Framer {
    pub(super) fn new(writing: u128) -> Framer {
        Framer {
            writing,
            number: 0,
            octets: 0,
            sum: begin_sum(writing, 0),
        }
    }

    /// What these octets add to the file.
    pub(super) fn push(&mut self, mut octets: &[u8]) -> Vec<u8> {
        let mut framed = Vec::with_capacity(framed_length(octets.len() as u64) as usize + 4);
        while !octets.is_empty() {
            let room = (BLOCK_OCTETS - self.octets) as usize;
            let (here, behind) = octets.split_at(octets.len().min(room));
            self.sum.update(here);
            self.octets += here.len() as u64;
            framed.extend_from_slice(here);
            if self.octets == BLOCK_OCTETS {
                framed.extend(self.end());
            }
            octets = behind;
        }
        framed
    }

    /// What ends the file.
    pub(super) fn end(&mut self) -> Vec<u8> {
        if self.octets == 0 {
            return Vec::new();
        }
        let next = begin_sum(self.writing, self.number + 1);
        let sum = std::mem::replace(&mut self.sum, next).finalize();
        (self.number, self.octets) = (self.number + 1, 0);
        sum.to_be_bytes().to_vec()
    }
}

/// Which part of the file must be read for a part of the blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    writing: u128,
    /// The first block.
    number: u64,
    /// Where it begins in the file.
    pub(super) offset: u64,
    /// How many octets of the file.
    pub(super) framed: usize,
    /// How many octets before what is wanted, and how many are wanted.
    before: usize,
    count: usize,
}

impl Part {
    /// `count` octets from `start` on, of a blob of `length` octets; `None` where it has none there.
    pub(super) fn of(writing: u128, length: u64, start: u64, count: usize) -> Option<Part> {
        let end = start
            .checked_add(count as u64)
            .filter(|end| *end <= length)?;
        let number = start / BLOCK_OCTETS;
        let begin = number * BLOCK_OCTETS;
        let last = end.div_ceil(BLOCK_OCTETS).saturating_mul(BLOCK_OCTETS);
        let offset = number * FRAMED_OCTETS;
        let framed = framed_length(last.min(length)).checked_sub(offset)?;
        Some(Part {
            writing,
            number,
            offset,
            framed: usize::try_from(framed).ok()?,
            before: (start - begin) as usize,
            count,
        })
    }

    /// What was wanted, if each block of what was read is sound.
    pub(super) fn verify(&self, mut read: Vec<u8>) -> Option<Vec<u8>> {
        if read.len() != self.framed {
            return None;
        }
        let mut kept = 0;
        let mut from = 0;
        for number in self.number.. {
            if from == read.len() {
                break;
            }
            let to = read.len().min(from + FRAMED_OCTETS as usize);
            let (octets, sum) = read[from..to].split_last_chunk::<4>()?;
            let mut found = begin_sum(self.writing, number);
            found.update(octets);
            if found.finalize().to_be_bytes() != *sum {
                return None;
            }
            let octets = octets.len();
            read.copy_within(from..from + octets, kept);
            kept += octets;
            from = to;
        }
        read.truncate(kept);
        read.drain(..self.before.min(kept));
        read.truncate(self.count);
        (read.len() == self.count).then_some(read)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const BLOCK: usize = BLOCK_OCTETS as usize;

    fn octets(length: usize) -> Vec<u8> {
        (0..length).map(|place| (place % 251) as u8).collect()
    }

    fn framed(octets: &[u8], piece: usize) -> Vec<u8> {
        let mut framer = Framer::new(7);
        let mut framed: Vec<u8> = octets
            .chunks(piece)
            .flat_map(|piece| framer.push(piece))
            .collect();
        framed.extend(framer.end());
        framed
    }

    fn read(file: &[u8], length: u64, start: u64, count: usize) -> Option<Vec<u8>> {
        let part = Part::of(7, length, start, count)?;
        let offset = part.offset as usize;
        let end = file.len().min(offset + part.framed);
        part.verify(file.get(offset..end)?.to_vec())
    }

    #[test]
    fn every_part_comes_back() {
        for length in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 3 * BLOCK + 5] {
            let octets = octets(length);
            let file = framed(&octets, 10_000);
            assert_eq!(file, framed(&octets, usize::MAX), "{length}");
            assert_eq!(file.len() as u64, framed_length(length as u64));
            assert_eq!(length_of(file.len() as u64), Some(length as u64));
            for start in [0, 1, BLOCK - 1, BLOCK, 2 * BLOCK + 9, length] {
                for count in [0, 1, BLOCK, BLOCK + 2, length] {
                    let wanted = octets.get(start..start.saturating_add(count));
                    let found = read(&file, length as u64, start as u64, count);
                    assert_eq!(found.as_deref(), wanted, "{start} and {count} of {length}");
                }
            }
        }
    }

    #[test]
    fn lengths_that_no_file_has() {
        for framed in [1, 4, FRAMED_OCTETS + 1, FRAMED_OCTETS + 4] {
            assert_eq!(length_of(framed), None, "{framed}");
        }
        assert_eq!(length_of(5), Some(1));
        assert_eq!(length_of(FRAMED_OCTETS + 5), Some(BLOCK_OCTETS + 1));
    }

    #[test]
    fn damage_is_noticed_wherever_it_is() {
        let length = 2 * BLOCK + 9;
        let octets = octets(length);
        let file = framed(&octets, usize::MAX);
        for place in [0, BLOCK - 1, BLOCK, BLOCK + 3, BLOCK + 4, file.len() - 1] {
            let mut flipped = file.clone();
            flipped[place] ^= 1;
            assert_eq!(read(&flipped, length as u64, 0, length), None, "{place}");
            let block = (place / FRAMED_OCTETS as usize * BLOCK) as u64;
            assert_eq!(read(&flipped, length as u64, block, 1), None, "{place}");
        }
        let cut = &file[..file.len() - 1];
        assert_eq!(read(cut, length as u64, 0, length), None);
        // Another writing of the same octets, and blocks that changed places.
        let other = Part::of(8, length as u64, 0, 5).unwrap();
        assert_eq!(other.verify(file[..other.framed].to_vec()), None);
        let (first, rest) = file.split_at(FRAMED_OCTETS as usize);
        let (second, last) = rest.split_at(FRAMED_OCTETS as usize);
        let swapped = [second, first, last].concat();
        assert_eq!(read(&swapped, length as u64, 0, 5), None);
    }
}
