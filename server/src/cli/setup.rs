//! `convoke demo`, `convoke init`, and where passwords come from.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;

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

fn parse_listen(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse()
        .map_err(|_| "write an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080")
}
