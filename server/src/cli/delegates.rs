//! `convoke delegate`.

use clap::{Args, Subcommand, ValueEnum};

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
