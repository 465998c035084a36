//! `convoke user`, `convoke group` and `convoke accounts`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::PasswordArguments;

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
