# The recurring events of RFC 5546 §4.4, with the people of this house.

Story: RFC 5546 §4.4.1, a series is requested, and answered as a whole
alice stores weekly:
  by alice
  with bob carol
  SUMMARY:Weekly
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
  RRULE:FREQ=WEEKLY;COUNT=10
bob says ACCEPTED to weekly
alice's weekly:
  series bob+ carol?
alice's inbox has:
  REPLY series

Story: RFC 5546 §4.4.1, a series that spans time zones
# clocks change in New York on 8 March, and in London on 29 March
alice stores weekly:
  by alice
  with bob
  SUMMARY:Weekly
  DTSTART;TZID=America/New_York:20260302T090000
  DTEND;TZID=America/New_York:20260302T100000
  RRULE:FREQ=WEEKLY;COUNT=10
bob says ACCEPTED to weekly
alice asks about bob on 0302:
  bob busy 1400-1500
alice asks about bob on 0309:
  bob busy 1300-1400
# another client writes the same in UTC: that is another time after the clocks have changed
alice stores weekly:
  by alice
  with bob
  SUMMARY:Weekly
  DTSTART:20260302T140000Z
  DTEND:20260302T150000Z
  RRULE:FREQ=WEEKLY;COUNT=10
bob's weekly:
  series bob?

Story: RFC 5546 §4.4.2, an instance is moved, and it alone is asked for anew
alice stores weekly:
  by alice
  with bob carol
  SUMMARY:Weekly
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
  RRULE:FREQ=WEEKLY;COUNT=10
bob says ACCEPTED to weekly
bob's inbox has:
  REQUEST series
alice stores weekly:
  by alice
  with bob carol
  SUMMARY:Weekly
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
  RRULE:FREQ=WEEKLY;COUNT=10
  ---
  by alice
  with bob carol
  SUMMARY:Weekly
  RECURRENCE-ID:20260309T090000Z
  DTSTART:20260309T110000Z
  DTEND:20260309T120000Z
bob's inbox has:
  REQUEST 0309
bob's weekly:
  series bob+ carol?
  0309 bob? carol?
alice's weekly:
  series bob+ carol?
  0309 bob? carol?

Story: RFC 5546 §4.4.3, an instance is cancelled
alice stores weekly:
  by alice
  with bob xenia@elsewhere.test
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
  RRULE:FREQ=WEEKLY;COUNT=10
alice stores weekly:
  by alice
  with bob xenia@elsewhere.test
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
  RRULE:FREQ=WEEKLY;COUNT=10
  EXDATE:20260309T090000Z
bob's weekly:
  series bob? xenia@elsewhere.test?
  0309 cancelled bob? xenia@elsewhere.test?
Mail to xenia@elsewhere.test:
  CANCEL 0309
  REQUEST series

Story: RFC 5546 §4.4.4, the series is cancelled
alice stores weekly:
  by alice
  with bob
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
  RRULE:FREQ=WEEKLY;COUNT=10
alice stores weekly:
  by alice
  with bob
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
  RRULE:FREQ=WEEKLY;COUNT=10
  STATUS:CANCELLED
bob's weekly:
  series cancelled bob?
# once is enough
alice deletes weekly
bob's inbox has:
  CANCEL series
  REQUEST series

Story: RFC 5546 §4.4.5, all later instances are another meeting
# C8
alice stores weekly:
  by alice
  with bob
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
  RRULE:FREQ=WEEKLY;COUNT=10
bob says ACCEPTED to weekly
# the series ends, for which nobody is asked anew
alice stores weekly:
  by alice
  with bob
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
  RRULE:FREQ=WEEKLY;UNTIL=20260323T090000Z
bob's weekly:
  series bob+
  RRULE:FREQ=WEEKLY;UNTIL=20260323T090000Z
# and another one begins
alice stores later:
  by alice
  with bob
  DTSTART:20260330T110000Z
  DTEND:20260330T120000Z
  RRULE:FREQ=WEEKLY;COUNT=6
bob's later:
  series bob?

Story: RFC 5546 §4.4.5, all later instances are at another place, and then at another time
xenia@elsewhere.test mails REQUEST weekly to bob:
  by xenia@elsewhere.test
  with bob
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
  RRULE:FREQ=WEEKLY;COUNT=10
bob says ACCEPTED to weekly
xenia@elsewhere.test mails REQUEST weekly to bob:
  by xenia@elsewhere.test
  with bob
  RECURRENCE-ID;RANGE=THISANDFUTURE:20260316T090000Z
  SEQUENCE:1
  DTSTART:20260316T130000Z
  DTEND:20260316T140000Z
  LOCATION:Building 32
bob's weekly:
  series bob+
  0316 bob?
  LOCATION:Building 32
alice asks about bob on 0309:
  bob busy 0900-1000
alice asks about bob on 0330:
  bob tentative 1300-1400
# §3.2.5: and from then on it is off
xenia@elsewhere.test mails CANCEL weekly to bob:
  by xenia@elsewhere.test
  with bob
  RECURRENCE-ID;RANGE=THISANDFUTURE:20260323T090000Z
  SEQUENCE:2
bob's weekly:
  series bob+
  0316 bob?
  0323 cancelled bob?
alice asks about bob on 0316:
  bob tentative 1300-1400
alice asks about bob on 0330:
  bob free

