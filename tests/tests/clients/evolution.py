"""What Bob does in Evolution, with the libraries that its own windows call.

Everything that Evolution knows of calendars is in evolution-data-server, which D-Bus starts: it finds the calendars
of an account, keeps them in step and sends what changes. This program is the part of the windows: it adds the account,
types the password when it is asked for, and changes events by libecal. Each line of the input is an action with what
it needs, each line of the output what came of it.
"""

import json
import sys

import gi

for name, version in [("EDataServer", "1.2"), ("ECal", "2.0"), ("ICalGLib", "3.0")]:
    gi.require_version(name, version)
from gi.repository import ECal, EDataServer, GLib, ICalGLib  # noqa: E402

PATIENCE_SECONDS = 60
WHOLE, ONE = ECal.ObjModType.ALL, ECal.ObjModType.THIS
UTC = ICalGLib.Timezone.get_utc_timezone()


def wait_for(what, condition):
    """Lets the main loop run until there is something."""
    context = GLib.MainContext.default()
    patience = []
    GLib.timeout_add_seconds(PATIENCE_SECONDS, lambda: patience.append("over"))
    while not (found := condition()):
        if patience:
            raise TimeoutError(what)
        context.iteration(True)
    return found


def zone_named(name):
    return ICalGLib.Timezone.get_builtin_timezone(name)


def time(local, zone):
    """A property's value on the clocks of a zone."""
    value = ICalGLib.Time.new_from_string(local)
    value.set_timezone(zone)
    return value


def zone_of(component, kind):
    """The zone of a property, which is one of those that every calendar program knows."""
    parameter = component.get_first_property(kind).get_first_parameter(ICalGLib.ParameterKind.TZID_PARAMETER)
    if parameter is None:
        return UTC
    return ICalGLib.Timezone.get_builtin_timezone_from_tzid(parameter.get_tzid()) or zone_named(parameter.get_tzid())


def utc(value, zone):
    value.set_timezone(zone)
    return value.convert_to_zone(UTC).as_ical_string()


def attendees(component):
    found = component.get_first_property(ICalGLib.PropertyKind.ATTENDEE_PROPERTY)
    while found:
        yield found
        found = component.get_next_property(ICalGLib.PropertyKind.ATTENDEE_PROPERTY)


def is_cancelled(component):
    status = component.get_first_property(ICalGLib.PropertyKind.STATUS_PROPERTY)
    return status is not None and status.get_status() == ICalGLib.PropertyStatus.CANCELLED


def describe(component):
    start_zone = zone_of(component, ICalGLib.PropertyKind.DTSTART_PROPERTY)
    return {
        "title": component.get_summary(),
        "start": utc(component.get_dtstart(), start_zone),
        "cancelled": is_cancelled(component),
        "attendees": {
            attendee.get_attendee(): {
                "answer": attendee.get_parameter_as_string("PARTSTAT") or "NEEDS-ACTION",
                "asked": attendee.get_parameter_as_string("RSVP") == "TRUE",
            }
            for attendee in attendees(component)
        },
    }


