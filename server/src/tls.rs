//! TLS from certificate and key files.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        self, ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
    },
};

/// Where certificate and key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain, leaf first, PEM.
    pub certificate: PathBuf,
    /// The private key, PEM (PKCS #8, PKCS #1 or SEC 1).
    pub key: PathBuf,
}

/// Why TLS cannot be set up, in words that help.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error(
        "{path}: {error}; check the path in [tls] and that the server's user may read the file"
    )]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// A file is not what it should be.
    #[error(
        "{path} holds no {expected} in PEM form; such a file has a line `-----BEGIN {marker}-----`"
    )]
    Empty {
        /// Which file.
        path: PathBuf,
        /// For people.
        expected: &'static str,
        /// What the file should have.
        marker: &'static str,
    },
    /// A file's PEM is damaged.
    #[error("{path} is damaged: {detail}; copy the file again")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// Certificate and key do not go together, or rustls does not take them.
    #[error(
        "certificate {certificate} and key {key} cannot be used: {error}; `certificate` must begin with the \
             server's own certificate, and `key` must be the key that it was made for"
    )]
    Unusable {
        /// The chain's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What rustls said.
        error: rustls::Error,
    },
}

/// Reads the files and prepares for connections with ALPN `h2` and `http/1.1` (RFC 7301, RFC 9113 §3.2).
///
/// # Errors
/// See [`TlsError`].
pub fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, TlsError> {
    let chain = certificates(&files.certificate)?;
    let key = private_key(&files.key)?;
    let unusable = |error| TlsError::Unusable {
        certificate: files.certificate.clone(),
        key: files.key.clone(),
        error,
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(unusable)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// The certificates in a file.
///
/// # Errors
/// See [`TlsError`].
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let empty = || TlsError::Empty {
        path: path.to_owned(),
        expected: "certificate",
        marker: "CERTIFICATE",
    };
    let octets = read(path)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&octets).collect();
    match chain {
        Ok(chain) if chain.is_empty() => Err(empty()),
        Ok(chain) => Ok(chain),
        Err(error) => Err(pem_error(path, error, empty())),
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let empty = || TlsError::Empty {
        path: path.to_owned(),
        expected: "private key",
        marker: "PRIVATE KEY",
    };
    PrivateKeyDer::from_pem_slice(&read(path)?).map_err(|error| pem_error(path, error, empty()))
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|error| TlsError::Unreadable {
        path: path.to_owned(),
        error,
    })
}

fn pem_error(path: &Path, error: pem::Error, empty: TlsError) -> TlsError {
    match error {
        pem::Error::NoItemsFound => empty,
        error => TlsError::Damaged {
            path: path.to_owned(),
            detail: error.to_string(),
        },
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn files(certificate: &str, key: &str) -> (tempfile::TempDir, TlsFiles) {
        let folder = tempfile::tempdir().unwrap();
        let files = TlsFiles {
            certificate: folder.path().join("certificate.pem"),
            key: folder.path().join("key.pem"),
        };
        std::fs::write(&files.certificate, certificate).unwrap();
        std::fs::write(&files.key, key).unwrap();
        (folder, files)
    }

    fn pair() -> (String, String) {
        let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        (pair.cert.pem(), pair.signing_key.serialize_pem())
    }

    #[test]
    fn a_pair_is_taken() {
        let (certificate, key) = pair();
        let (_folder, files) = files(&certificate, &key);
        assert!(acceptor(&files).is_ok());
    }

    #[test]
    fn what_is_wrong_is_said_with_the_remedy() {
        let (certificate, key) = pair();
        let (_, other_key) = pair();
        let cases = [
            ("", key.as_str(), "certificate.pem holds no certificate"),
            (
                key.as_str(),
                key.as_str(),
                "certificate.pem holds no certificate",
            ),
            (certificate.as_str(), "", "key.pem holds no private key"),
            (
                certificate.as_str(),
                certificate.as_str(),
                "key.pem holds no private key",
            ),
            (
                "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n",
                key.as_str(),
                "certificate.pem is damaged",
            ),
            (
                certificate.as_str(),
                other_key.as_str(),
                "must be the key that it was made for",
            ),
        ];
        for (certificate, key, reason) in cases {
            let (_folder, files) = files(certificate, key);
            let message = acceptor(&files).err().unwrap().to_string();
            assert!(message.contains(reason), "{reason}: {message}");
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let (folder, mut files) = files("", "");
        files.certificate = folder.path().join("nowhere.pem");
        let message = acceptor(&files).err().unwrap().to_string();
        assert!(
            message.contains("nowhere.pem") && message.contains("check the path in [tls]"),
            "{message}"
        );
    }
}
