# The group events of RFC 5546 §4.2, with the people of this house.

Story: RFC 5546 §4.2.1 and §4.2.2, a request and its replies
alice stores conference:
  by alice
  with alice bob carol xenia@elsewhere.test
  SUMMARY:Conference
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
alice's conference:
  series alice? bob? carol? xenia@elsewhere.test?
  SCHEDULE-STATUS=1.2:mailto:bob@example.com
  SCHEDULE-STATUS=1.0:mailto:xenia@elsewhere.test
bob's inbox has:
  REQUEST series
Mail to xenia@elsewhere.test:
  REQUEST series
bob says ACCEPTED to conference
alice's inbox has:
  REPLY series
alice's conference:
  series alice? bob+ carol? xenia@elsewhere.test?
carol's conference:
  series alice? bob+ carol? xenia@elsewhere.test?
carol's inbox has:
  REQUEST series
Mail to xenia@elsewhere.test:

Story: RFC 5546 §4.2.3, an update
alice stores conference:
  by alice
  with bob
  SUMMARY:Conference
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
bob says ACCEPTED to conference
bob's inbox has:
  REQUEST series
# another place asks nobody anew
alice stores conference:
  by alice
  with bob
  SUMMARY:Conference
  LOCATION:Hall
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
bob's inbox has:
  REQUEST series
bob's conference:
  series bob+
  LOCATION:Hall
# another time does
alice stores conference:
  by alice
  with bob
  SUMMARY:Conference
  LOCATION:Hall
  DTSTART:20260302T110000Z
  DTEND:20260302T120000Z
bob's conference:
  series bob?
  SEQUENCE:1

Story: RFC 5546 §4.2.5 to §4.2.7, an attendee sends somebody else, who declines
alice stores conference:
  by alice
  with bob
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
bob sends carol to conference
alice's conference:
  series bob> carol?
  DELEGATED-TO="mailto:carol@example.com"
  DELEGATED-FROM="mailto:bob@example.com"
carol's inbox has:
  REQUEST series
bob's inbox has:
  REQUEST series
# §4.2.7: who sent her is asked again
carol says DECLINED to conference
bob's inbox has:
  REQUEST series
alice's conference:
  series bob? carol-
  DELEGATED-FROM="mailto:bob@example.com"
  not DELEGATED-TO
bob's conference:
  series bob? carol-
# and sends somebody else
bob sends yves@elsewhere.test to conference
carol's inbox has:
  CANCEL series
Mail to yves@elsewhere.test:
  REQUEST series
yves@elsewhere.test mails REPLY conference to alice:
  by alice
  ATTENDEE;PARTSTAT=DECLINED;DELEGATED-FROM="mailto:bob@example.com":mailto:yves@elsewhere.test
bob's inbox has:
  REQUEST series
# or comes after all
bob says ACCEPTED to conference
Mail to yves@elsewhere.test:
  CANCEL series
alice's conference:
  series bob+

Story: RFC 5546 §4.2.8, an invitation that was passed on by mail is no invitation
alice stores conference:
  by alice
  with bob
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
carol stores conference:
  by alice
  with bob carol
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
Refused with AllowedAttendeeSchedulingObjectChange
carol's conference is not there

Story: RFC 5546 §4.2.9, the event is cancelled
alice stores conference:
  by alice
  with bob xenia@elsewhere.test
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
alice deletes conference
bob's conference:
  series cancelled bob? xenia@elsewhere.test?
bob's inbox has:
  CANCEL series
  REQUEST series
Mail to xenia@elsewhere.test:
  CANCEL series
  REQUEST series

Story: RFC 5546 §4.2.10, somebody is not invited any more
alice stores conference:
  by alice
  with bob carol
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
alice stores conference:
  by alice
  with carol
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
bob's conference:
  series cancelled bob? carol?
carol's conference:
  series carol?
alice's conference:
  series carol?
  SEQUENCE:1

Story: RFC 5546 §4.5, a task
alice stores report:
  by alice
  with bob
  SUMMARY:Report
  DUE:20260302T090000Z
bob says COMPLETED to report
alice's report:
  series bob!
  PARTSTAT=COMPLETED
