"""python-caldav as a client of Convoke: what its users do all day.

Run by the Rust test `clients`, which starts a server and names it in CONVOKE_URL.
"""

import datetime
import os
import time
import uuid

import caldav
import pytest
from caldav.lib import error

URL = os.environ["CONVOKE_URL"]
UTC = datetime.timezone.utc


def connect(name):
    return caldav.DAVClient(url=URL, username=name, password=name)


@pytest.fixture
def alice():
    with connect("alice") as client:
        yield client.principal()


@pytest.fixture
def bob():
    with connect("bob") as client:
        yield client.principal()


@pytest.fixture
def calendar(alice):
    made = alice.make_calendar(name="Test " + uuid.uuid4().hex[:8])
    yield made
    made.delete()


def event(uid, start="20261102T090000Z", end="20261102T100000Z", more=""):
    return (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Example//Python//EN\r\nBEGIN:VEVENT\r\n"
        f"UID:{uid}\r\nDTSTAMP:20261101T080000Z\r\nDTSTART:{start}\r\nDTEND:{end}\r\nSUMMARY:Event {uid}\r\n"
        f"{more}END:VEVENT\r\nEND:VCALENDAR\r\n"
    )


def unfold(text):
    return text.replace("\r\n", "\n").replace("\n ", "")


def test_discovery_from_the_bare_address(alice):
    assert str(alice.url).endswith("/dav/principals/users/alice/")
    assert str(alice.calendar_home_set.url).endswith("/dav/calendars/users/alice/")
    assert any(str(c.url).endswith("/calendar/") for c in alice.calendars())
    assert "mailto:alice@example.com" in [str(a) for a in alice.calendar_user_address_set()]
    assert alice.get_display_name()


def test_wrong_password_is_refused():
    with pytest.raises(error.AuthorizationError):
        caldav.DAVClient(url=URL, username="alice", password="wrong").principal()


def test_calendars_are_made_named_and_deleted(alice):
    made = alice.make_calendar(name="Ärger & Freude", cal_id="umlaut-" + uuid.uuid4().hex)
    assert made.get_display_name() == "Ärger & Freude"
    assert any(c.get_display_name() == "Ärger & Freude" for c in alice.calendars())
    made.delete()
    assert not any(c.get_display_name() == "Ärger & Freude" for c in alice.calendars())


def test_events_are_created_changed_moved_and_deleted(calendar):
    saved = calendar.add_event(event("one"))
    assert len(calendar.events()) == 1
    found = calendar.get_event_by_uid("one")
    assert found.component["SUMMARY"] == "Event one"
    with found.edit_icalendar_instance() as data:
        data.subcomponents[0]["SUMMARY"] = "Changed"
    found.save()
    assert calendar.get_event_by_uid("one").component["SUMMARY"] == "Changed"
    saved.load()
    saved.delete()
    assert calendar.events() == []
    with pytest.raises(error.NotFoundError):
        calendar.get_event_by_uid("one")


def test_search_by_time_over_a_series(calendar):
    calendar.add_event(event("weekly", more="RRULE:FREQ=WEEKLY\r\n"))
    calendar.add_event(event("single", "20270101T090000Z", "20270101T100000Z"))
    window = {
        "start": datetime.datetime(2030, 6, 1, tzinfo=UTC),
        "end": datetime.datetime(2030, 7, 1, tzinfo=UTC),
    }
    assert [found.id for found in calendar.search(event=True, expand=False, **window)] == ["weekly"]
    expanded = calendar.search(event=True, expand=True, **window)
    days = sorted(found.component["DTSTART"].dt.day for found in expanded)
    assert days == [3, 10, 17, 24]


def test_search_by_text(calendar):
    calendar.add_event(event("one", more="LOCATION:Second floor\r\n"))
    calendar.add_event(event("two"))
    assert [found.id for found in calendar.search(event=True, location="Second")] == ["one"]


def test_tasks_are_added_found_and_completed(calendar):
    todo = calendar.add_todo(summary="Taxes", due=datetime.datetime(2026, 12, 1, tzinfo=UTC))
    assert len(calendar.todos()) == 1
    todo.complete()
    assert calendar.todos() == []
    assert len(calendar.todos(include_completed=True)) == 1


def test_sync_tokens_report_exactly_what_changed(calendar):
    for name in ("a", "b", "c"):
        calendar.add_event(event(name))
    known = calendar.objects_by_sync_token(load_objects=True)
    assert len(list(known)) == 3
    nothing = calendar.objects_by_sync_token(known.sync_token)
    assert list(nothing) == []
    calendar.add_event(event("d"))
    calendar.get_event_by_uid("a").delete()
    changed = list(calendar.objects_by_sync_token(known.sync_token))
    assert len(changed) == 2
    with pytest.raises(error.DAVError):
        calendar.objects_by_sync_token("http://example.com/never-issued", disable_fallback=True)


def test_free_busy_of_a_calendar(calendar):
    calendar.add_event(event("busy"))
    answer = calendar.freebusy_request(
        start=datetime.datetime(2026, 11, 2, tzinfo=UTC), end=datetime.datetime(2026, 11, 3, tzinfo=UTC)
    )
    assert "FREEBUSY" in answer.data
    assert "20261102T090000Z/" in answer.data


