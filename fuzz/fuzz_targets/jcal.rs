//! iCalendar in JSON: what is taken is printed so that it is taken as the same.
#![no_main]

use calendar::{Limits, jcal};

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    for object in jcal::parse_stream(octets, &Limits::default()).unwrap_or_default() {
        let printed = jcal::print(&object);
        let again = jcal::parse(&printed, &Limits::default());
        assert_eq!(again.map(|again| jcal::print(&again)), Ok(printed));
    }
});
