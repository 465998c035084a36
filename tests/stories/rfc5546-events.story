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
carol says DECLINED to conference
alice's conference:
  series bob> carol-
bob's conference:
  series bob> carol-
bob says ACCEPTED to conference
carol's inbox has:
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