alice stores report:
  by alice
  with bob
  SUMMARY:Report
  DUE:20260303T090000Z
bob's report:
  series bob?
alice deletes report
bob's report:
  series cancelled bob?

Story: RFC 5546 §4.2.11, another organizer is for the user to decide
xenia@elsewhere.test mails REQUEST weekly to bob:
  by xenia@elsewhere.test
  with bob yves@elsewhere.test
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
  RRULE:FREQ=WEEKLY;COUNT=10
bob says ACCEPTED to weekly
bob's inbox has:
  REQUEST series
yves@elsewhere.test mails REQUEST weekly to bob:
  by yves@elsewhere.test
  with bob
  SEQUENCE:1
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
  RRULE:FREQ=WEEKLY;COUNT=10
It is held
bob's inbox has:
  REQUEST series
bob's weekly:
  series bob+ yves@elsewhere.test?
  :mailto:xenia@elsewhere.test

Story: RFC 5546 §4.4.10, a request that cannot be understood elsewhere
alice stores monthly:
  by alice
  with xenia@elsewhere.test bob
  DTSTART:20260302T210000Z
  DTEND:20260302T220000Z
  RRULE:FREQ=MONTHLY;COUNT=3
xenia@elsewhere.test mails REPLY monthly to alice:
  by alice
  with xenia@elsewhere.test
  REQUEST-STATUS:3.0;Invalid Property Name;FOO
It is applied
alice's monthly:
  series xenia@elsewhere.test? bob?
  SCHEDULE-STATUS=3.0
alice's inbox has:
  REPLY series

Story: RFC 5546 §4.5.1 to §4.5.6, a task and how far it is
alice stores report:
  by alice
  with bob xenia@elsewhere.test
  SUMMARY:Report
  DUE:20260302T090000Z
bob says ACCEPTED to report
alice's report:
  series bob+ xenia@elsewhere.test?
bob's inbox has:
  REQUEST series
# §4.5.3: the status is asked for
alice stores report:
  by alice
  ATTENDEE;SCHEDULE-FORCE-SEND=REQUEST:mailto:bob@example.com
  with xenia@elsewhere.test
  SUMMARY:Report
  DUE:20260302T090000Z
bob's inbox has:
  REQUEST series
alice's inbox has:
  REPLY series
# §4.5.4
bob stores report:
  by alice
  ATTENDEE;PARTSTAT=IN-PROCESS:mailto:bob@example.com
  with xenia@elsewhere.test
  SUMMARY:Report
  DUE:20260302T090000Z
  PERCENT-COMPLETE:75
bob's report:
  series bob! xenia@elsewhere.test?
  PERCENT-COMPLETE:75
alice's report:
  series bob! xenia@elsewhere.test?
  PARTSTAT=IN-PROCESS
alice's inbox has:
  REPLY series
# §4.5.5
xenia@elsewhere.test mails REPLY report to alice:
  by alice
  ATTENDEE;PARTSTAT=COMPLETED:mailto:xenia@elsewhere.test
  DUE:20260302T090000Z
It is applied
alice's report:
  series bob! xenia@elsewhere.test!
  PARTSTAT=COMPLETED
# §4.5.6: what others did of it is not what bob did
alice stores report:
  by alice
  with bob xenia@elsewhere.test
  SUMMARY:Report
  DUE:20260302T090000Z
  STATUS:IN-PROCESS
  PERCENT-COMPLETE:40
bob's report:
  series bob! xenia@elsewhere.test!
  PERCENT-COMPLETE:75
  STATUS:IN-PROCESS
alice's report:
  series bob! xenia@elsewhere.test!
  PERCENT-COMPLETE:40

Story: RFC 5546 §4.5.7, a task again and again
alice stores report:
  by alice
  with bob
  DTSTART:20260302T090000Z
  DUE:20260303T090000Z
  RRULE:FREQ=WEEKLY;COUNT=10
bob's report:
  series bob?
bob says IN-PROCESS to report on 0309
alice's report:
  series bob?
  0309 bob!
alice's inbox has:
  REPLY 0309
