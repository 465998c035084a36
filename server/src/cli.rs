//! The command line: what can be typed, and the help that explains it.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{
    accounts::BookingFor,
    command::{Moment, parse_moment},
};

/// A CalDAV server with built-in scheduling.
#[derive(Debug, Parser)]
#[command(name = "convoke", version, after_help = AFTER_HELP, arg_required_else_help = true)]
pub struct Cli {
    /// The configuration file
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        default_value = "convoke.toml"
    )]
    pub config: PathBuf,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "\
To look around:        convoke demo
To set up a server:    convoke init, then convoke serve
To let people in:      convoke user add NAME";

fn parse_listen(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse()
        .map_err(|_| "write an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080")
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a server with a few made-up people, to look around
    ///
    /// Everything is kept in one folder: started again, all is still there; delete the folder to
    /// begin anew. Outgoing mail is not sent but collected in that folder.
    Demo(Demo),
    /// Write a configuration and make the first administrator
    Init(Init),
    /// Run the server
    Serve,
    /// Add, list, disable and remove users, and set passwords
    #[command(subcommand, arg_required_else_help = true)]
    User(UserCommand),
    /// Add, list and remove groups, and change who is in them
    #[command(subcommand, arg_required_else_help = true)]
    Group(GroupCommand),
    /// Add, change, list and remove rooms, and find free ones
    #[command(subcommand, arg_required_else_help = true)]
    Room(PlaceCommand),
    /// Add, change, list and remove resources (things that can be booked), and find free ones
    #[command(subcommand, arg_required_else_help = true)]
    Resource(PlaceCommand),
    /// Let people act for others, and show who may
    #[command(subcommand, arg_required_else_help = true)]
    Delegate(DelegateCommand),
    /// Show who did what to which event, for whom, from which client, and when
    ///
    /// In the order of time, the newest last. What an event says is not part of it. Works whether the
    /// server runs or not.
    Audit(Audit),
    /// Show what the server decided about a meeting: who was told of what and why, what became of it, and
    /// why somebody was not told
    ///
    /// One line for each decision, the newest last, as the owner of the calendar may read it over DAV. Works
    /// whether the server runs or not.
    Log(Log),
    /// List, show and bring back what was deleted or changed
    #[command(subcommand, arg_required_else_help = true)]
    Trash(TrashCommand),
    /// Check all data, and mend what can be mended
    ///
    /// Looks at everything that is kept: journal and snapshots, indexes against what they index, change
    /// logs, references, waiting mails, and every event. Works whether the server runs or not. Prints one
    /// line for each thing that is wrong. Ends with status 0 when all is well, 1 when damage is left, 2
    /// when the data cannot be checked. May be broken off at any time.
    Check(Check),
    /// Give back disk space that is not needed
    ///
    /// Works whether the server runs or not; without it, the index is built again too. May be broken off
    /// at any time.
    Compact,
    /// Import many accounts at once
    #[command(subcommand, arg_required_else_help = true)]
    Accounts(AccountsCommand),
    /// Write everything into one file, as of one moment, whether the server runs or not
    ///
    /// The configuration file is not part of it.
    Backup(Backup),
    /// Make a data folder of a backup
    ///
    /// The folder must be empty or missing; it appears as a whole at the end (a mount point is filled, and not
    /// taken for data before it is whole). Calendar programs then read
    /// their calendars anew by themselves, and mail that was waiting is held: see `convoke mail`.
    Restore(Restore),
    /// Make a data folder of what is left of a damaged one
    ///
    /// For when the server refuses to start because something is lost, and there is no better backup. Takes
    /// the newest sound copy of everything and all changes after it up to the first that is lost, and says
    /// which are. The damaged folder is not changed. As after a restore, calendar programs read their
    /// calendars anew by themselves, and mail that was waiting is held.
    Salvage(Salvage),
    /// Show outgoing mail that waits, and release or drop what a restore holds
    #[command(subcommand, arg_required_else_help = true)]
    Mail(MailCommand),
    /// Put iCalendar files into somebody's calendars
    ///
    /// A file, or a folder with all .ics files below it. Each event goes in with all that it says, and
    /// nobody hears of it: no invitation, cancellation or answer is sent before its owner changes when it is
    /// or who is invited. What is there already is recognised by its UID, so that the same command once more
    /// changes nothing, or goes on where it was interrupted. Missing calendars are made. Works whether the
    /// server runs or not. Ends with status 1 where something could not be stored; what and why is said.
    Import(Import),
    /// Write somebody's calendars into files
    ///
    /// One calendar as one .ics file, which every calendar program reads; or into a new folder, one folder
    /// for each calendar with a file for each event, exactly as it is stored. Both can be imported again.
    /// Works whether the server runs or not.
    Export(Export),
    /// Take over calendars from another server, as often as you like
    ///
    /// Nobody hears of it (see `convoke import`). What is there already is not touched unless it is newer
    /// there, so that a first run days before and a second one at the change make the change short.
    #[command(subcommand, arg_required_else_help = true)]
    Migrate(MigrateCommand),
}

