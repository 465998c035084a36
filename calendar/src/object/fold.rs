//! Folding and unfolding (RFC 5545 §3.1), and the ends of lines.

/// Octets of a physical line without its end (RFC 5545 §3.1).
pub const LINE_OCTETS: usize = 75;

/// How a line ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LineEnd {
    /// As the RFC wants it.
    #[default]
    CrLf,
    /// As files on many machines have it.
    Lf,
}

impl LineEnd {
    /// Of a physical or content line; CRLF where it has none.
    pub fn of(line: &[u8]) -> LineEnd {
        match line {
            [.., b'\r', b'\n'] => LineEnd::CrLf,
            [.., b'\n'] => LineEnd::Lf,
            _ => LineEnd::CrLf,
        }
    }

    /// Its octets.
    pub fn as_str(self) -> &'static str {
        match self {
            LineEnd::CrLf => "\r\n",
            LineEnd::Lf => "\n",
        }
    }
}

/// The length of a line without its end, which may be LF after any number of CR, or nothing.
pub fn length_without_end(line: &[u8]) -> usize {
    let Some(line) = line.strip_suffix(b"\n") else {
        return line.len();
    };
    line.len()
        - line
            .iter()
            .rev()
            .take_while(|octet| **octet == b'\r')
            .count()
}

/// Joins a content line's physical lines: each line break and the one space or tab after it vanish.
pub fn unfold(line: &[u8]) -> Vec<u8> {
    let mut content = Vec::with_capacity(line.len());
    for (index, physical) in line.split_inclusive(|octet| *octet == b'\n').enumerate() {
        let physical = &physical[..length_without_end(physical)];
        let skipped = usize::from(index > 0 && !physical.is_empty());
        content.extend_from_slice(&physical[skipped..]);
    }
    content
}

/// Appends a content line folded at 75 octets, never within a character, with its end.
pub fn fold_onto(output: &mut Vec<u8>, content: &str, end: LineEnd) {
    let mut rest = content;
    let mut room = LINE_OCTETS;
    while rest.len() > room {
        let at = rest.floor_char_boundary(room);
        output.extend_from_slice(&rest.as_bytes()[..at]);
        output.extend_from_slice(end.as_str().as_bytes());
        output.push(b' ');
        rest = &rest[at..];
        room = LINE_OCTETS - 1;
    }
    output.extend_from_slice(rest.as_bytes());
    output.extend_from_slice(end.as_str().as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_at_75_octets_and_never_within_a_character() {
        // RFC 5545 §3.1
        for content in [
            "a".repeat(75),
            "ä".repeat(300),
            "🎉x".repeat(200),
            format!("SUMMARY:{}", "b".repeat(1000)),
        ] {
            for end in [LineEnd::CrLf, LineEnd::Lf] {
                let mut output = Vec::new();
                fold_onto(&mut output, &content, end);
                for physical in output.split_inclusive(|octet| *octet == b'\n') {
                    assert!(length_without_end(physical) <= LINE_OCTETS);
                    assert!(std::str::from_utf8(physical).is_ok());
                    assert_eq!(LineEnd::of(physical), end);
                }
                assert_eq!(unfold(&output), content.as_bytes());
            }
        }
    }

    #[test]
    fn unfolds_any_mixture() {
        for (line, content) in [
            (&b"A:x\r\n y\n\tz\r\n"[..], &b"A:xyz"[..]),
            (b"A:x\r\r\n y", b"A:xy"),
            (b"A:x\r\n  y\r\n", b"A:x y"),
            (b"A:\xc3\r\n \xa4\r\n", "A:ä".as_bytes()),
            (b"A:x\r\n \r\n y\r\n", b"A:xy"),
        ] {
            assert_eq!(unfold(line), content);
        }
    }

    #[test]
    fn a_long_line_is_folded_in_linear_time() {
        // another printer takes a third of a second for 400 KB, and four times that for twice as much
        let content = "ä".repeat(4 << 20);
        let mut output = Vec::new();
        fold_onto(&mut output, &content, LineEnd::CrLf);
        assert!(output.len() > content.len());
    }
}
