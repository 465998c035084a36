//! The one table of preconditions and postconditions: element, status, and what the element carries.
//! Everything that says one of them (error bodies, multistatus answers, the conformance table) reads it here.

use http::StatusCode;
use scheduling::Precondition;

const DAV: &str = "DAV:";
const CALDAV: &str = "urn:ietf:params:xml:ns:caldav";
const CALENDARSERVER: &str = "http://calendarserver.org/ns/";

/// What stands in a precondition's element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carries {
    /// Nothing.
    Nothing,
    /// The href of the resource in the way, where it is known.
    Href,
    /// A resource and a privilege for each that is missing (RFC 3744 §7.1.1).
    Privileges,
}

/// One precondition or postcondition.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Which.
    #[cfg_attr(not(test), expect(dead_code, reason = "tests find each row by it"))]
    pub precondition: Precondition,
    /// The namespace of its element.
    pub namespace: &'static str,
    /// The local name of its element.
    pub element: &'static str,
    /// The status that it comes with.
    pub status: StatusCode,
    /// What stands in its element.
    pub carries: Carries,
    /// Where it is defined.
    pub source: &'static str,
}

impl Row {
    /// Its element.
    pub(crate) fn name(&self) -> crate::xml::Name<'static> {
        crate::xml::Name::new(self.namespace, self.element)
    }
}

/// Makes the table and the exhaustive look-up from the same lines.
macro_rules! preconditions {
    ($($variant:ident = $namespace:ident $element:literal, $status:ident, $carries:ident, $source:literal;)*) => {
        /// All rows.
        pub static TABLE: &[Row] = &[$(Row {
            precondition: Precondition::$variant,
            namespace: $namespace,
            element: $element,
            status: StatusCode::$status,
            carries: Carries::$carries,
            source: $source,
        }),*];

        /// The row of a precondition.
        pub fn row(precondition: Precondition) -> &'static Row {
            /// Positions in the table, counted by the compiler.
            enum Position { $($variant),* }
            let position = match precondition { $(Precondition::$variant => Position::$variant),* };
            &TABLE[position as usize]
        }
    };
}