/// `convoke import`
#[derive(Debug, Args)]
pub struct Import {
    /// The file or folder
    #[arg(value_name = "FILE|FOLDER")]
    pub place: PathBuf,
    /// Into whose calendars
    #[arg(long, value_name = "NAME")]
    pub user: String,
    /// Into which calendar: its name in addresses, or the name that people see [default: what each file
    /// says of itself, else the name of its folder]
    #[arg(long, value_name = "NAME")]
    pub calendar: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub taking: Taking,
}

/// How objects are taken in.
#[derive(Debug, Args)]
pub struct Taking {
    /// What becomes of an event that is there already and differs
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = OnConflict::Newer)]
    pub on_conflict: OnConflict,
    /// Only say what would be done
    #[arg(long)]
    pub dry_run: bool,
}

/// What becomes of an event that is there already and differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnConflict {
    /// The newer one stays
    Newer,
    /// It is replaced
    Overwrite,
    /// It stays as it is
    Skip,
}

impl From<OnConflict> for scheduling::desk::OnConflict {
    fn from(word: OnConflict) -> Self {
        match word {
            OnConflict::Newer => Self::Newer,
            OnConflict::Overwrite => Self::Overwrite,
            OnConflict::Skip => Self::Skip,
        }
    }
}

/// `convoke export`
#[derive(Debug, Args)]
pub struct Export {
    /// A file that ends in .ics, or a folder that is new or empty
    #[arg(value_name = "FILE|FOLDER")]
    pub place: PathBuf,
    /// Whose calendars
    #[arg(long, value_name = "NAME")]
    pub user: String,
    /// Only this calendar
    #[arg(long, value_name = "NAME")]
    pub calendar: Option<String>,
    /// Replace the file, if it exists
    #[arg(long)]
    pub force: bool,
}

/// `convoke migrate`
#[derive(Debug, Subcommand)]
pub enum MigrateCommand {
    /// From the folder in which Radicale keeps its data
    ///
    /// Each user there goes to the account of the same name here, which must exist. Address books are
    /// passed over.
    Radicale(MigrateRadicale),
    /// From any CalDAV server, by its address
    Caldav(MigrateCaldav),
}

/// `convoke migrate radicale`
#[derive(Debug, Args)]
pub struct MigrateRadicale {
    /// What Radicale's configuration calls filesystem_folder
    pub folder: PathBuf,
    /// Only this user there
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// The account here, if it has another name
    #[arg(long, value_name = "NAME", requires = "user")]
    pub to_user: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub taking: Taking,
}

/// `convoke migrate caldav`
#[derive(Debug, Args)]
pub struct MigrateCaldav {
    /// The address of the server, of a calendar home, or of one calendar
    pub url: String,
    /// The name for sign-in there
    #[arg(long, value_name = "NAME")]
    pub user: String,
    /// Read the password for there from the first line of this file ("-" is standard input) instead of asking
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// The account here
    #[arg(long, value_name = "NAME")]
    pub to_user: String,
    /// Trust these certificates (PEM), too
    #[arg(long, value_name = "FILE")]
    pub certificates: Option<PathBuf>,
    /// Send the password without encryption, to a server on a network of your own
    #[arg(long)]
    pub plain_http: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub taking: Taking,
}

