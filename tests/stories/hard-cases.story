# The hard cases: what servers got wrong before, by the part of scheduling that it is about.

Story: the organizer cannot be forgotten while people are invited
# C1.3
alice stores lunch:
  by alice
  with bob
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
alice stores lunch:
  with bob
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
Refused with AllowedOrganizerSchedulingObjectChange
bob's lunch:
  series bob?

Story: an attendee's own line is put back, and says nothing
# C1.6
alice stores lunch:
  by alice
  with bob carol
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
bob stores lunch:
  by alice
  with carol
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
bob's lunch:
  series bob? carol?
alice's inbox has:
alice's lunch:
  series bob? carol?

Story: a new instance begins with the answers of the series, whatever the organizer's client says
# C2.1
alice stores weekly:
  by alice
  with bob
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
  RRULE:FREQ=WEEKLY;COUNT=10
bob says ACCEPTED to weekly
# another place for one instance: nobody is asked
alice stores weekly:
  by alice
  with bob
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
  RRULE:FREQ=WEEKLY;COUNT=10
  ---
  by alice
  ATTENDEE;PARTSTAT=DECLINED:mailto:bob@example.com
  RECURRENCE-ID:20260309T120000Z
  LOCATION:Garden
  DTSTART:20260309T120000Z
  DTEND:20260309T130000Z
alice's weekly:
  series bob+
  0309 bob+
bob's weekly:
  series bob+
  0309 bob+
  LOCATION:Garden
# the instance is as the series again
alice stores weekly:
  by alice
  with bob
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
  RRULE:FREQ=WEEKLY;COUNT=10
bob's weekly:
  series bob+
  not LOCATION

Story: a deleted event that is stored again invites anew, and the cancellation does not win
# C2.4
alice stores lunch:
  by alice
  with bob
  SEQUENCE:3
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
alice deletes lunch
bob's lunch:
  series cancelled bob?
alice stores lunch:
  by alice
  with bob
  SEQUENCE:3
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
bob's lunch:
  series bob?
  SEQUENCE:5

Story: who declined is still told of another time
# C2.10
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
  with bob
  DTSTART:20260302T140000Z
  DTEND:20260302T150000Z
bob's inbox has:
  REQUEST series
bob's lunch:
  series bob?
  DTSTART:20260302T140000Z

Story: RSVP is asked for, and its absence keeps no message back
# C2.10, C2.11
alice stores lunch:
  by alice
  ATTENDEE;RSVP=FALSE:mailto:bob@example.com
  ATTENDEE:mailto:xenia@elsewhere.test
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
bob's lunch:
  series bob? xenia@elsewhere.test?
  ATTENDEE;RSVP=FALSE:mailto:bob@example.com
  ATTENDEE;RSVP=TRUE:mailto:xenia@elsewhere.test
Mail to xenia@elsewhere.test:
  REQUEST series
# who has answered is not asked for one
bob says TENTATIVE to lunch
alice's lunch:
  series bob~ xenia@elsewhere.test?
  not RSVP=TRUE

Story: an instance more is a whole invitation or one to that instance, and never an ADD
# C2.12
alice stores lunch:
  by alice
  with xenia@elsewhere.test
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
Mail to xenia@elsewhere.test:
  REQUEST series
alice stores lunch:
  by alice
  with xenia@elsewhere.test
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
  RDATE:20260304T120000Z
Mail to xenia@elsewhere.test:
  REQUEST series

Story: a series that moves with its instances is one change
# C2.13
alice stores weekly:
  by alice
  with bob
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
  RRULE:FREQ=WEEKLY;COUNT=3
  ---
  by alice
  with bob
  RECURRENCE-ID:20260309T120000Z
  LOCATION:Garden
  DTSTART:20260309T120000Z
  DTEND:20260309T130000Z
bob says ACCEPTED to weekly
bob's inbox has:
  REQUEST 0309 series
alice stores weekly:
  by alice
  with bob
  DTSTART:20260302T140000Z
  DTEND:20260302T150000Z
  RRULE:FREQ=WEEKLY;COUNT=3
  ---
  by alice
  with bob
  RECURRENCE-ID:20260309T140000Z
  LOCATION:Garden
  DTSTART:20260309T140000Z
  DTEND:20260309T150000Z