Story: RFC 5546 §4.4.6, an instance more
alice stores weekly:
  by alice
  with bob
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
  RRULE:FREQ=WEEKLY;COUNT=10
bob says ACCEPTED to weekly
alice stores weekly:
  by alice
  with bob
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
  RRULE:FREQ=WEEKLY;COUNT=10
  RDATE:20260304T090000Z
bob's weekly:
  series bob?
  RDATE:20260304T090000Z

Story: an answer to one instance
alice stores weekly:
  by alice
  with bob carol
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
  RRULE:FREQ=WEEKLY;COUNT=10
bob says ACCEPTED to weekly
bob says DECLINED to weekly on 0309
alice's weekly:
  series bob+ carol?
  0309 bob- carol?
carol's weekly:
  series bob+ carol?
  0309 bob- carol?
# carol, who has not heard of it by a message, can answer that instance as well
carol says TENTATIVE to weekly on 0309
bob's weekly:
  series bob+ carol?
  0309 bob- carol~

Story: who is invited to one instance only
# C2.9, C5.1
alice stores weekly:
  by alice
  with bob
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
  RRULE:FREQ=WEEKLY;COUNT=10
  ---
  by alice
  with bob carol
  RECURRENCE-ID:20260309T090000Z
  DTSTART:20260309T090000Z
  DTEND:20260309T100000Z
carol's weekly:
  0309 bob? carol?
carol says ACCEPTED to weekly
alice's weekly:
  series bob?
  0309 bob? carol+
carol deletes weekly
alice's weekly:
  series bob?
  0309 bob? carol-

Story: who is left out of one instance
# C2.9
alice stores weekly:
  by alice
  with bob carol
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
  RRULE:FREQ=WEEKLY;COUNT=10
  ---
  by alice
  with carol
  RECURRENCE-ID:20260309T090000Z
  DTSTART:20260309T090000Z
  DTEND:20260309T100000Z
bob's weekly:
  series bob? carol? without 0309
carol's weekly:
  series bob? carol?
  0309 carol?

Story: an instance that an attendee takes out is declined, and stays out until it is another one
# C3.2
alice stores weekly:
  by alice
  with bob
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
  RRULE:FREQ=WEEKLY;COUNT=10
bob says ACCEPTED to weekly
bob takes 0309 out of weekly
alice's weekly:
  series bob+
  0309 bob-
alice stores weekly:
  by alice
  with bob
  LOCATION:Hall
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
  RRULE:FREQ=WEEKLY;COUNT=10
bob's weekly:
  series bob+ without 0309
  LOCATION:Hall
alice stores weekly:
  by alice
  with bob
  LOCATION:Hall
  DTSTART:20260302T110000Z
  DTEND:20260302T120000Z
  RRULE:FREQ=WEEKLY;COUNT=10
bob's weekly:
  series bob?

Story: RFC 5546 §4.4.7, a series more
alice stores weekly:
  by alice
  with bob
  DTSTART:20260303T090000Z
  DTEND:20260303T100000Z
  RRULE:FREQ=WEEKLY;BYDAY=TU;COUNT=10
bob says ACCEPTED to weekly
bob's inbox has:
  REQUEST series
alice stores weekly:
  by alice
  with bob
  DTSTART:20260303T090000Z
  DTEND:20260303T100000Z
  RRULE:FREQ=WEEKLY;BYDAY=TU,TH;COUNT=20
bob's inbox has:
  REQUEST series
bob's weekly:
  series bob?
  BYDAY=TU,TH
  SEQUENCE:1

Story: RFC 5546 §4.4.9, another time is proposed for an instance
alice stores weekly:
  by alice
  with bob xenia@elsewhere.test
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
  RRULE:FREQ=WEEKLY;COUNT=10
xenia@elsewhere.test mails COUNTER weekly to alice:
  by alice
  with bob xenia@elsewhere.test
  RECURRENCE-ID:20260309T090000Z
  DTSTART:20260309T100000Z
  DTEND:20260309T110000Z
  COMMENT:May we bump this by an hour?
It is held
alice's inbox has:
  COUNTER 0309
alice's weekly:
  series bob? xenia@elsewhere.test?

Story: RFC 5546 §4.7.2, an instance that is not there, and one that came late
xenia@elsewhere.test mails REQUEST weekly to bob:
  by xenia@elsewhere.test
  with bob
  SEQUENCE:2
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
  RRULE:FREQ=WEEKLY;COUNT=10
# its SEQUENCE is below that of the instance
xenia@elsewhere.test mails REQUEST weekly to bob:
  by xenia@elsewhere.test
  with bob
  RECURRENCE-ID:20260309T090000Z
  SEQUENCE:3
  DTSTART:20260309T110000Z
  DTEND:20260309T120000Z
It is applied
xenia@elsewhere.test mails REQUEST weekly to bob:
  by xenia@elsewhere.test
  with bob
  RECURRENCE-ID:20260309T090000Z
  SEQUENCE:1
  DTSTART:20260309T150000Z
  DTEND:20260309T160000Z
It is not applied
xenia@elsewhere.test mails CANCEL weekly to bob:
  by xenia@elsewhere.test
  with bob
  RECURRENCE-ID:20260310T090000Z
  SEQUENCE:4
It is not applied
bob's weekly:
  series bob?
  0309 bob?
  DTSTART:20260309T110000Z