/// `convoke backup`
#[derive(Debug, Args)]
pub struct Backup {
    /// The file; for its owner only
    pub file: PathBuf,
    /// Replace the file, if it exists
    #[arg(long)]
    pub force: bool,
}

/// `convoke restore`
#[derive(Debug, Args)]
pub struct Restore {
    /// The backup
    pub file: PathBuf,
    /// Go on with the journal archived here (or with the folder `journal` of the old data); give it
    /// again for more
    #[arg(long = "archive", value_name = "FOLDER")]
    pub archives: Vec<PathBuf>,
    /// Go on up to the last change at or before this moment, such as 2026-03-01T14:30:00Z
    /// [archive: the one configured, unless --archive is given]
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// The new data folder [default: the one configured]
    #[arg(long, value_name = "FOLDER")]
    pub into: Option<PathBuf>,
}

/// `convoke mail`
#[derive(Debug, Subcommand)]
pub enum MailCommand {
    /// List the mails that wait
    List {
        /// Only those that are held
        #[arg(long)]
        held: bool,
    },
    /// Let held mails go out
    Release(MailChoice),
    /// Remove mails; the organizer's event says that they could not be delivered
    Drop(MailChoice),
}

/// Which mails.
#[derive(Debug, Args)]
pub struct MailChoice {
    /// As `convoke mail list` shows them
    #[arg(value_name = "ID", required_unless_present = "all")]
    pub ids: Vec<String>,
    /// All that are held
    #[arg(long, conflicts_with = "ids")]
    pub all: bool,
}

/// `convoke salvage`
#[derive(Debug, Args)]
pub struct Salvage {
    /// The new data folder, empty or missing
    #[arg(long, value_name = "FOLDER")]
    pub into: PathBuf,
    /// The damaged data folder [default: the one configured]
    #[arg(long, value_name = "FOLDER")]
    pub from: Option<PathBuf>,
    /// Use this archive of the journal, too; give it again for more
    #[arg(long = "archive", value_name = "FOLDER")]
    pub archives: Vec<PathBuf>,
}

/// `convoke check`
#[derive(Debug, Args)]
pub struct Check {
    /// Mend what follows from the rest of the data; nothing that somebody wrote is thrown away
    #[arg(long)]
    pub repair: bool,
}

/// `convoke demo`
#[derive(Debug, Args)]
pub struct Demo {
    /// Where to keep everything
    #[arg(long, value_name = "FOLDER", default_value = "convoke-demo")]
    pub folder: PathBuf,
    /// The address to listen on; passwords travel unencrypted, so it must be one of this machine only
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:8080", value_parser = parse_listen)]
    pub listen: SocketAddr,
}

/// `convoke init`
#[derive(Debug, Args)]
pub struct Init {
    /// The data folder
    #[arg(long, value_name = "FOLDER", default_value = "convoke-data")]
    pub data: String,
    /// The address to listen on
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:8080", value_parser = parse_listen)]
    pub listen: SocketAddr,
    /// What people will enter in their calendar programs [default: http:// and the address above]
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// The name of the first administrator
    #[arg(long, value_name = "NAME", default_value = "admin")]
    pub administrator: String,
    /// The administrator's calendar address
    #[arg(long, value_name = "ADDRESS")]
    pub address: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub password: PasswordArguments,
}

/// Where a password comes from. Never from the command line itself: other users of the machine could
/// read it there.
#[derive(Clone, Debug, Default, Args)]
pub struct PasswordArguments {
    /// Read the password from the first line of this file ("-" is standard input) instead of asking
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Make up a password and print it
    #[arg(long, conflicts_with = "password_file")]
    pub generate_password: bool,
}

/// `convoke user`
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Add a user, with a calendar of their own
    Add(UserAdd),
    /// List all users
    List,
    /// Set a user's password
    Password {
        /// Whose
        name: String,
        #[command(flatten)]
        #[allow(missing_docs)]
        password: PasswordArguments,
    },
    /// Let somebody not sign in any more; everything stays, and new invitations are refused
    Disable {
        /// Whom
        name: String,
    },
    /// The opposite
    Enable {
        /// Whom
        name: String,
    },
    /// Remove a user with all calendars
    ///
    /// Before that, meetings to come are called off, and invitations to meetings to come are declined. Where this is
    /// interrupted, the same once more goes on.
    Remove(Remove),
}

