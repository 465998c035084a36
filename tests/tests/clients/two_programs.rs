//! Somebody with two programs: what is done at the one is seen at the other.

use tests::server::TestServer;

use super::{
    evolution::Evolution,
    person::{Person, beside, calendar},
    thunderbird::Thunderbird,
};

const ALICE: &str = "mailto:alice@example.com";

fn use_both(office: &mut Person, home: &mut Person) {
    // a whole day, whose title changes at the other program
    office.notes("fair", "20310305", None);
    home.sees("fair", "20310305");
    home.renames("fair", "Book fair");
    office.sees("fair", "20310305 \"Book fair\"");

    // a series, one instance of which goes to another day
    home.notes("choir", "20310310T1900", Some("FREQ=WEEKLY;COUNT=6"));
    office.sees("choir", "20310310T180000Z");
    office.moves_one("choir", "20310407T190000", "20310408T1800");
    let with_exception = "20310310T180000Z; 20310407T170000Z is 20310408T160000Z";
    office.sees("choir", with_exception);
    home.sees("choir", with_exception);

    // a single event, which goes to another time and then goes
    home.notes("dentist", "20310306T0800", None);
    office.sees("dentist", "20310306T070000Z");
    office.moves("dentist", "20310307T1100");
    home.sees("dentist", "20310307T100000Z");
    home.removes("dentist");
    office.sees("dentist", "nothing");

    // tasks, each ticked off at the other program
    office.plans("taxes", "20310331T120000");
    home.sees("taxes", "20310331T100000Z");
    home.completes("taxes");
    office.sees("taxes", "20310331T100000Z done");
    home.plans("paint", "20310405");
    office.sees("paint", "20310405");
    office.completes("paint");
    home.sees("paint", "20310405 done");

    office.removes("choir");
    home.sees("choir", "nothing");
    home.removes("fair");
    office.sees("fair", "nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thunderbird_and_evolution_on_one_calendar() {
    let server = TestServer::start_on_disk().await;
    let url = format!("{}/", server.url());
    beside(move || {
        let mut office = Person::new("alice", ALICE, &url, Thunderbird::start());
        let mut home = Person::new("alice", ALICE, &url, Evolution::start());
        use_both(&mut office, &mut home);
    })
    .await;
    let alice = server.client("alice");
    let left = alice
        .propfind(&calendar("alice"), "1", "<D:getetag/>")
        .await;
    let left = left.multistatus();
    let mut left = left.hrefs();
    left.sort_unstable();
    let tasks = ["", "paint.ics", "taxes.ics"].map(|name| calendar("alice") + name);
    assert_eq!(left, tasks);
}
