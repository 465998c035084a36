//! Expanded names (a namespace and a local name), and every name that this crate knows.

use std::fmt;

/// An expanded name. Namespaces are compared as strings, never by prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Name<'a> {
    /// The namespace; empty for none.
    pub namespace: &'a str,
    /// The name within it.
    pub local: &'a str,
}

impl<'a> Name<'a> {
    /// A name from its two parts.
    pub const fn new(namespace: &'a str, local: &'a str) -> Name<'a> {
        Name { namespace, local }
    }

    /// `{namespace}local`, the form in which the store keeps property names.
    pub fn clark(self) -> String {
        format!("{{{}}}{}", self.namespace, self.local)
    }

    /// The opposite of [`Name::clark`]; `None` where the text is none.
    pub fn from_clark(text: &'a str) -> Option<Name<'a>> {
        let (namespace, local) = text.strip_prefix('{')?.rsplit_once('}')?;
        (!local.is_empty()).then_some(Name { namespace, local })
    }
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{{{}}}{}", self.namespace, self.local)
    }
}

/// Declares names of one namespace as constants.
macro_rules! names {
    ($module:ident = $namespace:literal { $($constant:ident = $local:literal,)* }) => {
        #[allow(missing_docs)]
        pub(crate) mod $module {
            use super::Name;
            pub(crate) const NAMESPACE: &str = $namespace;
            $(pub(crate) const $constant: Name<'static> = Name::new(NAMESPACE, $local);)*
        }
    };
}

names!(dav = "DAV:" {
    ACE = "ace",
    ACL = "acl",
    ACL_PRINCIPAL_PROP_SET = "acl-principal-prop-set",
    ACL_RESTRICTIONS = "acl-restrictions",
    ACTIVELOCK = "activelock",
    ADD_MEMBER = "add-member",
    ALL = "all",
    ALLPROP = "allprop",
    ALTERNATE_URI_SET = "alternate-URI-set",
    APPLY_TO_PRINCIPAL_COLLECTION_SET = "apply-to-principal-collection-set",
    AUTHENTICATED = "authenticated",
    BIND = "bind",
    COLLECTION = "collection",
    CREATIONDATE = "creationdate",
    CURRENT_USER_PRINCIPAL = "current-user-principal",
    CURRENT_USER_PRIVILEGE_SET = "current-user-privilege-set",
    DENY = "deny",
    DEPTH = "depth",
    DESCRIPTION = "description",
    DISPLAYNAME = "displayname",
    ERROR = "error",
    EXCLUSIVE = "exclusive",
    EXPAND_PROPERTY = "expand-property",
    GETCONTENTLANGUAGE = "getcontentlanguage",
    GETCONTENTLENGTH = "getcontentlength",
    GETCONTENTTYPE = "getcontenttype",
    GETETAG = "getetag",
    GETLASTMODIFIED = "getlastmodified",
    GRANT = "grant",
    GROUP = "group",
    GROUP_MEMBERSHIP = "group-membership",
    GROUP_MEMBER_SET = "group-member-set",
    HREF = "href",
    INCLUDE = "include",
    INHERITED = "inherited",
    INHERITED_ACL_SET = "inherited-acl-set",
    INVERT = "invert",
    LIMIT = "limit",
    LOCKDISCOVERY = "lockdiscovery",
    LOCKENTRY = "lockentry",
    LOCKINFO = "lockinfo",
    LOCKROOT = "lockroot",
    LOCKSCOPE = "lockscope",
    LOCKTOKEN = "locktoken",
    LOCKTYPE = "locktype",
    MATCH = "match",
    MKCOL = "mkcol",
    MKCOL_RESPONSE = "mkcol-response",
    MULTISTATUS = "multistatus",
    NO_INVERT = "no-invert",
    NRESULTS = "nresults",
    OWNER = "owner",
    PRINCIPAL = "principal",
    PRINCIPAL_COLLECTION_SET = "principal-collection-set",
    PRINCIPAL_MATCH = "principal-match",
    PRINCIPAL_PROPERTY = "principal-property",
    PRINCIPAL_PROPERTY_SEARCH = "principal-property-search",
    PRINCIPAL_SEARCH_PROPERTY = "principal-search-property",
    PRINCIPAL_SEARCH_PROPERTY_SET = "principal-search-property-set",
    PRINCIPAL_URL = "principal-URL",
    PRIVILEGE = "privilege",
    PROP = "prop",
    PROPERTY = "property",
    PROPERTYUPDATE = "propertyupdate",
    PROPERTY_SEARCH = "property-search",
    PROPFIND = "propfind",
    PROPNAME = "propname",
    PROPSTAT = "propstat",
    PROTECTED = "protected",
    QUOTA_AVAILABLE_BYTES = "quota-available-bytes",
    QUOTA_USED_BYTES = "quota-used-bytes",
    READ = "read",
    READ_ACL = "read-acl",
    READ_CURRENT_USER_PRIVILEGE_SET = "read-current-user-privilege-set",
    REMOVE = "remove",
    REPORT = "report",
    RESOURCE = "resource",
    RESOURCE_ID = "resource-id",
    RESOURCETYPE = "resourcetype",
    RESPONSE = "response",
    SELF = "self",
    SET = "set",
    SHARED = "shared",
    STATUS = "status",
    SUPPORTEDLOCK = "supportedlock",
    SUPPORTED_LIVE_PROPERTY = "supported-live-property",
    SUPPORTED_LIVE_PROPERTY_SET = "supported-live-property-set",
    SUPPORTED_PRIVILEGE = "supported-privilege",
    SUPPORTED_PRIVILEGE_SET = "supported-privilege-set",
    SUPPORTED_REPORT = "supported-report",
    SUPPORTED_REPORT_SET = "supported-report-set",
    SYNC_COLLECTION = "sync-collection",
    SYNC_LEVEL = "sync-level",
    SYNC_TOKEN = "sync-token",
    TIMEOUT = "timeout",
    UNAUTHENTICATED = "unauthenticated",
    UNBIND = "unbind",
    UNLOCK = "unlock",
    WRITE = "write",
    WRITE_ACL = "write-acl",
    WRITE_CONTENT = "write-content",
    WRITE_PROPERTIES = "write-properties",
});

names!(caldav = "urn:ietf:params:xml:ns:caldav" {
    ALLCOMP = "allcomp",
    ALLPROP = "allprop",
    CALENDAR = "calendar",
    CALENDAR_AVAILABILITY = "calendar-availability",
    CALENDAR_DATA = "calendar-data",
    CALENDAR_DESCRIPTION = "calendar-description",
    CALENDAR_FREE_BUSY_SET = "calendar-free-busy-set",
    CALENDAR_HOME_SET = "calendar-home-set",
    CALENDAR_MULTIGET = "calendar-multiget",
    CALENDAR_QUERY = "calendar-query",
    CALENDAR_TIMEZONE = "calendar-timezone",
    CALENDAR_TIMEZONE_ID = "calendar-timezone-id",
    CALENDAR_USER_ADDRESS_SET = "calendar-user-address-set",
    CALENDAR_USER_TYPE = "calendar-user-type",
    COMP = "comp",
    COMP_FILTER = "comp-filter",
    DEFAULT_ALARM_VEVENT_DATE = "default-alarm-vevent-date",
    DEFAULT_ALARM_VEVENT_DATETIME = "default-alarm-vevent-datetime",
    DEFAULT_ALARM_VTODO_DATE = "default-alarm-vtodo-date",
    DEFAULT_ALARM_VTODO_DATETIME = "default-alarm-vtodo-datetime",
    EXPAND = "expand",
    FILTER = "filter",
    FREE_BUSY_QUERY = "free-busy-query",
    IS_NOT_DEFINED = "is-not-defined",
    LIMIT_FREEBUSY_SET = "limit-freebusy-set",
    LIMIT_RECURRENCE_SET = "limit-recurrence-set",
    MANAGED_ATTACHMENTS_SERVER_URL = "managed-attachments-server-URL",
    MAX_ATTACHMENTS_PER_RESOURCE = "max-attachments-per-resource",
    MAX_ATTACHMENT_SIZE = "max-attachment-size",
    MAX_ATTENDEES_PER_INSTANCE = "max-attendees-per-instance",
    MAX_DATE_TIME = "max-date-time",
    MAX_INSTANCES = "max-instances",
    MAX_RESOURCE_SIZE = "max-resource-size",
    MIN_DATE_TIME = "min-date-time",
    MKCALENDAR = "mkcalendar",
    OPAQUE = "opaque",
    PARAM_FILTER = "param-filter",
    PROP = "prop",
    PROP_FILTER = "prop-filter",
    READ_FREE_BUSY = "read-free-busy",
    RECIPIENT = "recipient",
    REQUEST_STATUS = "request-status",
    RESPONSE = "response",
    SCHEDULE_CALENDAR_TRANSP = "schedule-calendar-transp",
    SCHEDULE_DEFAULT_CALENDAR_URL = "schedule-default-calendar-URL",
    SCHEDULE_DELIVER = "schedule-deliver",
    SCHEDULE_DELIVER_INVITE = "schedule-deliver-invite",
    SCHEDULE_DELIVER_REPLY = "schedule-deliver-reply",
    SCHEDULE_INBOX = "schedule-inbox",
    SCHEDULE_INBOX_URL = "schedule-inbox-URL",
    SCHEDULE_OUTBOX = "schedule-outbox",
    SCHEDULE_OUTBOX_URL = "schedule-outbox-URL",
    SCHEDULE_QUERY_FREEBUSY = "schedule-query-freebusy",
    SCHEDULE_SEND = "schedule-send",
    SCHEDULE_SEND_FREEBUSY = "schedule-send-freebusy",
    SCHEDULE_SEND_INVITE = "schedule-send-invite",
    SCHEDULE_SEND_REPLY = "schedule-send-reply",
    SCHEDULE_RESPONSE = "schedule-response",
    SCHEDULE_TAG = "schedule-tag",
    SUPPORTED_CALENDAR_COMPONENT_SET = "supported-calendar-component-set",
    SUPPORTED_CALENDAR_DATA = "supported-calendar-data",
    SUPPORTED_COLLATION = "supported-collation",
    SUPPORTED_COLLATION_SET = "supported-collation-set",
    SUPPORTED_RSCALE = "supported-rscale",
    SUPPORTED_RSCALE_SET = "supported-rscale-set",
    TEXT_MATCH = "text-match",
    TIMEZONE = "timezone",
    TIMEZONE_ID = "timezone-id",
    TIMEZONE_SERVICE_SET = "timezone-service-set",
    TIME_RANGE = "time-range",
    TRANSPARENT = "transparent",
});

names!(calendarserver = "http://calendarserver.org/ns/" {
    CALENDAR_AVAILABILITY = "calendar-availability",
    CALENDAR_PROXY_READ = "calendar-proxy-read",
    CALENDAR_PROXY_READ_FOR = "calendar-proxy-read-for",
    CALENDAR_PROXY_WRITE = "calendar-proxy-write",
    CALENDAR_PROXY_WRITE_FOR = "calendar-proxy-write-for",
    EMAIL_ADDRESS_SET = "email-address-set",
    EMAIL_ADDRESS = "email-address",
    GETCTAG = "getctag",
    SUBSCRIBED = "subscribed",
    UID = "uid",
});

names!(me = "http://me.com/_namespace/" {
    BULK_REQUESTS = "bulk-requests",
    CRUD = "crud",
    DELETE = "delete",
    IF_MATCH = "if-match",
    MAX_BYTES = "max-bytes",
    MAX_RESOURCES = "max-resources",
    MULTIPUT = "multiput",
    RESOURCE = "resource",
    SIMPLE = "simple",
});

names!(convoke = "urn:x-convoke" {
    ACTOR = "actor",
    BUSY = "busy",
    CAPACITY = "capacity",
    DECISION = "decision",
    DESCRIPTION = "description",
    DETAIL = "detail",
    DRY_RUN = "dry-run",
    ENTRY = "entry",
    FEATURE = "feature",
    FEATURES = "features",
    FREE = "free",
    FREE_RESOURCES_QUERY = "free-resources-query",
    LOCATION = "location",
    MAXIMUM_MESSAGES_PER_HOUR = "maximum-messages-per-hour",
    METHOD = "method",
    MORE_INSTANCES = "more-instances",
    NOT_BOOKABLE = "not-bookable",
    OCCASION = "occasion",
    ONLY_FREE = "only-free",
    OUTCOME = "outcome",
    PARTLY = "partly",
    PARTSTAT = "partstat",
    REASON = "reason",
    RECURRENCE = "recurrence",
    RECURRENCE_ID = "recurrence-id",
    RULE = "rule",
    SCHEDULE_STATUS = "schedule-status",
    SCHEDULING_LOG = "scheduling-log",
    SCHEDULING_LOG_QUERY = "scheduling-log-query",
    SENT_BY = "sent-by",
    SEQUENCE = "sequence",
    SINCE = "since",
    TAKEN = "taken",
    TIME = "time",
    UNKNOWN = "unknown",
    VACANCY = "vacancy",
    VERDICT = "verdict",
    WAY = "way",
});

names!(nextcloud = "http://nextcloud.com/ns" {
    ROOM_BUILDING_ADDRESS = "room-building-address",
    ROOM_FEATURES = "room-features",
    ROOM_SEATING_CAPACITY = "room-seating-capacity",
});

names!(apple = "http://apple.com/ns/ical/" {
    CALENDAR_COLOR = "calendar-color",
    CALENDAR_ORDER = "calendar-order",
});

/// The namespace of `xml:lang`.
pub(crate) const XML_NAMESPACE: &str = "http://www.w3.org/XML/1998/namespace";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clark_form_reads_back() {
        for name in [dav::PROP, Name::new("", "x"), Name::new("a}b", "c")] {
            assert_eq!(Name::from_clark(&name.clark()), Some(name));
        }
        for text in ["", "x", "{x", "{x}", "x}y"] {
            assert_eq!(Name::from_clark(text), None, "{text}");
        }
    }
}