bob's weekly:
  series bob?
  0309 bob?
  RECURRENCE-ID:20260309T140000Z
  not 20260309T120000Z

Story: an alarm is nobody's business but one's own
# C3.4, C5.2
alice stores lunch:
  by alice
  with bob
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
  BEGIN:VALARM
  ACTION:DISPLAY
  DESCRIPTION:Hers
  TRIGGER:-PT15M
  END:VALARM
bob's lunch:
  series bob?
  not VALARM
bob stores lunch:
  by alice
  with bob
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
  BEGIN:VALARM
  ACTION:DISPLAY
  DESCRIPTION:His
  TRIGGER:-PT5M
  END:VALARM
alice's inbox has:
alice's lunch:
  series bob?
  not DESCRIPTION:His
# and stays through what the organizer changes
alice stores lunch:
  by alice
  with bob
  DTSTART:20260302T140000Z
  DTEND:20260302T150000Z
bob's lunch:
  series bob?
  DTSTART:20260302T140000Z
  DESCRIPTION:His

Story: an attendee's client that is behind lowers nothing, and answers nothing that is new
# C3.7
alice stores lunch:
  by alice
  with bob
  SEQUENCE:1
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
alice stores lunch:
  by alice
  with bob
  SEQUENCE:2
  DTSTART:20260302T140000Z
  DTEND:20260302T150000Z
bob stores lunch:
  by alice
  ATTENDEE;PARTSTAT=ACCEPTED:mailto:bob@example.com
  SEQUENCE:1
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
bob's lunch:
  series bob?
  SEQUENCE:2
  DTSTART:20260302T140000Z
alice's lunch:
  series bob?

Story: who looks after an invitation by mail tells nobody here
# C3.6, C11 (Thunderbird)
alice stores lunch:
  by alice
  with bob
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
bob stores lunch:
  ORGANIZER;SCHEDULE-AGENT=CLIENT:mailto:alice@example.com
  ATTENDEE;PARTSTAT=ACCEPTED:mailto:bob@example.com
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
alice's inbox has:
alice's lunch:
  series bob?

Story: an instance that is cancelled is cancelled alone, and the last one with the series
# C5.4
alice stores weekly:
  by alice
  with bob
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
  RRULE:FREQ=WEEKLY;COUNT=2
alice takes 0309 out of weekly
bob's weekly:
  series bob?
  0309 cancelled bob?
alice deletes weekly
bob's weekly:
  series cancelled bob?
  0309 cancelled bob?

Story: an answer to an instance of a daily series after years
# C5.8
alice stores daily:
  by alice
  with bob
  DTSTART:20240101T080000Z
  DTEND:20240101T081500Z
  RRULE:FREQ=DAILY
bob says TENTATIVE to daily on 0309
alice's daily:
  series bob?
  0309 bob~

Story: this and all later ones are another meeting, and nobody is asked again
# C8
alice stores weekly:
  by alice
  with bob
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
  RRULE:FREQ=WEEKLY
bob says ACCEPTED to weekly
bob's inbox has:
  REQUEST series
alice stores weekly:
  by alice
  with bob
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
  RRULE:FREQ=WEEKLY;UNTIL=20260316T120000Z
bob's inbox has:
  REQUEST series
bob's weekly:
  series bob+
  UNTIL=20260316T120000Z

Story: an all-day series is answered instance by instance
# C5.8
alice stores retreat:
  by alice
  with bob
  DTSTART;VALUE=DATE:20260302
  DTEND;VALUE=DATE:20260303
  RRULE:FREQ=WEEKLY;COUNT=5
bob says DECLINED to retreat on 0309
alice's retreat:
  series bob?
  0309 bob-
  RECURRENCE-ID;VALUE=DATE:20260309

Story: a group, one of whose people organizes it
bob stores plan:
  by bob
  with team
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
carol's plan:
  series team? carol?
bob's inbox has:

Story: an organizer who also attends is not asked
alice stores lunch:
  by alice
  with alice bob
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
alice's inbox has:
bob's inbox has:
  REQUEST series