/// `convoke user remove`, `convoke room remove` and `convoke resource remove`
#[derive(Debug, Args)]
pub struct Remove {
    /// Which
    pub name: String,
    /// Tell nobody: neither attendees nor organizers hear of it
    #[arg(long)]
    pub silent: bool,
    /// Only say how many meetings would be called off or declined
    #[arg(long, conflicts_with = "silent")]
    pub dry_run: bool,
}

/// `convoke user add`
#[derive(Debug, Args)]
pub struct UserAdd {
    /// The name for sign-in
    pub name: String,
    /// The name for people
    #[arg(long, value_name = "TEXT")]
    pub display_name: Option<String>,
    /// A calendar address such as alice@example.com; give it again for aliases
    #[arg(long = "address", value_name = "ADDRESS")]
    pub addresses: Vec<String>,
    /// The language of mails, such as "en" or "de-CH"
    #[arg(long, value_name = "TAG")]
    pub language: Option<String>,
    /// The time zone, such as "Europe/Berlin"
    #[arg(long, value_name = "ZONE")]
    pub time_zone: Option<String>,
    /// May read and write everybody's calendars
    #[arg(long)]
    pub administrator: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub password: PasswordArguments,
}

/// `convoke group`
#[derive(Debug, Subcommand)]
pub enum GroupCommand {
    /// Add a group
    Add {
        /// Its name
        name: String,
        /// The name for people
        #[arg(long, value_name = "TEXT")]
        display_name: Option<String>,
        /// A calendar address of the group
        #[arg(long = "address", value_name = "ADDRESS")]
        addresses: Vec<String>,
        /// A member: a user, a room, a resource or another group; give it again for more
        #[arg(long = "member", value_name = "NAME")]
        members: Vec<String>,
    },
    /// List all groups with their members
    List,
    /// Remove a group; its members stay
    Remove {
        /// Which
        name: String,
    },
    /// Change who is in a group
    #[command(subcommand, arg_required_else_help = true)]
    Member(MemberCommand),
}

/// `convoke group member`
#[derive(Debug, Subcommand)]
pub enum MemberCommand {
    /// Put somebody into a group
    ///
    /// They are invited to the meetings of the group that are not over, a few seconds later.
    Add {
        /// The group
        group: String,
        /// Who
        member: String,
    },
    /// Take somebody out of a group
    ///
    /// They are no longer invited to its meetings, unless they are by name or by another group.
    Remove {
        /// The group
        group: String,
        /// Who
        member: String,
    },
}

/// `convoke room` and `convoke resource`
#[derive(Debug, Subcommand)]
pub enum PlaceCommand {
    /// Add one, with a calendar of its own
    Add(Place),
    /// Change one; what is not named stays as it is
    ///
    /// An empty text takes away what was there: --location "" or --feature "".
    Set(Place),
    /// List all
    List,
    /// Find those that are free for a meeting, the smallest first
    ///
    /// Free is what has nothing in its calendar at that time, is available then, and answers by itself so far
    /// ahead. Works whether the server runs or not.
    Free(Free),
    /// Remove one with its calendar
    ///
    /// Before that, what it is booked for in future is declined. Where this is interrupted, the same once more goes on.
    Remove(Remove),
}

