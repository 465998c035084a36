# The examples of RFC 5546 §4.2 to §4.4 with somebody elsewhere, whose messages come by mail.

Story: RFC 5546 §4.2.1 and §4.2.2, somebody elsewhere invites, and is answered
xenia@elsewhere.test mails REQUEST lunch to bob:
  by xenia@elsewhere.test
  with bob alice
  SUMMARY:Lunch
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
It is applied
bob's lunch:
  series bob? alice?
bob's inbox has:
  REQUEST series
# alice gets her own mail, or does not
alice's lunch is not there
bob says ACCEPTED to lunch
Mail to xenia@elsewhere.test:
  REPLY series

Story: RFC 5546 §4.2.3, another time, and who had accepted is asked again
xenia@elsewhere.test mails REQUEST lunch to bob:
  by xenia@elsewhere.test
  with bob
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
bob says ACCEPTED to lunch
xenia@elsewhere.test mails REQUEST lunch to bob:
  by xenia@elsewhere.test
  with bob
  SEQUENCE:1
  DTSTART:20260302T130000Z
  DTEND:20260302T140000Z
bob's lunch:
  series bob?
  DTSTART:20260302T130000Z
# what was on its way since before comes too late
xenia@elsewhere.test mails REQUEST lunch to bob:
  by xenia@elsewhere.test
  with bob
  DTSTART:20260302T110000Z
  DTEND:20260302T120000Z
It is not applied
bob's lunch:
  series bob?
  DTSTART:20260302T130000Z

Story: RFC 5546 §4.2.4, another time is proposed, and the organizer takes it up
alice stores lunch:
  by alice
  with xenia@elsewhere.test
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
Mail to xenia@elsewhere.test:
  REQUEST series
xenia@elsewhere.test mails COUNTER lunch to alice:
  by alice
  with xenia@elsewhere.test
  DTSTART:20260302T140000Z
  DTEND:20260302T150000Z
It is held
alice's inbox has:
  COUNTER series
# nothing happens by itself
alice's lunch:
  series xenia@elsewhere.test?
  DTSTART:20260302T120000Z
Mail to xenia@elsewhere.test:
alice stores lunch:
  by alice
  with xenia@elsewhere.test
  DTSTART:20260302T140000Z
  DTEND:20260302T150000Z
Mail to xenia@elsewhere.test:
  REQUEST series
# the same proposal about the meeting as it was
xenia@elsewhere.test mails COUNTER lunch to alice:
  by alice
  with xenia@elsewhere.test
  DTSTART:20260302T160000Z
  DTEND:20260302T170000Z
It is not applied

Story: RFC 5546 §4.2.4, a proposal is declined
xenia@elsewhere.test mails REQUEST lunch to bob:
  by xenia@elsewhere.test
  with bob
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
bob's inbox has:
  REQUEST series
xenia@elsewhere.test mails DECLINECOUNTER lunch to bob:
  by xenia@elsewhere.test
  with bob
  COMMENT:Sorry, no.
It is applied
bob's inbox has:
  DECLINECOUNTER series
bob's lunch:
  series bob?
Mail to xenia@elsewhere.test:

Story: RFC 5546 §4.2.5, who is elsewhere sends somebody else
alice stores lunch:
  by alice
  with xenia@elsewhere.test bob
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
xenia@elsewhere.test mails REPLY lunch to alice:
  by alice
  ATTENDEE;PARTSTAT=DELEGATED;DELEGATED-TO="mailto:yves@elsewhere.test":mailto:xenia@elsewhere.test
  ATTENDEE;DELEGATED-FROM="mailto:xenia@elsewhere.test":mailto:yves@elsewhere.test
It is applied
alice's lunch:
  series xenia@elsewhere.test> bob? yves@elsewhere.test?
bob's lunch:
  series xenia@elsewhere.test> bob? yves@elsewhere.test?
Mail to yves@elsewhere.test:
  REQUEST series
# RFC 5546 §4.2.6: who was sent accepts
yves@elsewhere.test mails REPLY lunch to alice:
  by alice
  ATTENDEE;PARTSTAT=ACCEPTED;DELEGATED-FROM="mailto:xenia@elsewhere.test":mailto:yves@elsewhere.test
