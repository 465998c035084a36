# What RFC 6638 asks of the server, and its examples.

Story: RFC 6638 Appendix B.1, an organizer invites by storing
alice stores lunch:
  by alice
  with alice bob carol
  SUMMARY:Lunch
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
bob's lunch:
  series alice? bob? carol?
bob's inbox has:
  REQUEST series
alice's inbox has:

Story: RFC 6638 Appendix B.2, an attendee finds an invitation in the calendar and in the inbox
alice stores lunch:
  by alice
  with bob
  SUMMARY:Lunch
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
bob's inbox has:
  REQUEST series
bob's lunch:
  series bob?
  SUMMARY:Lunch
  not METHOD

Story: RFC 6638 Appendix B.5, an organizer asks when people are busy
bob stores dentist:
  DTSTART:20260302T110000Z
  DTEND:20260302T120000Z
carol stores travel:
  DTSTART:20260302T200000Z
  DTEND:20260302T223000Z
carol stores shopping:
  STATUS:TENTATIVE
  DTSTART:20260302T223000Z
  DTEND:20260302T230000Z
alice asks about bob carol mike on 0302:
  bob busy 1100-1200
  carol busy 2000-2230
  carol tentative 2230-2300
  mike 3.7
# a meeting that nobody has answered yet is tentative, and one that was declined is none
alice stores lunch:
  by alice
  with bob carol
  DTSTART:20260302T123000Z
  DTEND:20260302T133000Z
bob says DECLINED to lunch
alice asks about bob carol on 0302:
  bob busy 1100-1200
  carol tentative 1230-1330
  carol busy 2000-2230
  carol tentative 2230-2300

Story: RFC 6638 Appendix B.6, who may edit a calendar does not invite for its owner
carol lets bob edit
bob stores dinner for carol:
  by carol
  with alice
  SUMMARY:Dinner
  DTSTART:20260302T230000Z
  DTEND:20260303T000000Z
Refused with Forbidden
carol's dinner is not there
alice's dinner is not there
alice's inbox has:
# what concerns nobody else is stored
bob stores dentist for carol:
  DTSTART:20260302T110000Z
  DTEND:20260302T120000Z
carol's dentist:
  series

Story: RFC 6638 Appendix B.7, an attendee declines an instance
alice stores weekly:
  by alice
  with bob carol
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
  RRULE:FREQ=WEEKLY;COUNT=5
bob says ACCEPTED to weekly
alice's inbox has:
  REPLY series
bob says DECLINED to weekly on 0309
alice's inbox has:
  REPLY 0309
alice's weekly:
  series bob+ carol?
  0309 bob- carol?
carol's weekly:
  series bob+ carol?
  0309 bob- carol?

Story: RFC 6638 Appendix B.8, an attendee removes an instance
alice stores weekly:
  by alice
  with bob
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
  RRULE:FREQ=WEEKLY;COUNT=5
bob says ACCEPTED to weekly
alice's inbox has:
  REPLY series
bob takes 0309 out of weekly
bob's weekly:
  series bob+ without 0309
alice's inbox has:
  REPLY 0309
alice's weekly:
  series bob+
  0309 bob-

Story: RFC 6638 Appendices B.3 and B.4, an attendee answers by storing, and the organizer sees it
alice stores lunch:
  by alice
  with bob
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
bob says ACCEPTED to lunch
bob's lunch:
  series bob+
  ORGANIZER;SCHEDULE-STATUS=1.2:mailto:alice@example.com
alice's lunch:
  series bob+
  SCHEDULE-STATUS=2.0
alice's inbox has:
  REPLY series

Story: RFC 6638 §3.2.1.3, a meeting that becomes a plain event is cancelled
# C1.3
alice stores lunch:
  by alice
  with bob
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
alice stores lunch:
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
bob's lunch:
  series cancelled bob?
alice's lunch:
  series

Story: RFC 6638 §3.2.2.1, an attendee changes nothing but their own
# C3.1
alice stores lunch:
  by alice
  with bob carol
  SUMMARY:Lunch
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
bob stores lunch:
  by alice
  with bob
  SUMMARY:Dinner
  DTSTART:20260302T180000Z
  DTEND:20260302T190000Z
bob's lunch:
  series bob? carol?
  SUMMARY:Lunch
  DTSTART:20260302T120000Z
alice's inbox has:

Story: RFC 6638 §3.2.2.4, an attendee who deletes declines
# C4.2, C4.3
alice stores lunch:
  by alice
  with bob
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
bob deletes lunch
bob's lunch is not there
alice's lunch:
  series bob-
# what changes little stays away
alice stores lunch:
  by alice
  with bob
  SUMMARY:Lunch
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
bob's lunch is not there
# another time is another question
alice stores lunch:
  by alice
  with bob
  SUMMARY:Lunch
  DTSTART:20260302T130000Z
  DTEND:20260302T140000Z
bob's lunch:
  series bob?

Story: RFC 6638 §3.2.4.2, one organizer in all components
# C1.2
alice stores lunch:
  by alice
  with bob
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
  RRULE:FREQ=WEEKLY;COUNT=3
  ---
  by bob
  with bob
  RECURRENCE-ID:20260309T120000Z
  DTSTART:20260309T120000Z
  DTEND:20260309T130000Z
Refused with SameOrganizerInAllComponents
alice's lunch is not there
bob's lunch is not there

Story: RFC 6638 §3.2.4.3, the organizer of a meeting stays the organizer
# C1.4
alice stores lunch:
  by alice
  with bob
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
alice stores lunch:
  by bob
  with alice bob
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
Refused with AllowedOrganizerSchedulingObjectChange
bob's inbox has:
  REQUEST series

Story: RFC 6638 §3.2.4.4, nobody takes a meeting over
# C1.3
alice stores lunch:
  by alice
  with bob
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
bob stores lunch:
  by bob
  with alice bob
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
Refused with AllowedAttendeeSchedulingObjectChange
bob's lunch:
  series bob?

Story: RFC 6638 §7.1, whom the client or nobody looks after hears nothing
# C2.2
alice stores lunch:
  by alice
  ATTENDEE;SCHEDULE-AGENT=CLIENT:mailto:bob@example.com
  ATTENDEE;SCHEDULE-AGENT=NONE:mailto:carol@example.com
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
bob's lunch is not there
carol's inbox has:

Story: RFC 6638 §7.2, an invitation is sent again on demand
# C2.3
alice stores lunch:
  by alice
  with bob
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
bob says DECLINED to lunch
bob's inbox has:
  REQUEST series
alice stores lunch:
  by alice
  ATTENDEE;SCHEDULE-FORCE-SEND=REQUEST:mailto:bob@example.com
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
bob's inbox has:
  REQUEST series

Story: RFC 6638 §3.2.9, nobody has this address, or cannot be reached
# C7
alice stores lunch:
  by alice
  with bob
  ATTENDEE:urn:uuid:00000000-0000-0000-0000-000000000000
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
alice's lunch:
  series bob? urn:uuid:00000000-0000-0000-0000-000000000000?
  SCHEDULE-STATUS=3.7
