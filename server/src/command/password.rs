//! Where a command gets a password from.

use std::{
    fs,
    io::{self, BufRead, IsTerminal},
    path::Path,
};

use storage::Environment;
use zeroize::Zeroizing;

use super::{Failure, Output};
use crate::{cli::PasswordArguments, secret::Secret};

/// Characters of a password that is made up: no two look alike.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// So many of them make 100 bits.
const GENERATED_CHARACTERS: usize = 20;

/// What to do where nothing was said and nobody can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unattended {
    /// Refuse, and say what to do.
    Refuse,
    /// Make one up and print it.
    Generate,
}

/// A password that is to be set.
#[derive(Debug, PartialEq, Eq)]
pub struct Obtained {
    /// The password.
    pub secret: Secret,
    made_up: bool,
}

impl Obtained {
    fn given(secret: Secret) -> Result<Obtained, Failure> {
        if secret.0.is_empty() {
            return Err("the password is empty".into());
        }
        let made_up = false;
        Ok(Obtained { secret, made_up })
    }

    /// Prints what was made up. To be called when it was set, and not before: a password on the screen
    /// is believed to be in force.
    pub fn print_if_made_up(&self, name: &str, output: &mut Output) {
        if self.made_up {
            output.line(&format!("The password of {name}: {}", *self.secret.0));
        }
    }
}

/// The password for `name`: from a file, made up, or typed twice.
///
/// # Errors
/// It cannot be read, the two differ, or nobody can be asked.
pub fn obtain(
    name: &str,
    arguments: &PasswordArguments,
    unattended: Unattended,
    environment: &Environment,
) -> Result<Obtained, Failure> {
    let attended = io::stdin().is_terminal();
    if let Some(file) = &arguments.password_file {
        return Obtained::given(read(file)?);
    }
    if arguments.generate_password || (!attended && unattended == Unattended::Generate) {
        return Ok(Obtained {
            secret: generate(environment),
            made_up: true,
        });
    }
    if !attended {
        return Err("there is no terminal to ask for the password: give --password-file FILE (\"-\" is standard input) or \
                    --generate-password"
            .into());
    }
    let first = Zeroizing::new(rpassword::prompt_password(format!("Password of {name}: "))?);
    let second = Zeroizing::new(rpassword::prompt_password("Again: ")?);
    if first != second {
        return Err("the two passwords differ; nothing was changed".into());
    }
    Obtained::given(Secret(first))
}

/// The password of somebody elsewhere: from a file, or typed once.
///
/// # Errors
/// It cannot be read, or nobody can be asked.
pub fn of_another(user: &str, file: Option<&Path>) -> Result<Secret, Failure> {
    if let Some(file) = file {
        return read(file);
    }
    if !io::stdin().is_terminal() {
        return Err("there is no terminal to ask for the password: give --password-file FILE (\"-\" is standard input)".into());
    }
    let typed = rpassword::prompt_password(format!("Password of {user} there: "))?;
    Ok(Secret::from(typed))
}

fn read(file: &Path) -> Result<Secret, Failure> {
    let mut line = Zeroizing::new(String::new());
    if file == Path::new("-") {
        io::stdin().lock().read_line(&mut line)?;
    } else {
        let text = fs::read_to_string(file).map(Zeroizing::new);
        let text = text.map_err(|error| {
            format!(
                "the password file {} cannot be read: {error}",
                file.display()
            )
        })?;
        line.push_str(text.lines().next().unwrap_or_default());
    }
    Ok(Secret(Zeroizing::new(
        line.trim_end_matches(['\r', '\n']).to_owned(),
    )))
}

fn generate(environment: &Environment) -> Secret {
    let mut octets = Zeroizing::new([0; GENERATED_CHARACTERS]);
    environment.entropy.fill(&mut *octets);
    let characters = octets
        .iter()
        .map(|octet| char::from(ALPHABET[usize::from(octet % 32)]));
    Secret(Zeroizing::new(characters.collect()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::environment;

    fn obtain_with(arguments: &PasswordArguments) -> Result<Obtained, Failure> {
        obtain(
            "alice",
            arguments,
            Unattended::Refuse,
            &environment::system(),
        )
    }

    #[test]
    fn the_first_line_of_a_file_is_the_password() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        for (content, expected) in [
            ("secret", "secret"),
            ("secret\n", "secret"),
            ("se cret \r\nmore", "se cret "),
        ] {
            fs::write(&file, content).unwrap();
            let arguments = PasswordArguments {
                password_file: Some(file.clone()),
                generate_password: false,
            };
            assert_eq!(*obtain_with(&arguments).unwrap().secret.0, expected);
        }
        fs::write(&file, "\n").unwrap();
        let arguments = PasswordArguments {
            password_file: Some(file),
            generate_password: false,
        };
        assert_eq!(
            obtain_with(&arguments).unwrap_err().to_string(),
            "the password is empty"
        );
    }

    #[test]
    fn a_password_that_is_made_up_is_long_and_another_each_time() {
        let arguments = PasswordArguments {
            password_file: None,
            generate_password: true,
        };
        let first = obtain_with(&arguments).unwrap();
        assert_eq!(first.secret.0.len(), GENERATED_CHARACTERS);
        assert_ne!(first, obtain_with(&arguments).unwrap());
    }

    #[test]
    fn a_missing_file_is_named() {
        let arguments = PasswordArguments {
            password_file: Some("/nowhere/password".into()),
            generate_password: false,
        };
        assert!(
            obtain_with(&arguments)
                .unwrap_err()
                .to_string()
                .contains("/nowhere/password")
        );
    }
}