alice's lunch:
  series xenia@elsewhere.test> bob? yves@elsewhere.test+
# it is taken back
xenia@elsewhere.test mails REPLY lunch to alice:
  by alice
  ATTENDEE;PARTSTAT=ACCEPTED:mailto:xenia@elsewhere.test
alice's lunch:
  series xenia@elsewhere.test+ bob?
Mail to yves@elsewhere.test:
  CANCEL series

Story: RFC 5546 §5.2.2, who is sent answers before it is known who sends them
alice stores lunch:
  by alice
  with xenia@elsewhere.test bob
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
yves@elsewhere.test mails REPLY lunch to alice:
  by alice
  ATTENDEE;PARTSTAT=ACCEPTED;DELEGATED-FROM="mailto:xenia@elsewhere.test":mailto:yves@elsewhere.test
It is held
alice's lunch:
  series xenia@elsewhere.test? bob?
xenia@elsewhere.test mails REPLY lunch to alice:
  by alice
  ATTENDEE;PARTSTAT=DELEGATED;DELEGATED-TO="mailto:yves@elsewhere.test":mailto:xenia@elsewhere.test
  ATTENDEE;CN=Yves;DELEGATED-FROM="mailto:xenia@elsewhere.test":mailto:yves@elsewhere.test
It is applied
alice's lunch:
  series xenia@elsewhere.test> bob? yves@elsewhere.test+
  CN=Yves
bob's lunch:
  series xenia@elsewhere.test> bob? yves@elsewhere.test+
alice's log of lunch says:
  applied after all, because an attendee sends them

Story: RFC 5546 §4.2.7, who was sent declines, and who sent them is asked again
alice stores lunch:
  by alice
  with xenia@elsewhere.test bob
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
xenia@elsewhere.test mails REPLY lunch to alice:
  by alice
  ATTENDEE;PARTSTAT=DELEGATED;DELEGATED-TO="mailto:yves@elsewhere.test":mailto:xenia@elsewhere.test
  ATTENDEE;DELEGATED-FROM="mailto:xenia@elsewhere.test":mailto:yves@elsewhere.test
Mail to xenia@elsewhere.test:
  REQUEST series
yves@elsewhere.test mails REPLY lunch to alice:
  by alice
  ATTENDEE;PARTSTAT=DECLINED;DELEGATED-FROM="mailto:xenia@elsewhere.test":mailto:yves@elsewhere.test
  COMMENT:Sorry, I will be out of town at that time.
Mail to xenia@elsewhere.test:
  REQUEST series
alice's lunch:
  series xenia@elsewhere.test? bob? yves@elsewhere.test-
bob's lunch:
  series xenia@elsewhere.test? bob? yves@elsewhere.test-

Story: RFC 5546 §4.2.5, somebody here sends somebody elsewhere
alice stores lunch:
  by alice
  with bob
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
bob sends yves@elsewhere.test to lunch
Mail to yves@elsewhere.test:
  REQUEST series
yves@elsewhere.test mails REPLY lunch to alice:
  by alice
  ATTENDEE;PARTSTAT=ACCEPTED:mailto:yves@elsewhere.test
alice's lunch:
  series bob> yves@elsewhere.test+
bob's lunch:
  series bob> yves@elsewhere.test+

Story: RFC 5546 §4.2.9, the meeting is off
xenia@elsewhere.test mails REQUEST lunch to bob:
  by xenia@elsewhere.test
  with bob
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
xenia@elsewhere.test mails CANCEL lunch to bob:
  by xenia@elsewhere.test
  with bob
  SEQUENCE:1
It is applied
bob's lunch:
  series cancelled bob?
xenia@elsewhere.test mails CANCEL lunch to bob:
  by xenia@elsewhere.test
  with bob
  SEQUENCE:1
It is not applied

Story: RFC 5546 §4.4.3, an instance is off
xenia@elsewhere.test mails REQUEST weekly to bob:
  by xenia@elsewhere.test
  with bob
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
  RRULE:FREQ=WEEKLY;COUNT=10
