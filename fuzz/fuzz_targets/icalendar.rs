//! An iCalendar object: what is taken is written as it came.
#![no_main]

use calendar::{CalendarObject, Limits};

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    if let Ok(object) = CalendarObject::parse(octets, &Limits::default()) {
        assert_eq!(&object.to_octets()[..], octets);
    }
});
