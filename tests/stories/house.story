# Rooms, groups and secretaries.

Story: a room answers by itself, and no two meetings get it at the same time
# C9
alice stores plan:
  by alice
  with bob room
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
alice's plan:
  series bob? room+
bob's plan:
  series bob? room+
bob stores review:
  by bob
  with carol room
  DTSTART:20260302T093000Z
  DTEND:20260302T103000Z
bob's review:
  series carol? room-
# the first one goes, and the second asks again at another time
alice deletes plan
room's plan is not there
bob stores review:
  by bob
  with carol room
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
bob's review:
  series carol? room+

Story: a series in a room that is taken once
# C9
alice stores plan:
  by alice
  with room
  DTSTART:20260309T090000Z
  DTEND:20260309T100000Z
bob stores weekly:
  by bob
  with room
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
  RRULE:FREQ=WEEKLY;COUNT=10
bob's weekly:
  series room+
  0309 room-

Story: a person decides about a room, and signs for it
carol keeps the room
alice stores plan:
  by alice
  with room
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
alice's plan:
  series room?
carol's inbox has:
  REQUEST series
carol says ACCEPTED to plan for room
alice's plan:
  series room+
  SENT-BY="mailto:carol@example.com"
alice's inbox has:
  REPLY series
alice's log of plan says:
  REPLY from room@example.com, sent by carol@example.com (SEQUENCE 0; ACCEPTED): applied
room's log of plan says:
  REPLY to alice@example.com, sent by carol@example.com (SEQUENCE 0; ACCEPTED)
# what collides with it needs nobody
bob stores review:
  by bob
  with room
  DTSTART:20260302T093000Z
  DTEND:20260302T103000Z
bob's review:
  series room-
  not SENT-BY

Story: a person declines for a room, and is asked again about another time
bob keeps the room
alice stores plan:
  by alice
  with carol room
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
bob says DECLINED to plan for room
alice's plan:
  series carol? room-
  SENT-BY="mailto:bob@example.com"
carol's plan:
  series carol? room-
alice's log of plan says:
  REPLY from room@example.com, sent by bob@example.com (SEQUENCE 0; DECLINED): applied
alice stores plan:
  by alice
  with carol room
  DTSTART:20260302T140000Z
  DTEND:20260302T150000Z
alice's plan:
  series carol? room?
  not SENT-BY
bob says ACCEPTED to plan for room
alice's plan:
  series carol? room+
  SENT-BY="mailto:bob@example.com"

Story: a person decides about a room instance by instance
bob keeps the room
alice stores weekly:
  by alice
  with room
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
  RRULE:FREQ=WEEKLY;COUNT=4
bob says ACCEPTED to weekly for room
bob says DECLINED to weekly on 0309 for room
alice's weekly:
  series room+
  0309 room-
alice's log of weekly says:
  REPLY from room@example.com, sent by bob@example.com (SEQUENCE 0; only 20260309T090000Z; DECLINED): applied

Story: who may only edit the calendar of a room does not answer for it
bob edits the room
alice stores plan:
  by alice
  with room
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
bob says ACCEPTED to plan for room
Refused with Forbidden
bob deletes plan for room
Refused with Forbidden
# nor does who has no right there at all
carol says DECLINED to plan for room
Refused with Forbidden
alice's plan:
  series room?
alice's inbox has:
room's plan:
  series room?

Story: a group is everybody in it
alice stores plan:
  by alice
  with team
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
alice's plan:
  series team? bob? carol?
  CUTYPE=GROUP
  MEMBER="mailto:team@example.com"
carol says ACCEPTED to plan
bob's plan:
  series team? bob? carol+
# whom the organizer takes out stays out
alice stores plan:
  by alice
  with team carol
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
bob's plan:
  series cancelled team? bob? carol+
alice's plan:
  series team? carol+

Story: who joins a team comes to its meetings, and who leaves it does not
carol leaves the team
alice stores weekly:
  by alice
  with team room
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
  RRULE:FREQ=WEEKLY;COUNT=4
bob says ACCEPTED to weekly
bob's inbox has:
  REQUEST series
carol's weekly is not there
carol joins the team
alice's weekly:
  series team? room+ bob+ carol?
  MEMBER="mailto:team@example.com"
carol's weekly:
  series team? room+ bob+ carol?
carol's inbox has:
  REQUEST series
# bob keeps his answer
bob's weekly:
  series team? room+ bob+ carol?
bob leaves the team
alice's weekly:
  series team? room+ carol?
bob's weekly:
  series cancelled team? room+ bob+ carol?
bob's inbox has:
  REQUEST series
  CANCEL series
# whom the organizer takes out stays out, whoever joins
alice stores weekly:
  by alice
  with team room
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
  RRULE:FREQ=WEEKLY;COUNT=4
carol's weekly:
  series cancelled team? room+ carol?
bob joins the team
alice's weekly:
  series team? room+ bob?

Story: who is invited by name stays when they leave the team
alice stores plan:
  by alice
  with team bob
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
carol leaves the team
bob leaves the team
alice's plan:
  series team? bob?
# that carol is not in it any more is the second
bob's inbox has:
  REQUEST series
  REQUEST series

Story: an organizer's client that has not seen an answer to one instance does not take it back
# C2.1
alice stores weekly:
  by alice
  with bob
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
  RRULE:FREQ=WEEKLY;COUNT=10
bob says DECLINED to weekly on 0309
alice stores weekly:
  by alice
  with bob
  SUMMARY:Weekly
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
  RRULE:FREQ=WEEKLY;COUNT=10
alice's weekly:
  series bob?
  0309 bob-
bob's weekly:
  series bob?
  0309 bob-

Story: instances in another zone keep their time over the change of clocks
# C2.6, C5.16
alice stores weekly:
  by alice
  with bob
  DTSTART;TZID=Europe/Berlin:20260302T100000
  DTEND;TZID=Europe/Berlin:20260302T110000
  RRULE:FREQ=WEEKLY;COUNT=10
bob says ACCEPTED to weekly
# the same zone by another name is the same time
alice stores weekly:
  by alice
  with bob
  DTSTART;TZID=W. Europe Standard Time:20260302T100000
  DTEND;TZID=W. Europe Standard Time:20260302T110000
  RRULE:FREQ=WEEKLY;COUNT=10
alice's weekly:
  series bob+
# a zone without such a change is not
alice stores weekly:
  by alice
  with bob
  DTSTART:20260302T090000Z
  DTEND:20260302T100000Z
  RRULE:FREQ=WEEKLY;COUNT=10
alice's weekly:
  series bob?
