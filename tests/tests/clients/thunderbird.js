// What people do in Thunderbird, with the modules that its own windows call: the wizard for calendars on the
// network, the event dialog (a transaction, which also decides whether mail goes out) and the attendance menu.
// Runs in Thunderbird's window by Marionette, with the name of an action and what it needs.

const module = path => ChromeUtils.importESModule(`resource:///modules/${path}.sys.mjs`);
const { cal } = module("calendar/calUtils");
const { CalAttendee } = module("CalAttendee");
const { CalEvent } = module("CalEvent");
const { CalTodo } = module("CalTodo");
const { CalRecurrenceInfo } = module("CalRecurrenceInfo");
const { CalAddTransaction, CalDeleteTransaction, CalModifyTransaction, CalTransactionManager } =
  module("CalTransactionManager");

const calendar = () => cal.manager.getCalendars().find(one => one.type == "caldav");

/** A time on the clocks of a zone, or a day. */
function time(local, zone) {
  const time = cal.createDateTime(local);
  if (!time.isDate) {
    time.timezone = cal.timezoneService.getTimezone(zone);
  }
  return time;
}

/** The event or task as it is stored here, or one instance of it. */
async function find(uid, instance, zone) {
  const event = await calendar().getItem(uid);
  return instance ? event.recurrenceInfo.getOccurrenceFor(time(instance, zone)) : event;
}

/** What every dialog does at its end. `AUTO`: tell the others without asking. */
function commit(Transaction, event, old) {
  const response = { responseMode: Ci.calIItipItem.AUTO };
  const transaction = new Transaction(event, calendar(), old, response);
  return CalTransactionManager.getInstance().commit(transaction);
}

function guest(address) {
  const attendee = new CalAttendee();
  attendee.id = address;
  attendee.role = "REQ-PARTICIPANT";
  attendee.userType = "INDIVIDUAL";
  attendee.rsvp = "TRUE";
  attendee.participationStatus = "NEEDS-ACTION";
  return attendee;
}

const utc = time => time.getInTimezone(cal.dtz.UTC).icalString;

function describe(event) {
  const attendees = event
    .getAttendees()
    .map(one => [one.id, { answer: one.participationStatus, asked: one.rsvp == "TRUE" }]);
  const seen = {
    title: event.title,
    start: utc(event.isTodo() ? event.dueDate : event.startDate),
    cancelled: event.status == "CANCELLED",
    done: event.isTodo() && event.isCompleted,
    attendees: Object.fromEntries(attendees),
  };
  const series = event.recurrenceInfo;
  if (series) {
    const instances = series.getExceptionIds().map(id => [utc(id), describe(series.getExceptionFor(id))]);
    seen.instances = Object.fromEntries(instances);
  }
  return seen;
}

const actions = {
  /** The wizard: the server's address, a name and a password lead to the calendars. */
  async subscribe({ server, user, password }) {
    Services.prefs.setBoolPref("signon.rememberSignons", true); // which Marionette has turned off
    const rememberPassword = true;
    const found = await cal.provider.detection.detect(user, password, server, rememberPassword, [], {});
    const calendars = [...found.values()].flat();
    for (const calendar of calendars) {
      calendar.setProperty("cache.enabled", true);
      cal.manager.registerCalendar(calendar);
    }
    return calendars.map(calendar => calendar.uri.pathQueryRef);
  },

  /** Whether Thunderbird has found out who it is and that the server tells the others. */
  async ready() {
    return Boolean(
      cal.itip.isSchedulingCalendar(calendar()) &&
        calendar().getProperty("capabilities.autoschedule.supported")
    );
  },

  /** A new event; with guests it is a meeting. */
  async add({ uid, title, start, end, zone, rule, guests }) {
    const event = new CalEvent();
    event.calendar = calendar();
    event.id = uid;
    event.title = title;
    event.startDate = time(start, zone);
    event.endDate = time(end, zone);
    if (rule) {
      const recurrence = cal.createRecurrenceRule();
      recurrence.icalString = `RRULE:${rule}`;
      event.recurrenceInfo = new CalRecurrenceInfo(event);
      event.recurrenceInfo.appendRecurrenceItem(recurrence);
    }
    if (guests.length) {
      event.organizer = cal.itip.createOrganizer(calendar());
      const oneself = guest(event.organizer.id);
      oneself.participationStatus = "ACCEPTED";
      [oneself, ...guests.map(guest)].forEach(attendee => event.addAttendee(attendee));
    }
    await commit(CalAddTransaction, event, null);
  },

  async add_task({ uid, title, due, zone }) {
    const task = new CalTodo();
    task.calendar = calendar();
    task.id = uid;
    task.title = title;
    task.dueDate = time(due, zone);
    await commit(CalAddTransaction, task, null);
  },

  async complete({ uid }) {
    const old = await find(uid);
    const task = old.clone();
    task.isCompleted = true;
    await commit(CalModifyTransaction, task, old);
  },

  async answer({ uid, instance, zone, answer }) {
    const old = await find(uid, instance, zone);
    const event = old.clone();
    const attendee = cal.itip.getInvitedAttendee(old);
    const answered = attendee.clone();
    answered.participationStatus = answer;
    event.removeAttendee(attendee);
    event.addAttendee(answered);
    await commit(CalModifyTransaction, event, old);
  },

  async move({ uid, instance, start, end, zone }) {
    const old = await find(uid, instance, zone);
    const event = old.clone();
    event.startDate = time(start, zone);
    event.endDate = time(end, zone);
    await commit(CalModifyTransaction, event, old);
  },

  async rename({ uid, title }) {
    const old = await find(uid);
    const event = old.clone();
    event.title = title;
    await commit(CalModifyTransaction, event, old);
  },

  async remove({ uid }) {
    await commit(CalDeleteTransaction, await find(uid), null);
  },

  /** Asks the server for news, and says what is shown now; that may still be the old. */
  async look({ uid }) {
    calendar().refresh();
    const event = await find(uid);
    return event ? describe(event) : null;
  },
};

const [action, given, done] = arguments;
actions[action](given).then(
  value => done({ value: value ?? null }),
  error => done({ error: `${error}\n${error.stack}` })
);
