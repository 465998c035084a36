//! Into the server and out of it: `convoke import`, `convoke export` and `convoke migrate`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

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