/// `convoke room free` and `convoke resource free`
#[derive(Debug, Args)]
pub struct Free {
    /// From when: 2026-03-01T09:30:00Z, or 2026-03-01T09:30 in the time of this machine
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    pub from: Moment,
    /// Until when
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    pub to: Moment,
    /// How often that recurs, such as "FREQ=WEEKLY;COUNT=10" (at most 600 times within two years)
    #[arg(long, value_name = "RRULE")]
    pub recurrence: Option<String>,
    /// By the clocks of which time zone it recurs, such as "Europe/Berlin" [default: that of this machine]
    #[arg(long, value_name = "ZONE", requires = "recurrence")]
    pub time_zone: Option<String>,
    /// For how many people, at least
    #[arg(long, value_name = "NUMBER")]
    pub capacity: Option<u32>,
    /// Where, such as "2nd floor": a part of its location
    #[arg(long, value_name = "TEXT")]
    pub location: Option<String>,
    /// What it must have, such as "projector"; give it again for more
    #[arg(long = "feature", value_name = "TEXT")]
    pub features: Vec<String>,
    /// Those that are not free, too
    #[arg(long)]
    pub all: bool,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `convoke room add|set` and `convoke resource add|set`
#[derive(Debug, Args)]
pub struct Place {
    /// Its name
    pub name: String,
    /// The name for people
    #[arg(long, value_name = "TEXT")]
    pub display_name: Option<String>,
    /// A calendar address such as room1@example.com; give it again for aliases
    #[arg(long = "address", value_name = "ADDRESS")]
    pub addresses: Vec<String>,
    /// How many people fit in
    #[arg(long, value_name = "NUMBER")]
    pub capacity: Option<u32>,
    /// Where it is
    #[arg(long, value_name = "TEXT")]
    pub location: Option<String>,
    /// What it has, such as "projector"; give it again for more
    #[arg(long = "feature", value_name = "TEXT")]
    pub features: Vec<String>,
    /// How it answers invitations: none, accept-always, decline-always, accept-if-free, decline-if-busy or automatic
    #[arg(long, value_name = "HOW", value_parser = booking)]
    pub booking: Option<storage::model::Booking>,
    /// How it answers one organizer or a group, such as "boss=accept-always"; give it again for more, the first that fits holds
    #[arg(long = "booking-for", value_name = "NAME=HOW", value_parser = booking_for)]
    pub booking_for: Vec<BookingFor>,
    /// How many days ahead it answers by itself (1095 where nothing is said); what begins later is declined
    #[arg(long, value_name = "DAYS")]
    pub booking_horizon_days: Option<u32>,
    /// Who may read for it; give it again for more
    #[arg(long = "read-delegate", value_name = "NAME")]
    pub read_delegates: Vec<String>,
    /// Who may write for it; give it again for more
    #[arg(long = "write-delegate", value_name = "NAME")]
    pub write_delegates: Vec<String>,
}

/// `convoke audit`
#[derive(Debug, Args)]
pub struct Audit {
    /// Only in this account's calendars
    #[arg(long, value_name = "NAME")]
    pub account: Option<String>,
    /// Only what this account did
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
    /// Only where this is part of the place, such as a calendar's or an event's name in its address
    #[arg(long, value_name = "TEXT")]
    pub object: Option<String>,
    /// Only what was done since: 2026-03-01T09:30:00Z, or 2026-03-01 in the time of this machine
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    pub since: Option<Moment>,
    /// Only what was done before
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    pub until: Option<Moment>,
    /// At most so many lines, the newest
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000)]
    pub last: usize,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `convoke log`
#[derive(Debug, Args)]
pub struct Log {
    /// The event: its address, or the path of it, such as /dav/calendars/users/alice/calendar/x.ics
    #[arg(value_name = "OBJECT", required_unless_present = "uid", conflicts_with_all = ["user", "uid"])]
    pub object: Option<String>,
    /// In whose calendars the event with this UID is, or was
    #[arg(long, value_name = "NAME", requires = "uid")]
    pub user: Option<String>,
    /// The UID of the event
    #[arg(long, value_name = "UID", requires = "user")]
    pub uid: Option<String>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `convoke delegate`
#[derive(Debug, Subcommand)]
pub enum DelegateCommand {
    /// Make somebody a delegate, or change what a delegate may do
    ///
    /// What is not named is not allowed; without any option the delegate only reads.
    Add(DelegateAdd),
    /// Who is shown the manager's invitations, and whether the manager hears of what delegates send
    #[command(arg_required_else_help = true)]
    Settings(DelegateSettings),
    /// List somebody's delegates
    List {
        /// Whose
        manager: String,
    },
    /// End a delegation
    Remove {
        /// Whose delegate
        manager: String,
        /// Who
        delegate: String,
    },
}

/// `convoke delegate add`
#[derive(Debug, Args)]
pub struct DelegateAdd {
    /// Whose calendars: a user, a room or a resource
    pub manager: String,
    /// Who acts for them: a user, or a group with all in it
    pub delegate: String,
    /// May write in the calendars
    #[arg(long)]
    pub edit: bool,
    /// May answer invitations in the manager's name
    #[arg(long)]
    pub answer: bool,
    /// May invite, change and cancel meetings in the manager's name
    #[arg(long)]
    pub invite: bool,
    /// All three
    #[arg(long)]
    pub deputy: bool,
    /// Sees private events, too
    #[arg(long)]
    pub private: bool,
}

/// `convoke delegate settings`
#[derive(Debug, Args)]
pub struct DelegateSettings {
    /// Whose
    pub manager: String,
    /// Who finds the manager's invitations in the inbox (the calendar always has them)
    #[arg(
        long,
        value_name = "WHO",
        value_enum,
        required_unless_present = "notices"
    )]
    pub invitations: Option<InvitationsTo>,
    /// Whether the manager hears by mail of what delegates send
    #[arg(long, value_name = "YES|NO", value_enum)]
    pub notices: Option<YesOrNo>,
}

