# The examples of RFC 5546 §4.3, §4.6 and §4.7: busy time, journal entries, and what went wrong on the way.

Story: RFC 5546 §4.3.1, busy time is published
# in a calendar here, it is told to whoever asks
alice stores week in another calendar:
  by alice
  DTSTART:20260302T000000Z
  DTEND:20260309T000000Z
  FREEBUSY:20260302T180000Z/20260302T190000Z
  FREEBUSY:20260303T020000Z/20260303T050000Z
bob asks about alice on 0302:
  alice busy 1800-1900
bob asks about alice on 0303:
  alice busy 0200-0500
bob asks about alice on 0304:
  alice free
# from elsewhere it lies in the inbox, and keeps nobody here busy
xenia@elsewhere.test mails PUBLISH hers to bob:
  by xenia@elsewhere.test
  DTSTART:20260302T000000Z
  DTEND:20260309T000000Z
  FREEBUSY:20260302T180000Z/20260302T190000Z
It is held
bob's inbox has:
  PUBLISH series
bob's hers is not there
alice asks about bob on 0302:
  bob free

Story: RFC 5546 §4.3.2, people are asked when they are busy
bob stores dentist:
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
bob stores maybe:
  STATUS:TENTATIVE
  DTSTART:20260302T140000Z
  DTEND:20260302T143000Z
carol stores holiday:
  TRANSP:TRANSPARENT
  DTSTART:20260302T000000Z
  DTEND:20260303T000000Z
alice asks about alice bob carol dave xenia@elsewhere.test on 0302:
  alice free
  bob busy 0900-1000
  bob tentative 1400-1430
  carol free
  dave 3.7
  xenia@elsewhere.test 5.3

Story: RFC 5546 §4.3.3, somebody elsewhere asks when somebody here is busy
bob stores dentist:
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
# a stranger learns nothing
xenia@elsewhere.test asks about bob on 0302:
It is refused with 3.8
Mail to xenia@elsewhere.test:
# unless everybody may know
bob shows everybody when they are busy
xenia@elsewhere.test asks about bob on 0302:
  bob busy 0900-1000
It is applied
Mail to xenia@elsewhere.test:
  REPLY series
bob's inbox has:

Story: RFC 5546 §4.6, a journal entry is published
xenia@elsewhere.test mails PUBLISH minutes to bob:
  by xenia@elsewhere.test
  journal
  DTSTART:20260301T200000Z
  SUMMARY:Phone conference minutes
  RELATED-TO:conference
It is held
bob's inbox has:
  PUBLISH series
bob's minutes is not there
# he takes it into his calendar, of which nobody hears
bob stores minutes in another calendar:
  by xenia@elsewhere.test
  journal
  DTSTART:20260301T200000Z
  SUMMARY:Phone conference minutes
bob's minutes:
  series
  SUMMARY:Phone conference minutes
Mail to xenia@elsewhere.test:
# what comes of it later is his to look at, too
xenia@elsewhere.test mails CANCEL minutes to bob:
  by xenia@elsewhere.test
  journal
  SEQUENCE:1
It is held
bob's minutes:
  series
  not CANCELLED

Story: RFC 5546 §4.7.1, an event is asked for again
alice stores lunch:
  by alice
  with bob xenia@elsewhere.test
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
Mail to xenia@elsewhere.test:
  REQUEST series
bob's inbox has:
  REQUEST series
xenia@elsewhere.test mails REFRESH lunch to alice:
  by alice
  with bob xenia@elsewhere.test
It is applied
Mail to xenia@elsewhere.test:
  REQUEST series
# nobody else hears of it
bob's inbox has:
alice's inbox has:

Story: RFC 5546 §4.7.2, an instance of a series that is not known, and all of the series is asked for
xenia@elsewhere.test mails REQUEST conference to bob:
  by xenia@elsewhere.test
  with bob
  SEQUENCE:1
  DTSTART:20260306T210000Z
  DTEND:20260306T220000Z
  RRULE:FREQ=WEEKLY
bob says ACCEPTED to conference
Mail to xenia@elsewhere.test:
  REPLY series
# the series has been another one since: one Saturday more, of which bob has not heard
xenia@elsewhere.test mails REQUEST conference to bob:
  by xenia@elsewhere.test
  with bob
  SEQUENCE:3
  RECURRENCE-ID:20260314T210000Z
  DTSTART:20260314T210000Z
  DTEND:20260314T230000Z
It is applied
Mail to xenia@elsewhere.test:
  REFRESH series
xenia@elsewhere.test mails REQUEST conference to bob:
  by xenia@elsewhere.test
  with bob
  SEQUENCE:3
  DTSTART:20260306T210000Z
  DTEND:20260306T220000Z
  RRULE:FREQ=WEEKLY
  RDATE:20260314T210000Z
  ---
  by xenia@elsewhere.test
  with bob
  SEQUENCE:3
  RECURRENCE-ID:20260314T210000Z
  DTSTART:20260314T210000Z
  DTEND:20260314T230000Z
It is applied
bob's conference:
  series bob?
  0314 bob?
  RDATE:20260314T210000Z
Mail to xenia@elsewhere.test:

Story: RFC 5546 §4.7.2, an instance of a series that is not known is off
xenia@elsewhere.test mails REQUEST conference to bob:
  by xenia@elsewhere.test
  with bob
  DTSTART:20260306T210000Z
  DTEND:20260306T220000Z
  RRULE:FREQ=WEEKLY
xenia@elsewhere.test mails CANCEL conference to bob:
  by xenia@elsewhere.test
  with bob
  SEQUENCE:2
  RECURRENCE-ID:20260314T210000Z
It is not applied
Mail to xenia@elsewhere.test:
  REFRESH series
# the series comes, and its instance is off as it was said
xenia@elsewhere.test mails REQUEST conference to bob:
  by xenia@elsewhere.test
  with bob
  SEQUENCE:1
  DTSTAMP:20260201T000100Z
  DTSTART:20260306T210000Z
  DTEND:20260306T220000Z
  RRULE:FREQ=WEEKLY
  RDATE:20260314T210000Z
bob's conference:
  series bob?
  0314 cancelled bob?
