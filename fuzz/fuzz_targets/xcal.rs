//! iCalendar in XML: what is taken is printed so that it is taken as the same.
#![no_main]

use calendar::{Limits, xcal};

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    for object in xcal::parse_stream(octets, &Limits::default()).unwrap_or_default() {
        let printed = xcal::print(&object);
        let again = xcal::parse(&printed, &Limits::default());
        assert_eq!(again.map(|again| xcal::print(&again)), Ok(printed));
    }
});
