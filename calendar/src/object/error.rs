//! What can be wrong with a stream, with an edit, and how much is read at all.

/// How much of a stream is read. Everything beyond is an error, never a truncation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Octets of the whole stream.
    pub octets: usize,
    /// Physical lines.
    pub lines: usize,
    /// Octets of one content line with its folds. Inline attachments make long ones.
    pub line_octets: usize,
    /// Components within each other, VCALENDAR being the first.
    pub depth: usize,
}

impl Limits {
    /// The default bound of a stream's octets.
    pub const OCTETS: usize = 10 * 1024 * 1024;
    /// The default bound of physical lines.
    pub const LINES: usize = 200_000;
    /// The default bound of one content line.
    pub const LINE_OCTETS: usize = 8 * 1024 * 1024;
    /// The default bound of the nesting.
    pub const DEPTH: usize = 16;
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            octets: Limits::OCTETS,
            lines: Limits::LINES,
            line_octets: Limits::LINE_OCTETS,
            depth: Limits::DEPTH,
        }
    }
}

/// What is wrong with a stream, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct ParseError {
    /// The physical line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub fault: ParseFault,
}

/// What is wrong with a line or its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseFault {
    /// More octets than [`Limits::octets`].
    #[error("the stream is larger than {0} octets")]
    TooManyOctets(usize),
    /// More lines than [`Limits::lines`].
    #[error("the stream has more than {0} lines")]
    TooManyLines(usize),
    /// A longer line than [`Limits::line_octets`].
    #[error("the line is longer than {0} octets")]
    LineTooLong(usize),
    /// Deeper than [`Limits::depth`].
    #[error("components are nested more than {0} deep")]
    TooDeep(usize),
    /// Octets that are not UTF-8 after unfolding.
    #[error("the line is not UTF-8")]
    NotUtf8,
    /// A control character, or U+FFFE or U+FFFF, which no XML report could carry.
    #[error("the line contains the character U+{0:04X}, which is not allowed")]
    ForbiddenCharacter(u32),
    /// A carriage return that ends no line; other readers would see a line break there.
    #[error("the line contains a carriage return that ends no line")]
    BareCarriageReturn,
    /// No colon ends the name and parameters.
    #[error("the line has no colon after its name")]
    NoColon,
    /// A quoted parameter value without its end.
    #[error("a quoted parameter value has no closing quote")]
    UnclosedQuote,
    /// An empty name, or a name with other characters than letters, digits and `-`.
    #[error("the line does not begin with the name of a property")]
    BadName,
    /// A parameter without a name or without `=`.
    #[error("a parameter is not of the form NAME=VALUE")]
    BadParameter,
    /// BEGIN or END with parameters, or with a value that is no name.
    #[error("BEGIN and END take the name of a component and nothing else")]
    BadComponentName,
    /// A continuation where nothing can be continued.
    #[error("the line continues nothing")]
    StrayContinuation,
    /// Anything before BEGIN:VCALENDAR or after its END.
    #[error("there is content outside VCALENDAR")]
    OutsideCalendar,
    /// A second VCALENDAR; RFC 4791 §4.1 wants exactly one in a resource.
    #[error("there is a second VCALENDAR")]
    SecondCalendar,
    /// An END whose name is not that of the open component.
    #[error("END:{found} does not end {open}")]
    WrongEnd {
        /// The open component.
        open: String,
        /// What stands there.
        found: String,
    },
    /// The stream ends within a component.
    #[error("{0} is not ended")]
    NotEnded(String),
    /// There is no component at all.
    #[error("there is no VCALENDAR")]
    NoCalendar,
}

/// Why an edit was refused. Nothing changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The name is not made of letters, digits and `-`, or is BEGIN or END.
    #[error("{0:?} is not a name")]
    BadName(String),
    /// A raw value with a line break or another control character, which would be a second line.
    #[error("a value cannot contain the character U+{0:04X}")]
    ForbiddenCharacter(u32),
}