preconditions! {
    LockTokenMatchesRequestUri = DAV "lock-token-matches-request-uri", CONFLICT, Nothing, "RFC 4918 §16";
    LockTokenSubmitted = DAV "lock-token-submitted", LOCKED, Href, "RFC 4918 §16";
    NoConflictingLock = DAV "no-conflicting-lock", LOCKED, Href, "RFC 4918 §16";
    CannotModifyProtectedProperty = DAV "cannot-modify-protected-property", FORBIDDEN, Nothing, "RFC 4918 §16";
    PropfindFiniteDepth = DAV "propfind-finite-depth", FORBIDDEN, Nothing, "RFC 4918 §16";
    NoExternalEntities = DAV "no-external-entities", FORBIDDEN, Nothing, "RFC 4918 §16";
    PreservedLiveProperties = DAV "preserved-live-properties", CONFLICT, Nothing, "RFC 4918 §16";
    SupportedReport = DAV "supported-report", FORBIDDEN, Nothing, "RFC 3253 §3.6";
    NeedPrivileges = DAV "need-privileges", FORBIDDEN, Privileges, "RFC 3744 §7.1.1";
    NoAceConflict = DAV "no-ace-conflict", FORBIDDEN, Nothing, "RFC 3744 §8.1.1";
    NoProtectedAceConflict = DAV "no-protected-ace-conflict", FORBIDDEN, Nothing, "RFC 3744 §8.1.1";
    LimitedNumberOfAces = DAV "limited-number-of-aces", FORBIDDEN, Nothing, "RFC 3744 §8.1.1";
    NoInvert = DAV "no-invert", FORBIDDEN, Nothing, "RFC 3744 §8.1.1";
    NotSupportedPrivilege = DAV "not-supported-privilege", FORBIDDEN, Nothing, "RFC 3744 §8.1.1";
    RecognizedPrincipal = DAV "recognized-principal", FORBIDDEN, Nothing, "RFC 3744 §8.1.1";
    AllowedPrincipal = DAV "allowed-principal", FORBIDDEN, Nothing, "RFC 3744 §8.1.1";
    ValidResourcetype = DAV "valid-resourcetype", FORBIDDEN, Nothing, "RFC 5689 §3.3";
    ValidSyncToken = DAV "valid-sync-token", FORBIDDEN, Nothing, "RFC 6578 §3.2";
    NumberOfMatchesWithinLimits = DAV "number-of-matches-within-limits", INSUFFICIENT_STORAGE, Nothing, "RFC 3744 §9.4";
    SyncTraversalSupported = DAV "sync-traversal-supported", FORBIDDEN, Nothing, "RFC 6578 §3.3";
    QuotaNotExceeded = DAV "quota-not-exceeded", INSUFFICIENT_STORAGE, Nothing, "RFC 4331 §6";
    SufficientDiskSpace = DAV "sufficient-disk-space", INSUFFICIENT_STORAGE, Nothing, "RFC 4331 §6";
    ResourceMustBeNull = DAV "resource-must-be-null", FORBIDDEN, Nothing, "RFC 4791 §5.3.1";
    CalendarCollectionLocationOk = CALDAV "calendar-collection-location-ok", FORBIDDEN, Nothing, "RFC 4791 §5.3.1";
    ValidCalendarData = CALDAV "valid-calendar-data", FORBIDDEN, Nothing, "RFC 4791 §5.3.2.1";
    ValidCalendarObjectResource = CALDAV "valid-calendar-object-resource", FORBIDDEN, Nothing, "RFC 4791 §5.3.2.1";
    SupportedCalendarData = CALDAV "supported-calendar-data", FORBIDDEN, Nothing, "RFC 4791 §5.3.2.1";
    SupportedCalendarComponent = CALDAV "supported-calendar-component", FORBIDDEN, Nothing, "RFC 4791 §5.3.2.1";
    SupportedCalendarComponentSet = CALDAV "supported-calendar-component-set", FORBIDDEN, Nothing, "RFC 4791 §5.2.3";
    NoUidConflict = CALDAV "no-uid-conflict", FORBIDDEN, Href, "RFC 4791 §5.3.2.1";
    MaxResourceSize = CALDAV "max-resource-size", FORBIDDEN, Nothing, "RFC 4791 §5.3.2.1";
    MinDateTime = CALDAV "min-date-time", FORBIDDEN, Nothing, "RFC 4791 §5.3.2.1";
    MaxDateTime = CALDAV "max-date-time", FORBIDDEN, Nothing, "RFC 4791 §5.3.2.1";
    MaxInstances = CALDAV "max-instances", FORBIDDEN, Nothing, "RFC 4791 §5.3.2.1";
    MaxAttendeesPerInstance = CALDAV "max-attendees-per-instance", FORBIDDEN, Nothing, "RFC 4791 §5.3.2.1";
    SupportedFilter = CALDAV "supported-filter", FORBIDDEN, Nothing, "RFC 4791 §7.8";
    SupportedCollation = CALDAV "supported-collation", FORBIDDEN, Nothing, "RFC 4791 §7.8";
    ValidFilter = CALDAV "valid-filter", FORBIDDEN, Nothing, "RFC 4791 §7.8";
    ValidTimezone = CALDAV "valid-timezone", FORBIDDEN, Nothing, "RFC 7809 §3.1.4";
    InitializeCalendarCollection = CALDAV "initialize-calendar-collection", FORBIDDEN, Nothing, "RFC 4791 §5.3.1";
    SupportedRscale = CALDAV "supported-rscale", FORBIDDEN, Nothing, "RFC 7529 §10";
    UniqueSchedulingObjectResource = CALDAV "unique-scheduling-object-resource", FORBIDDEN, Href, "RFC 6638 §3.2.4.1";
    SameOrganizerInAllComponents = CALDAV "same-organizer-in-all-components", FORBIDDEN, Nothing, "RFC 6638 §3.2.4.2";
    AllowedOrganizerSchedulingObjectChange = CALDAV "allowed-organizer-scheduling-object-change", FORBIDDEN, Nothing, "RFC 6638 §3.2.4.3";
    AllowedAttendeeSchedulingObjectChange = CALDAV "allowed-attendee-scheduling-object-change", FORBIDDEN, Nothing, "RFC 6638 §3.2.4.4";
    DefaultCalendarNeeded = CALDAV "default-calendar-needed", FORBIDDEN, Nothing, "RFC 6638 §4.3.1.1";
    ValidScheduleDefaultCalendarUrl = CALDAV "valid-schedule-default-calendar-URL", FORBIDDEN, Nothing, "RFC 6638 §4.3.1.2";
    ValidSchedulingMessage = CALDAV "valid-scheduling-message", BAD_REQUEST, Nothing, "RFC 6638 §5.2.1";
    ValidOrganizer = CALDAV "valid-organizer", FORBIDDEN, Nothing, "RFC 6638 §5.2.2";
    ValidAccessRestrictionChange = CALENDARSERVER "valid-access-restriction-change", FORBIDDEN, Nothing, "calendarserver private-events §4.2.2.1";
    MaxAttachmentSize = CALDAV "max-attachment-size", FORBIDDEN, Nothing, "RFC 8607 §3.11";
    MaxAttachmentsPerResource = CALDAV "max-attachments-per-resource", FORBIDDEN, Nothing, "RFC 8607 §3.11";
    ValidAction = CALDAV "valid-action", FORBIDDEN, Nothing, "RFC 8607 §3.11";
    ValidRid = CALDAV "valid-rid", FORBIDDEN, Nothing, "RFC 8607 §3.11";
    ValidManagedId = CALDAV "valid-managed-id", FORBIDDEN, Nothing, "RFC 8607 §3.11";
    ValidManagedIdParameter = CALDAV "valid-managed-id-parameter", FORBIDDEN, Nothing, "RFC 8607 §3.11";
}

#[cfg(test)]
mod tests {
    use super::*;

    /// That every precondition has a row is checked by the compiler: the match in `row` is exhaustive.
    #[test]
    fn each_row_is_found_by_its_own_precondition() {
        for entry in TABLE {
            assert_eq!(row(entry.precondition).precondition, entry.precondition);
        }
    }

    #[test]
    fn rows_are_distinct_and_well_formed() {
        for (index, entry) in TABLE.iter().enumerate() {
            let twin = TABLE[..index].iter().find(|other| {
                other.precondition == entry.precondition
                    || (other.namespace, other.element) == (entry.namespace, entry.element)
            });
            assert!(twin.is_none(), "{entry:?} and {twin:?}");
            assert!(
                entry.status.is_client_error() || entry.status == StatusCode::INSUFFICIENT_STORAGE,
                "{entry:?}"
            );
            assert!(
                ["RFC ", "calendarserver "]
                    .iter()
                    .any(|source| entry.source.starts_with(source))
                    && entry.source.contains(" §"),
                "{entry:?}"
            );
        }
    }

    /// The elements are spelled as the variants are, except for the case of abbreviations.
    #[test]
    fn elements_are_named_as_their_variants() {
        for entry in TABLE {
            let variant = format!("{:?}", entry.precondition).to_ascii_lowercase();
            assert_eq!(entry.element.replace('-', "").to_ascii_lowercase(), variant);
        }
    }
}
