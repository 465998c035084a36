"""What people do in Evolution, with the libraries that its own windows call.

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
UTC = ICalGLib.Timezone.get_utc_timezone()
Kind = ICalGLib.PropertyKind


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


def timed(make, local, zone):
    """A property with a time on the clocks of a zone, or with a day."""
    value = ICalGLib.Time.new_from_string(local)
    if value.is_date():
        return make(value)
    value.set_timezone(zone)
    made = make(value)
    made.set_parameter_from_string("TZID", zone.get_tzid())
    return made


def utc(component, kind, value):
    """The time that a property tells, whose zone is one of those that every calendar program knows."""
    zone = component.get_first_property(kind).get_parameter_as_string("TZID")
    if zone:
        value.set_timezone(ICalGLib.Timezone.get_builtin_timezone_from_tzid(zone) or zone_named(zone))
    return value.convert_to_zone(UTC).as_ical_string()


def attendees(component):
    found = component.get_first_property(Kind.ATTENDEE_PROPERTY)
    while found:
        yield found
        found = component.get_next_property(Kind.ATTENDEE_PROPERTY)


def has_status(component, wanted):
    status = component.get_first_property(Kind.STATUS_PROPERTY)
    return status is not None and status.get_status() == wanted


def describe(component):
    is_task = component.isa() == ICalGLib.ComponentKind.VTODO_COMPONENT
    if is_task:
        start = utc(component, Kind.DUE_PROPERTY, component.get_due())
    else:
        start = utc(component, Kind.DTSTART_PROPERTY, component.get_dtstart())
    return {
        "title": component.get_summary(),
        "start": start,
        "cancelled": has_status(component, ICalGLib.PropertyStatus.CANCELLED),
        "done": has_status(component, ICalGLib.PropertyStatus.COMPLETED),
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
        self.password = self.failure = None
        # Evolution has events and tasks of a calendar apart, as two lists.
        self.events = self.tasks = None

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
        events = self.list_of(account, EDataServer.SOURCE_EXTENSION_CALENDAR)
        tasks = self.list_of(account, EDataServer.SOURCE_EXTENSION_TASK_LIST)
        self.events = self.connect(events, ECal.ClientSourceType.EVENTS)
        self.tasks = self.connect(tasks, ECal.ClientSourceType.TASKS)
        webdav = events.get_extension(EDataServer.SOURCE_EXTENSION_WEBDAV_BACKEND)
        return [webdav.get_resource_path()]

    def list_of(self, account, kind):
        def of_account():
            found = self.registry.list_sources(kind)
            return [source for source in found if source.get_parent() == account.get_uid()]

        [only] = wait_for(f"a {kind} of the account", of_account)
        return only

    def connect(self, source, kind):
        clients = []

        def connected(_source, result):
            try:
                clients.append(ECal.Client.connect_finish(result))
            except GLib.Error as error:
                self.failure = error.message

        ECal.Client.connect(source, kind, PATIENCE_SECONDS, None, connected)
        wait_for("connection to the calendar", lambda: clients or self.failure)
        if self.failure:
            raise ConnectionError(self.failure)
        return clients[0]

    def ready(self):
        """Whether Evolution leaves it to the server to tell the others."""
        return self.events.check_save_schedules()

    def save(self, client, component):
        """Saves a change of a whole event, series or task."""
        client.modify_object_sync(component, ECal.ObjModType.ALL, ECal.OperationFlags.NONE, None)

    def prepare(self, client, component, uid, title, zone):
        client.add_timezone_sync(zone, None)
        component.set_uid(uid)
        component.set_summary(title)
        component.set_dtstamp(ICalGLib.Time.new_current_with_zone(UTC))

    def add(self, uid, title, start, end, zone, guests, organizer, rule=None):
        """A new event; with guests it is a meeting."""
        zone = zone_named(zone)
        event = ICalGLib.Component.new_vevent()
        self.prepare(self.events, event, uid, title, zone)
        self.set_times(event, start, end, zone)
        if rule:
            recurrence = ICalGLib.Recurrence.new_from_string(rule)
            event.add_property(ICalGLib.Property.new_rrule(recurrence))
        if guests:
            event.add_property(ICalGLib.Property.new_organizer(organizer))
        for address in [organizer, *guests] if guests else []:
            answer = "ACCEPTED" if address == organizer else "NEEDS-ACTION"
            attendee = ICalGLib.Property.new_attendee(address)
            parameters = {"CUTYPE": "INDIVIDUAL", "ROLE": "REQ-PARTICIPANT", "PARTSTAT": answer, "RSVP": "TRUE"}
            for name, value in parameters.items():
                attendee.set_parameter_from_string(name, value)
            event.add_property(attendee)
        self.events.create_object_sync(event, ECal.OperationFlags.NONE, None)

    def add_task(self, uid, title, due, zone):
        task = ICalGLib.Component.new_vtodo()
        self.prepare(self.tasks, task, uid, title, zone_named(zone))
        task.add_property(timed(ICalGLib.Property.new_due, due, zone_named(zone)))
        self.tasks.create_object_sync(task, ECal.OperationFlags.NONE, None)

    def complete(self, uid):
        _, task = self.tasks.get_object_sync(uid, None, None)
        ECal.util_mark_task_complete_sync(task, -1, self.tasks, None)
        self.save(self.tasks, task)

    def set_times(self, event, start, end, zone):
        for kind, make, local in [
            (Kind.DTSTART_PROPERTY, ICalGLib.Property.new_dtstart, start),
            (Kind.DTEND_PROPERTY, ICalGLib.Property.new_dtend, end),
        ]:
            ECal.util_component_remove_property_by_kind(event, kind, True)
            event.add_property(timed(make, local, zone))

    def answer(self, uid, oneself, answer):
        _, event = self.events.get_object_sync(uid, None, None)
        [mine] = [one for one in attendees(event) if one.get_attendee() == oneself]
        mine.set_parameter_from_string("PARTSTAT", answer)
        mine.remove_parameter_by_kind(ICalGLib.ParameterKind.RSVP_PARAMETER)
        self.save(self.events, event)

    def move(self, uid, start, end, zone):
        _, event = self.events.get_object_sync(uid, None, None)
        self.set_times(event, start, end, zone_named(zone))
        event.set_sequence(event.get_sequence() + 1)
        self.save(self.events, event)

    def rename(self, uid, title):
        _, event = self.events.get_object_sync(uid, None, None)
        event.set_summary(title)
        self.save(self.events, event)

    def remove(self, uid):
        self.events.remove_object_sync(uid, None, ECal.ObjModType.ALL, ECal.OperationFlags.NONE, None)

    def look(self, uid):
        """Asks the server for news, and says what is shown now; that may still be the old."""
        for client in [self.events, self.tasks]:
            client.refresh_sync(None)
            try:
                _, components = client.get_objects_for_uid_sync(uid, None)
            except GLib.Error as error:
                if not error.matches(ECal.Client.error_quark(), ECal.ClientError.OBJECT_NOT_FOUND):
                    raise
            else:
                return self.describe_all([component.get_icalcomponent() for component in components])
        return None

    def describe_all(self, components):
        seen = {}
        instances = {}
        for component in components:
            if component.get_first_property(Kind.RECURRENCEID_PROPERTY):
                name = utc(component, Kind.RECURRENCEID_PROPERTY, component.get_recurrenceid())
                instances[name] = describe(component)
            else:
                seen = describe(component)
                if component.get_first_property(Kind.RRULE_PROPERTY):
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