def test_scheduling_boxes_and_an_invitation(alice, bob):
    assert alice.client.check_scheduling_support()
    uid = "invitation-" + uuid.uuid4().hex
    home = next(c for c in alice.calendars() if str(c.url).endswith("/calendar/"))
    before = {str(item.url) for item in bob.schedule_inbox().get_items()}
    saved = home.save_with_invites(event(uid), [alice, bob.get_vcal_address()])
    new = [item for item in bob.schedule_inbox().get_items() if str(item.url) not in before]
    assert len(new) == 1
    assert new[0].is_invite_request()
    bobs = next(c for c in bob.calendars() if str(c.url).endswith("/calendar/"))
    copy = bobs.get_event_by_uid(uid)
    copy.change_attendee_status(partstat="ACCEPTED")
    copy.save()
    mine = home.get_event_by_uid(uid)
    attendee = [a for a in mine.component["ATTENDEE"] if "bob" in str(a)][0]
    assert attendee.params["PARTSTAT"] == "ACCEPTED"
    saved.load()
    saved.delete()
    assert bobs.get_event_by_uid(uid).component["STATUS"] == "CANCELLED"


def test_a_series_with_three_people(alice, bob):
    uid = "series-" + uuid.uuid4().hex
    day = datetime.datetime(2026, 11, 9, 9, tzinfo=UTC)
    home = next(c for c in alice.calendars() if str(c.url).endswith("/calendar/"))
    bobs = next(c for c in bob.calendars() if str(c.url).endswith("/calendar/"))
    with connect("carol") as client:
        carol = client.principal()
        carols = next(c for c in carol.calendars() if str(c.url).endswith("/calendar/"))
        weekly = event(uid, more="RRULE:FREQ=WEEKLY;COUNT=5\r\n")
        saved = home.save_with_invites(weekly, [alice, bob.get_vcal_address(), carol.get_vcal_address()])
        # Bob accepts, but for the second week.
        copy = bobs.get_event_by_uid(uid)
        copy.change_attendee_status(partstat="ACCEPTED")
        parts = copy.icalendar_instance
        series = next(part for part in parts.subcomponents if part.name == "VEVENT")
        own = type(series).from_ical(series.to_ical())
        for name in ("RRULE", "DTSTART", "DTEND"):
            del own[name]
        own.add("RECURRENCE-ID", day)
        own.add("DTSTART", day)
        own.add("DTEND", day + datetime.timedelta(hours=1))
        for attendee in own["ATTENDEE"]:
            if "bob" in str(attendee):
                attendee.params["PARTSTAT"] = "DECLINED"
        parts.add_component(own)
        copy.icalendar_instance = parts
        copy.save()
        for calendar in (home, carols):
            text = unfold(calendar.get_event_by_uid(uid).data)
            assert text.count("BEGIN:VEVENT") == 2, text
            bob_says = [line for line in text.splitlines() if line.endswith("mailto:bob@example.com")]
            assert sorted("DECLINED" in line for line in bob_says) == [False, True], text
            assert any("PARTSTAT=ACCEPTED" in line for line in bob_says), text
        # Alice takes the third week out.
        saved.load()
        third = (day + datetime.timedelta(days=7)).strftime("%Y%m%dT%H%M%SZ")
        saved.data = saved.data.replace("RRULE:", f"EXDATE:{third}\r\nRRULE:", 1)
        saved.save()
        for calendar in (bobs, carols):
            text = unfold(calendar.get_event_by_uid(uid).data)
            assert text.count("STATUS:CANCELLED") == 1, text
        saved.delete()
        text = unfold(carols.get_event_by_uid(uid).data)
        assert text.count("STATUS:CANCELLED") == text.count("BEGIN:VEVENT"), text


def test_a_delegate_invites_in_the_name_of_a_manager(alice, bob):
    def set_delegates(*members):
        hrefs = "".join(f"<D:href>{member}</D:href>" for member in members)
        body = (
            '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:group-member-set>'
            f"{hrefs}</D:group-member-set></D:prop></D:set></D:propertyupdate>"
        )
        reply = alice.client.proppatch(str(alice.url) + "calendar-proxy-write/", body)
        assert reply.status == 207

    uid = uuid.uuid4().hex
    url = str(alice.calendar_home_set.url) + "calendar/"
    of_the_manager = caldav.Calendar(client=bob.client, url=url)
    meeting = event(
        uid,
        more="ORGANIZER:mailto:alice@example.com\r\nATTENDEE:mailto:alice@example.com\r\n"
        "ATTENDEE:mailto:carol@example.com\r\n",
    )
    with pytest.raises(error.AuthorizationError):
        of_the_manager.save_event(meeting)
    set_delegates(bob.url)
    try:
        saved = of_the_manager.save_event(meeting)
        sent_by = 'SENT-BY="mailto:bob@example.com"'
        assert sent_by in unfold(alice.calendar(cal_url=url).event_by_uid(uid).data)
        with connect("carol") as carol:
            items = carol.principal().schedule_inbox().get_items()
            invitation = next(item for item in items if uid in item.data)
            assert sent_by in unfold(invitation.data)
        saved.delete()
    finally:
        set_delegates()
    with pytest.raises(error.AuthorizationError):
        of_the_manager.save_event(meeting)


def test_free_busy_of_people(alice, bob):
    bobs = next(c for c in bob.calendars() if str(c.url).endswith("/calendar/"))
    busy = bobs.add_event(event("busy-" + uuid.uuid4().hex, "20280102T090000Z", "20280102T100000Z"))
    answer = alice.freebusy_request(
        datetime.datetime(2028, 1, 2, tzinfo=UTC),
        datetime.datetime(2028, 1, 3, tzinfo=UTC),
        [bob.get_vcal_address()],
    )
    assert answer.pop("errors") == {}
    (bobs_answer,) = answer.values()
    assert "20280102T090000Z/" in bobs_answer.data
    busy.delete()