xenia@elsewhere.test mails CANCEL weekly to bob:
  by xenia@elsewhere.test
  with bob
  SEQUENCE:1
  RECURRENCE-ID:20260309T090000Z
bob's weekly:
  series bob?
  0309 cancelled bob?

Story: RFC 5546 §4.4.6, an instance more
xenia@elsewhere.test mails REQUEST weekly to bob:
  by xenia@elsewhere.test
  with bob
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
  RRULE:FREQ=WEEKLY;COUNT=10
bob says ACCEPTED to weekly
xenia@elsewhere.test mails ADD weekly to bob:
  by xenia@elsewhere.test
  with bob
  SEQUENCE:1
  DTSTART:20260304T140000Z
  DTEND:20260304T150000Z
It is applied
bob's weekly:
  series bob+
  0304 bob?
  RDATE:20260304T140000Z
bob's inbox has:
  ADD series
  REQUEST series

Story: RFC 5546 §3.2.4, what is not there cannot be added to, and is asked for
xenia@elsewhere.test mails ADD weekly to bob:
  by xenia@elsewhere.test
  with bob
  SEQUENCE:1
  DTSTART:20260304T140000Z
It is not applied
bob's weekly is not there
bob's inbox has:
Mail to xenia@elsewhere.test:
  REFRESH series
xenia@elsewhere.test mails REQUEST weekly to bob:
  by xenia@elsewhere.test
  with bob
  SEQUENCE:1
  DTSTART:20260302T090000Z
  RRULE:FREQ=WEEKLY;COUNT=10
  RDATE:20260304T140000Z
bob's weekly:
  series bob?

Story: RFC 5546 §4.4.8, all of a series is asked for
alice stores weekly:
  by alice
  with xenia@elsewhere.test
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
  RRULE:FREQ=WEEKLY;COUNT=10
  ---
  by alice
  with xenia@elsewhere.test
  RECURRENCE-ID:20260309T090000Z
  DTSTART:20260309T110000Z
  DTEND:20260309T120000Z
Mail to xenia@elsewhere.test:
  REQUEST 0309 series
xenia@elsewhere.test mails REFRESH weekly to alice:
  by alice
  with xenia@elsewhere.test
It is applied
Mail to xenia@elsewhere.test:
  REQUEST 0309 series
alice's inbox has:
# RFC 5546 §6.1.6: nobody else is told
yves@elsewhere.test mails REFRESH weekly to alice:
  by alice
  with yves@elsewhere.test
It is not applied
Mail to yves@elsewhere.test:

Story: who was not invited is not let in, and not forgotten
alice stores lunch:
  by alice
  with bob
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
yves@elsewhere.test mails REPLY lunch to alice:
  by alice
  ATTENDEE;PARTSTAT=ACCEPTED:mailto:yves@elsewhere.test
It is held
alice's lunch:
  series bob?
alice's inbox has:
  REPLY series

Story: who is not the organizer says nothing for the meeting
xenia@elsewhere.test mails REQUEST lunch to bob:
  by xenia@elsewhere.test
  with bob
  DTSTART:20260302T120000Z
  DTEND:20260302T130000Z
yves@elsewhere.test mails CANCEL lunch to bob:
  by xenia@elsewhere.test
  with bob
  SEQUENCE:1
It is held
bob's lunch:
  series bob?

Story: the same mail twice, and what nobody here takes
xenia@elsewhere.test mails REQUEST lunch to bob:
  by xenia@elsewhere.test
  with bob
  DTSTAMP:20260201T100000Z
  DTSTART:20260302T120000Z
It is applied
xenia@elsewhere.test mails REQUEST lunch to bob:
  by xenia@elsewhere.test
  with bob
  DTSTAMP:20260201T100000Z
  DTSTART:20260302T120000Z
It came before
bob's inbox has:
  REQUEST series
xenia@elsewhere.test mails REQUEST minutes to bob:
  by xenia@elsewhere.test
  with bob
  journal
It is refused with 3.14
xenia@elsewhere.test mails REQUEST lunch to dave:
  by xenia@elsewhere.test
  with dave
  DTSTART:20260302T120000Z
It is refused with 3.7
