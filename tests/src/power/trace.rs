//! Reading what `tests/power/record.c` writes.

/// A change of one file, or of the names in folders. Paths are relative to the recorded folder; the
/// folder itself is the empty path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<'a> {
    /// A file or folder was opened, and is made or emptied where the call says so.
    Open {
        /// Names it from now on.
        handle: u64,
        /// Where it stands.
        path: &'a str,
        /// Whether it was made if it was missing.
        may_create: bool,
        /// Whether what was in it is gone.
        empties: bool,
    },
    /// Octets were written.
    Write {
        /// Into which file.
        handle: u64,
        /// Where they begin.
        offset: u64,
        /// Which.
        octets: &'a [u8],
    },
    /// So many zeros were written.
    Zeros {
        /// Into which file.
        handle: u64,
        /// Where they begin.
        offset: u64,
        /// How many.
        count: u64,
    },
    /// A file was cut off or lengthened.
    Length {
        /// Which.
        handle: u64,
        /// Its length from now on.
        octets: u64,
    },
    /// A name was moved, in place of what had the new one.
    Rename(&'a str, &'a str),
    /// A name was removed.
    Remove(&'a str),
    /// A folder was made.
    MakeFolder(&'a str),
    /// A file has another name.
    Link(&'a str, &'a str),
}

/// A call that syncs; several may be under way for one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sync {
    /// What is synced.
    pub handle: u64,
    /// Which call it is.
    pub number: u64,
}

/// One entry of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry<'a> {
    /// Something was changed.
    Change(Change<'a>),
    /// The sync of a file or folder began.
    SyncBegins(Sync),
    /// It is over.
    SyncEnds(Sync),
    /// The program told the world something.
    Note(&'a [u8]),
}

/// What kind of moment an entry is, to cut more often where more is at stake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Octets were written.
    Contents,
    /// A file's length or a name changed.
    Structure,
    /// A sync began or ended.
    Sync,
    /// The world was told something.
    Note,
}

impl Entry<'_> {
    /// Its kind.
    pub fn moment(&self) -> Moment {
        match self {
            Entry::Note(_) => Moment::Note,
            Entry::SyncBegins(_) | Entry::SyncEnds(_) => Moment::Sync,
            Entry::Change(Change::Write { .. } | Change::Zeros { .. }) => Moment::Contents,
            Entry::Change(Change::Open {
                may_create: false,
                empties: false,
                ..
            }) => Moment::Contents,
            Entry::Change(_) => Moment::Structure,
        }
    }
}

/// Why a trace cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub struct TraceError {
    /// Where.
    pub offset: usize,
}

/// The entries of a trace, in order.
pub struct Trace<'a> {
    octets: &'a [u8],
    offset: usize,
}

impl<'a> Trace<'a> {
    /// Reads these octets.
    pub fn new(octets: &'a [u8]) -> Trace<'a> {
        Trace { octets, offset: 0 }
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let taken = self
            .octets
            .get(self.offset..self.offset.checked_add(count)?)?;
        self.offset += count;
        Some(taken)
    }

    fn number<const OCTETS: usize>(&mut self) -> Option<u64> {
        let mut number = [0; 8];
        number[..OCTETS].copy_from_slice(self.take(OCTETS)?);
        Some(u64::from_le_bytes(number))
    }

    fn entry(&mut self) -> Option<Entry<'a>> {
        const ZEROS: u64 = 3;
        let kind = self.number::<1>()?;
        let handle = self.number::<8>()?;
        let number = self.number::<8>()?;
        let count = self.number::<4>()?;
        let payload = self.take(if kind == ZEROS { 0 } else { count as usize })?;
        let path = || std::str::from_utf8(payload).ok();
        let paths = || path()?.split_once('\0');
        Some(Entry::Change(match kind {
            1 => Change::Open {
                handle,
                path: path()?,
                may_create: number & 1 != 0,
                empties: number & 2 != 0,
            },
            2 => Change::Write {
                handle,
                offset: number,
                octets: payload,
            },
            ZEROS => Change::Zeros {
                handle,
                offset: number,
                count,
            },
            4 => Change::Length {
                handle,
                octets: number,
            },
            5 => return Some(Entry::SyncBegins(Sync { handle, number })),
            6 => return Some(Entry::SyncEnds(Sync { handle, number })),
            7 => {
                let (from, to) = paths()?;
                Change::Rename(from, to)
            }
            8 => Change::Remove(path()?),
            9 => Change::MakeFolder(path()?),
            10 => {
                let (from, to) = paths()?;
                Change::Link(from, to)
            }
            11 => return Some(Entry::Note(payload)),
            _ => return None,
        }))
    }
}

impl<'a> Iterator for Trace<'a> {
    type Item = Result<Entry<'a>, TraceError>;

    fn next(&mut self) -> Option<Result<Entry<'a>, TraceError>> {
        let offset = self.offset;
        if offset == self.octets.len() {
            return None;
        }
        let entry = self.entry();
        if entry.is_none() {
            self.offset = self.octets.len();
        }
        Some(entry.ok_or(TraceError { offset }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(kind: u8, handle: u64, number: u64, count: u32, payload: &[u8]) -> Vec<u8> {
        let mut octets = vec![kind];
        octets.extend_from_slice(&handle.to_le_bytes());
        octets.extend_from_slice(&number.to_le_bytes());
        octets.extend_from_slice(&count.to_le_bytes());
        octets.extend_from_slice(payload);
        octets
    }

    #[test]
    fn entries_are_read_as_they_were_written() {
        let octets = [
            raw(1, 5, 3, 3, b"a/b"),
            raw(2, 5, 4096, 2, b"xy"),
            raw(3, 5, 9, 100, b""),
            raw(5, 5, 8, 0, b""),
            raw(6, 5, 8, 0, b""),
            raw(7, 0, 0, 3, b"a\0b"),
            raw(11, 0, 0, 2, b"1\n"),
        ]
        .concat();
        let sync = Sync {
            handle: 5,
            number: 8,
        };
        let entries: Vec<_> = Trace::new(&octets).map_while(Result::ok).collect();
        assert_eq!(
            entries,
            [
                Entry::Change(Change::Open {
                    handle: 5,
                    path: "a/b",
                    may_create: true,
                    empties: true
                }),
                Entry::Change(Change::Write {
                    handle: 5,
                    offset: 4096,
                    octets: b"xy"
                }),
                Entry::Change(Change::Zeros {
                    handle: 5,
                    offset: 9,
                    count: 100
                }),
                Entry::SyncBegins(sync),
                Entry::SyncEnds(sync),
                Entry::Change(Change::Rename("a", "b")),
                Entry::Note(b"1\n"),
            ]
        );
    }

    #[test]
    fn what_is_no_entry_is_an_error_and_the_end() {
        let good = raw(8, 0, 0, 1, b"a");
        for bad in [
            raw(12, 0, 0, 0, b""),
            raw(8, 0, 0, 2, b"a"),
            raw(7, 0, 0, 1, b"a"),
        ] {
            let octets = [good.clone(), bad].concat();
            let offset = good.len();
            let entries: Vec<_> = Trace::new(&octets).collect();
            let expected = [
                Ok(Entry::Change(Change::Remove("a"))),
                Err(TraceError { offset }),
            ];
            assert_eq!(entries, expected);
        }
    }
}
