//! The care of the data: `convoke check`, `convoke backup`, `convoke restore`, `convoke salvage`, and `convoke mail` for what
//! a restore holds.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `convoke check`
#[derive(Debug, Args)]
pub struct Check {
    /// Mend what follows from the rest of the data; nothing that somebody wrote is thrown away
    #[arg(long)]
    pub repair: bool,
    /// Give up scheduling messages that wait where nobody can read them, once nothing is left that --repair
    /// mends; who was not told of a meeting is named, and stands in its event and its log
    #[arg(long)]
    pub give_up_messages: bool,
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
