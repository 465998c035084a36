# The examples of RFC 5546 §4.1: what is published invites nobody, and whoever wants it takes it into a calendar.

Story: RFC 5546 §4.1.1, a minimal published event
xenia@elsewhere.test mails PUBLISH game to bob:
  by xenia@elsewhere.test
  DTSTART:20260701T200000Z
  SUMMARY:St. Paul Saints - Duluth-Superior Dukes
It is held
bob's inbox has:
  PUBLISH series
bob's game is not there
# nobody waits for an answer
Mail to xenia@elsewhere.test:
bob stores game:
  by xenia@elsewhere.test
  DTSTART:20260701T200000Z
  SUMMARY:St. Paul Saints - Duluth-Superior Dukes
bob's game:
  series
Mail to xenia@elsewhere.test:

Story: RFC 5546 §4.1.2, a published event is changed
bob stores game:
  by xenia@elsewhere.test
  DTSTART:20260701T200000Z
  SUMMARY:St. Paul Saints - Duluth-Superior Dukes
xenia@elsewhere.test mails PUBLISH game to bob:
  by xenia@elsewhere.test
  SEQUENCE:1
  DTSTART:20260701T210000Z
  DTEND:20260701T230000Z
  SUMMARY:St. Paul Saints - Duluth-Superior Dukes
It is held
bob's inbox has:
  PUBLISH series
# who took it takes the new one, or does not
bob's game:
  series
  DTSTART:20260701T200000Z
bob stores game:
  by xenia@elsewhere.test
  SEQUENCE:1
  DTSTART:20260701T210000Z
  DTEND:20260701T230000Z
  SUMMARY:St. Paul Saints - Duluth-Superior Dukes
bob's game:
  series
  DTSTART:20260701T210000Z
Mail to xenia@elsewhere.test:

Story: RFC 5546 §4.1.3, a published event is cancelled
bob stores game:
  by xenia@elsewhere.test
  SEQUENCE:1
  DTSTART:20260701T210000Z
  SUMMARY:St. Paul Saints - Duluth-Superior Dukes
xenia@elsewhere.test mails CANCEL game to bob:
  by xenia@elsewhere.test
  SEQUENCE:2
  COMMENT:Dukes forfeit the game
It is applied
bob's game:
  series cancelled
bob's inbox has:
  CANCEL series
# somebody else does not cancel it
yves@elsewhere.test mails CANCEL game to carol:
  by xenia@elsewhere.test
  SEQUENCE:2
It is held
# and who never took it has nothing to cancel
xenia@elsewhere.test mails CANCEL game to alice:
  by xenia@elsewhere.test
  SEQUENCE:2
It is not applied
alice's game is not there

Story: RFC 5546 §4.1.4, a rich published event
xenia@elsewhere.test mails PUBLISH game to bob:
  by xenia@elsewhere.test
  ATTACH:http://www.example.com/
  CATEGORIES:SPORTS EVENT,ENTERTAINMENT
  CLASS:PRIVATE
  DESCRIPTION:Midway Stadium\nBig time game.  Must see.
  DTSTART;TZID=America/Chicago:20260701T160000
  DTEND;TZID=America/Chicago:20260701T180000
  STATUS:CONFIRMED
  LOCATION;VALUE=URI:http://stadium.example.com/
  PRIORITY:2
  RESOURCES:SCOREBOARD
  SEQUENCE:3
  SUMMARY:St. Paul Saints - Duluth-Superior Dukes
  RELATED-TO:0981234-1234234-14@example.com
It is held
bob's inbox has:
  PUBLISH series
bob stores game:
  by xenia@elsewhere.test
  CATEGORIES:SPORTS EVENT,ENTERTAINMENT
  DTSTART;TZID=America/Chicago:20260701T160000
  DTEND;TZID=America/Chicago:20260701T180000
  SEQUENCE:3
  SUMMARY:St. Paul Saints - Duluth-Superior Dukes
alice asks about bob on 0701:
  bob busy 2100-2300

Story: RFC 5546 §4.1.5, an anniversary is a day each year
xenia@elsewhere.test mails PUBLISH bastille to bob:
  by xenia@elsewhere.test
  DTSTART;VALUE=DATE:20260714
  RRULE:FREQ=YEARLY;INTERVAL=1
  SUMMARY:Bastille Day
It is held
bob's inbox has:
  PUBLISH series
bob stores bastille:
  by xenia@elsewhere.test
  DTSTART;VALUE=DATE:20260714
  RRULE:FREQ=YEARLY;INTERVAL=1
  SUMMARY:Bastille Day
xenia@elsewhere.test mails CANCEL bastille to bob:
  by xenia@elsewhere.test
  SEQUENCE:1
  RECURRENCE-ID;VALUE=DATE:20270714
bob's bastille:
  series
  0714 cancelled
