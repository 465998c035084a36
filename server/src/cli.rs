//! The command line: what can be typed, and the help that explains it.

mod accounts;
mod care;
mod delegates;
mod history;
mod moving;
mod places;
mod setup;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

pub use accounts::{AccountsCommand, GroupCommand, MemberCommand, Remove, UserAdd, UserCommand};
pub use care::{Backup, Check, MailChoice, MailCommand, Restore, Salvage};
pub use delegates::{DelegateAdd, DelegateCommand, DelegateSettings, InvitationsTo, YesOrNo};
pub use history::{Audit, Log, TrashCommand, TrashRestore};
pub use moving::{
    Export, Import, MigrateCaldav, MigrateCommand, MigrateRadicale, OnConflict, Taking,
};
pub use places::{Free, Place, PlaceCommand};
pub use setup::{Demo, Init, PasswordArguments};

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