/// Who finds a manager's invitations in the inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InvitationsTo {
    /// The manager, and the delegates who may answer
    Both,
    /// The delegates who may answer (the manager, as long as there are none)
    Delegates,
    /// The manager alone
    Manager,
}

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum YesOrNo {
    Yes,
    No,
}

impl From<YesOrNo> for bool {
    fn from(answer: YesOrNo) -> bool {
        answer == YesOrNo::Yes
    }
}

/// The words of the accounts file.
fn booking(word: &str) -> Result<storage::model::Booking, String> {
    serde_json::from_value(word.into()).map_err(|error| error.to_string())
}

fn booking_for(text: &str) -> Result<BookingFor, String> {
    let (organizer, how) = text
        .split_once('=')
        .ok_or("write a name, \"=\", and how: boss=accept-always")?;
    Ok(BookingFor {
        organizer: organizer.to_owned(),
        booking: booking(how)?,
    })
}

/// `convoke trash`
#[derive(Debug, Subcommand)]
pub enum TrashCommand {
    /// List what is in somebody's trash, the newest first
    ///
    /// Deleted events and calendars, and earlier versions of events. Each has an ID.
    List {
        /// Whose
        user: String,
        /// Only what was in this calendar
        #[arg(long, value_name = "NAME")]
        calendar: Option<String>,
        /// Only what was deleted or changed since: 2026-03-01T09:30:00Z, or 2026-03-01 in the time of this machine
        #[arg(long, value_name = "TIME", value_parser = parse_moment)]
        since: Option<Moment>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show one thing in the trash, with its content
    Show {
        /// Its ID, from the list
        id: String,
    },
    /// Bring things back
    ///
    /// By their IDs, or a whole calendar as it was at a moment: convoke trash restore --calendar NAME
    /// --at TIME USER. Everything comes back to its place, or under a free name where its name is taken;
    /// what is replaced goes to the trash. Nobody is told: no invitation, cancellation or reply is sent,
    /// and attendees who heard of a cancellation do not hear that the event is back. Where this is
    /// interrupted, the same once more goes on.
    Restore(TrashRestore),
}

/// `convoke trash restore`
#[derive(Debug, Args)]
pub struct TrashRestore {
    /// IDs from the list; with --calendar, whose calendar it is
    #[arg(value_name = "ID", required = true)]
    pub ids: Vec<String>,
    /// Bring this calendar back to what it was at --at
    #[arg(long, value_name = "NAME", requires = "at")]
    pub calendar: Option<String>,
    /// The moment: 2026-03-01T09:30:00Z, or 2026-03-01T09:30 in the time of this machine
    #[arg(long, value_name = "TIME", requires = "calendar", value_parser = parse_moment)]
    pub at: Option<Moment>,
    /// Remove what was made since (it goes to the trash)
    #[arg(long, requires = "calendar")]
    pub exact: bool,
}

/// `convoke accounts`
#[derive(Debug, Subcommand)]
pub enum AccountsCommand {
    /// Make users, groups, rooms and resources from a TOML file, again without harm
    ///
    /// Who is missing is made; of who is there, only the fields that stand in the file are changed,
    /// and never a password that was changed since an import set it.
    Import {
        /// The file
        file: PathBuf,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_commands_of_the_manual_are_understood() {
        for line in [
            "convoke demo",
            "convoke demo --folder x --listen 127.0.0.1:0",
            "convoke init",
            "convoke init --data x --administrator root --password-file -",
            "convoke --config x.toml serve",
            "convoke serve --config x.toml",
            "convoke user add alice --display-name Alice --address a@example.com --address b@example.com",
            "convoke user list",
            "convoke user password alice --generate-password",
            "convoke user disable alice",
            "convoke user enable alice",
            "convoke user remove alice",
            "convoke user remove alice --silent",
            "convoke room remove room1 --dry-run",
            "convoke group add team --member alice --member bob",
            "convoke group member add team carol",
            "convoke group member remove team carol",
            "convoke room add room1 --capacity 12 --booking accept-if-free --write-delegate alice",
            "convoke room add room2 --booking automatic --booking-for board=accept-always --booking-horizon-days 180",
            "convoke room set room2 --location 2nd-floor --feature projector --feature phone",
            "convoke room free --from 2026-03-01T09:30:00Z --to 2026-03-01T10:30:00Z --capacity 8 --feature phone",
            "convoke room free --from 2026-03-01 --to 2026-03-02 --recurrence FREQ=WEEKLY --time-zone UTC --all --json",
            "convoke resource list",
            "convoke delegate add alice bob --edit --answer --invite --private",
            "convoke delegate add alice office --deputy",
            "convoke delegate settings alice --invitations both --notices no",
            "convoke delegate list alice",
            "convoke audit",
            "convoke audit --account alice --actor bob --object work --since 2026-03-01 --until 2026-04-01",
            "convoke audit --last 10 --json",
            "convoke log /dav/calendars/users/alice/calendar/x.ics",
            "convoke log https://example.com/dav/calendars/users/alice/calendar/x.ics --json",
            "convoke log --user alice --uid 1@example.com",
            "convoke delegate remove alice bob",
            "convoke accounts import accounts.toml",
            "convoke import a.ics --user alice --calendar work --on-conflict skip --dry-run",
            "convoke import folder --user alice",
            "convoke export --user alice --calendar work work.ics --force",
            "convoke export --user alice folder",
            "convoke migrate radicale folder",
            "convoke migrate radicale folder --user a --to-user alice --on-conflict overwrite",
            "convoke migrate caldav https://example.com/ --user a --password-file - --to-user alice",
            "convoke trash list alice --calendar work --since 2026-03-01 --json",
            "convoke trash show 1f-2-3",
            "convoke trash restore 1f-2-3 1f-2-4",
            "convoke trash restore --calendar work --at 2026-03-01T09:30:00Z --exact alice",
            "convoke check",
            "convoke check --repair",
            "convoke compact",
            "convoke backup convoke.backup --force",
            "convoke restore convoke.backup --archive a --archive b --until 2026-03-01T14:30:00Z --into x",
            "convoke mail list --held",
            "convoke mail release 00ff 01ff",
            "convoke mail drop --all",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_ok(), "{line}");
        }
    }

    #[test]
    fn a_password_cannot_be_an_argument() {
        for line in [
            "convoke user add alice secret",
            "convoke user add alice --password secret",
            "convoke user password alice secret",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }

    #[test]
    fn a_log_is_of_one_meeting() {
        for line in [
            "convoke log",
            "convoke log --uid x",
            "convoke log --user alice",
            "convoke log /dav/x --user alice --uid x",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }

    #[test]
    fn a_calendar_comes_back_as_of_a_moment_only() {
        for line in [
            "convoke trash restore",
            "convoke trash restore --calendar work alice",
            "convoke trash restore --at 2026-03-01 alice",
            "convoke trash restore --exact 1f-2-3",
            "convoke trash restore --calendar work --at soon alice",
            "convoke trash restore --calendar work --at 2026-03-01",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }

    #[test]
    fn an_unknown_way_to_book_is_refused_with_the_known_ones() {
        let error = Cli::try_parse_from(["convoke", "room", "add", "r", "--booking", "maybe"])
            .expect_err("maybe");
        assert!(error.to_string().contains("accept-if-free"), "{error}");
    }
}
