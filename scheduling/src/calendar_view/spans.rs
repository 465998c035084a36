//! Spans of time in order of their starts, in blocks that know their latest end: what lies in a part of
//! time is found without looking at all of them, and one more is put in without moving all of them.

/// A block with more spans is divided in two.
const BLOCK_SPANS: usize = 256;

/// From the first to the last second in which something may be, with the number of its row. One of more than
/// 136 years ends never.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    start: i64,
    row: u32,
    length: u32,
}

impl Span {
    pub fn new(start: i64, end: i64, row: u32) -> Span {
        let length = u32::try_from(end.saturating_sub(start).max(0)).unwrap_or(u32::MAX);
        Span { start, row, length }
    }

    fn end(self) -> i64 {
        match self.length {
            u32::MAX => i64::MAX,
            length => self.start.saturating_add(i64::from(length)),
        }
    }
}

/// Neighbours in order; never empty.
#[derive(Debug)]
struct Block {
    spans: Vec<Span>,
    latest_end: i64,
}

/// All spans of a calendar.
#[derive(Debug, Default)]
pub(super) struct Spans {
    blocks: Vec<Block>,
}

impl Block {
    fn of(spans: Vec<Span>) -> Block {
        let latest_end = latest_end(&spans);
        Block { spans, latest_end }
    }
}

fn latest_end(spans: &[Span]) -> i64 {
    spans
        .iter()
        .map(|span| span.end())
        .max()
        .unwrap_or(i64::MIN)
}

impl Spans {
    /// From spans in any order.
    pub fn from_all(mut spans: Vec<Span>) -> Spans {
        spans.sort_unstable();
        let blocks = spans.chunks(BLOCK_SPANS / 2);
        Spans {
            blocks: blocks.map(|spans| Block::of(spans.to_vec())).collect(),
        }
    }

    /// Puts one in.
    pub fn insert(&mut self, span: Span) {
        let at = self.block_of(&span);
        let Some(block) = self.blocks.get_mut(at) else {
            self.blocks.push(Block::of(vec![span]));
            return;
        };
        let place = block.spans.partition_point(|other| *other < span);
        block.spans.insert(place, span);
        block.latest_end = block.latest_end.max(span.end());
        if block.spans.len() > BLOCK_SPANS {
            let later = block.spans.split_off(BLOCK_SPANS / 2);
            block.latest_end = latest_end(&block.spans);
            self.blocks.insert(at + 1, Block::of(later));
        }
    }

    /// Takes one out.
    pub fn remove(&mut self, span: Span) {
        let at = self.block_of(&span);
        let Some(block) = self.blocks.get_mut(at) else {
            return;
        };
        if let Ok(place) = block.spans.binary_search(&span) {
            block.spans.remove(place);
            block.latest_end = latest_end(&block.spans);
        }
        if block.spans.is_empty() {
            self.blocks.remove(at);
        }
    }

    /// The rows that have to do with a part of time, its ends included, in no order.
    pub fn touching(&self, first: i64, last: i64) -> impl Iterator<Item = u32> {
        self.blocks
            .iter()
            .take_while(move |block| block.spans[0].start <= last)
            .filter(move |block| block.latest_end >= first)
            .flat_map(|block| &block.spans)
            .filter(move |span| span.start <= last && span.end() >= first)
            .map(|span| span.row)
    }

    /// The last block that begins with this span or an earlier one; the first where none does.
    fn block_of(&self, span: &Span) -> usize {
        self.blocks
            .partition_point(|block| block.spans[0] <= *span)
            .saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn span() -> impl Strategy<Value = Span> {
        (0..1_000i64, 0..300i64, 0..2_000u32)
            .prop_map(|(start, length, row)| Span::new(start, start + length, row))
    }

    #[test]
    fn what_is_open_or_very_long_never_ends() {
        let century = 100 * 365 * 86_400;
        let table = [
            (0, 0, 0),
            (-5, 7, 7),
            (0, century, century),
            (0, 2 * century, i64::MAX),
            (0, i64::MAX, i64::MAX),
            (i64::MIN, 0, i64::MAX),
            (i64::MIN, i64::MAX, i64::MAX),
        ];
        for (start, end, expected) in table {
            assert_eq!(Span::new(start, end, 1).end(), expected, "{start} to {end}");
        }
    }

    proptest! {
        /// Whatever was put in and taken out, all that touches is found, and nothing else.
        #[test]
        fn as_a_plain_list(
            first in prop::collection::vec(span(), 0..700),
            added in prop::collection::vec(span(), 0..700),
            removed in prop::collection::vec(any::<prop::sample::Index>(), 0..300),
            windows in prop::collection::vec((0..1_300i64, 0..200i64), 5),
        ) {
            let mut plain = first.clone();
            let mut spans = Spans::from_all(first);
            for span in added {
                plain.push(span);
                spans.insert(span);
            }
            for index in removed {
                if !plain.is_empty() {
                    spans.remove(plain.swap_remove(index.index(plain.len())));
                }
            }
            for (start, length) in windows {
                let end = start + length;
                let mut found: Vec<u32> = spans.touching(start, end).collect();
                let touches = |span: &&Span| span.start <= end && span.end() >= start;
                let mut expected: Vec<u32> =
                    plain.iter().filter(touches).map(|span| span.row).collect();
                found.sort_unstable();
                expected.sort_unstable();
                prop_assert_eq!(found, expected);
            }
            let is_in_order = |block: &Block| {
                block.spans.is_sorted()
                    && !block.spans.is_empty()
                    && block.latest_end == latest_end(&block.spans)
            };
            prop_assert!(spans.blocks.iter().all(is_in_order));
        }
    }
}