class Evolution:
    def __init__(self):
        self.registry = EDataServer.SourceRegistry.new_sync(None)
        self.registry.connect("credentials-required", self.type_password)
        self.password = self.client = self.failure = None

    def type_password(self, _registry, source, reason, _certificate, _errors, error):
        if reason != EDataServer.SourceCredentialsReason.REQUIRED:
            self.failure = f"{source.get_display_name()}: {reason}: {error and error.message}"
            return
        credentials = EDataServer.NamedParameters.new()
        credentials.set(EDataServer.SOURCE_CREDENTIAL_PASSWORD, self.password)
        source.invoke_authenticate_sync(credentials, None)

    def subscribe(self, server, user, password):
        """New collection account: the server's address, a name and a password lead to the calendars."""
        self.password = password
        address = GLib.Uri.parse(server, GLib.UriFlags.NONE)
        account = EDataServer.Source.new(None, None)
        account.set_display_name("Convoke")
        collection = account.get_extension(EDataServer.SOURCE_EXTENSION_COLLECTION)
        collection.set_backend_name("webdav")
        collection.set_identity(user)
        collection.set_calendar_url(server)
        collection.set_contacts_enabled(False)
        authentication = account.get_extension(EDataServer.SOURCE_EXTENSION_AUTHENTICATION)
        authentication.set_host(address.get_host())
        authentication.set_port(address.get_port())
        authentication.set_user(user)
        authentication.set_method("plain/password")
        self.registry.commit_source_sync(account, None)
        calendars = wait_for("calendars of the account", lambda: self.calendars(account))
        ECal.Client.connect(
            calendars[0], ECal.ClientSourceType.EVENTS, PATIENCE_SECONDS, None, self.connected
        )
        wait_for("connection to the calendar", lambda: self.client or self.failure)
        if self.failure:
            raise ConnectionError(self.failure)
        webdav = EDataServer.SOURCE_EXTENSION_WEBDAV_BACKEND
        return [calendar.get_extension(webdav).get_resource_path() for calendar in calendars]

    def calendars(self, account):
        found = self.registry.list_sources(EDataServer.SOURCE_EXTENSION_CALENDAR)
        return [source for source in found if source.get_parent() == account.get_uid()]

    def connected(self, _source, result):
        try:
            self.client = ECal.Client.connect_finish(result)
        except GLib.Error as error:
            self.failure = error.message

    def ready(self):
        """Whether Evolution leaves it to the server to tell the others."""
        return self.client.check_save_schedules()

    def invite(self, uid, title, start, end, zone, guests, organizer, rule=None):
        zone = zone_named(zone)
        self.client.add_timezone_sync(zone, None)
        event = ICalGLib.Component.new_vevent()
        event.set_uid(uid)
        event.set_summary(title)
        event.set_dtstamp(ICalGLib.Time.new_current_with_zone(UTC))
        self.set_times(event, start, end, zone)
        if rule:
            recurrence = ICalGLib.Recurrence.new_from_string(rule)
            event.add_property(ICalGLib.Property.new_rrule(recurrence))
        event.add_property(ICalGLib.Property.new_organizer(organizer))
        for address in [organizer, *guests]:
            answer = "ACCEPTED" if address == organizer else "NEEDS-ACTION"
            attendee = ICalGLib.Property.new_attendee(address)
            parameters = {"CUTYPE": "INDIVIDUAL", "ROLE": "REQ-PARTICIPANT", "PARTSTAT": answer, "RSVP": "TRUE"}
            for name, value in parameters.items():
                attendee.set_parameter_from_string(name, value)
            event.add_property(attendee)
        self.client.create_object_sync(event, ECal.OperationFlags.NONE, None)

    def set_times(self, event, start, end, zone):
        for kind, make, local in [
            (ICalGLib.PropertyKind.DTSTART_PROPERTY, ICalGLib.Property.new_dtstart, start),
            (ICalGLib.PropertyKind.DTEND_PROPERTY, ICalGLib.Property.new_dtend, end),
        ]:
            ECal.util_component_remove_property_by_kind(event, kind, True)
            changed = make(time(local, zone))
            changed.set_parameter_from_string("TZID", zone.get_tzid())
            event.add_property(changed)

    def answer(self, uid, oneself, answer, instance=None, **_):
        _, event = self.client.get_object_sync(uid, instance, None)
        [mine] = [one for one in attendees(event) if one.get_attendee() == oneself]
        mine.set_parameter_from_string("PARTSTAT", answer)
        mine.remove_parameter_by_kind(ICalGLib.ParameterKind.RSVP_PARAMETER)
        self.client.modify_object_sync(event, ONE if instance else WHOLE, ECal.OperationFlags.NONE, None)

    def move(self, uid, start, end, zone):
        _, event = self.client.get_object_sync(uid, None, None)
        self.set_times(event, start, end, zone_named(zone))
        event.set_sequence(event.get_sequence() + 1)
        self.client.modify_object_sync(event, WHOLE, ECal.OperationFlags.NONE, None)

    def rename(self, uid, title):
        _, event = self.client.get_object_sync(uid, None, None)
        event.set_summary(title)
        self.client.modify_object_sync(event, WHOLE, ECal.OperationFlags.NONE, None)

    def remove(self, uid):
        self.client.remove_object_sync(uid, None, WHOLE, ECal.OperationFlags.NONE, None)

    def look(self, uid):
        """Asks the server for news, and says what is shown now; that may still be the old."""
        self.client.refresh_sync(None)
        try:
            _, components = self.client.get_objects_for_uid_sync(uid, None)
        except GLib.Error as error:
            if error.matches(ECal.Client.error_quark(), ECal.ClientError.OBJECT_NOT_FOUND):
                return None
            raise
        components = [component.get_icalcomponent() for component in components]
        of_series = ICalGLib.PropertyKind.RECURRENCEID_PROPERTY
        seen = {}
        instances = {}
        for component in components:
            if component.get_first_property(of_series):
                instances[utc(component.get_recurrenceid(), zone_of(component, of_series))] = describe(component)
            else:
                seen = describe(component)
                if component.get_first_property(ICalGLib.PropertyKind.RRULE_PROPERTY):
                    seen["instances"] = instances
        return seen


def main():
    evolution = Evolution()
    for line in sys.stdin:
        action, given = json.loads(line)
        try:
            came = {"value": getattr(evolution, action)(**given)}
        except Exception as error:
            came = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(came), flush=True)


main()
