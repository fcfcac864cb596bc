//! A certificate authority for development: what `services.tls` and `services.identity` need, made at once.
//!
//! For production an operator's own authority (cert-manager, say) signs the certificates; the files have the same form.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PKCS_ED25519,
};
use thiserror::Error;

/// Files could not be made.
#[derive(Debug, Error)]
pub enum AuthorityError {
    /// A name is no DNS name, or the keys cannot be made.
    #[error("certificates cannot be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// A file cannot be written.
    #[error("{}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The folder already holds an authority.
    #[error("{} is there already; choose an empty folder, or delete it if nothing uses it", .0.display())]
    Exists(PathBuf),
}

/// Someone to make a certificate for: the name that others know it by, and its further DNS names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Name of the files, and first DNS name.
    pub name: String,
    /// Further DNS names and addresses.
    pub names: Vec<String>,
}

/// Writes into `folder`: `ca.pem` and `ca.key`; `NAME.pem` and `NAME.key` for each holder; and `identity.key` and
/// `identity.pub`. Keys are readable by their owner alone. Returns the files' names.
///
/// # Errors
/// A folder with an authority in it, names that are none, a disk that refuses.
pub fn write(folder: &Path, holders: &[Holder]) -> Result<Vec<PathBuf>, AuthorityError> {
    let first = folder.join("ca.pem");
    if first.exists() {
        return Err(AuthorityError::Exists(first));
    }
    fs::create_dir_all(folder).map_err(|source| AuthorityError::Write { path: folder.into(), source })?;
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    authority.distinguished_name.push(DnType::CommonName, "Aerie development authority");
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let mut files =
        vec![(first, authority.pem(), false), (folder.join("ca.key"), authority.key().serialize_pem(), true)];
    for holder in holders {
        let names = std::iter::once(&holder.name).chain(&holder.names).cloned().collect::<Vec<_>>();
        let mut leaf = CertificateParams::new(names)?;
        leaf.distinguished_name.push(DnType::CommonName, holder.name.as_str());
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate()?;
        let certificate = leaf.signed_by(&key, &authority)?;
        files.push((folder.join(format!("{}.pem", holder.name)), certificate.pem(), false));
        files.push((folder.join(format!("{}.key", holder.name)), key.serialize_pem(), true));
    }
    let identity = KeyPair::generate_for(&PKCS_ED25519)?;
    files.push((folder.join("identity.key"), identity.serialize_pem(), true));
    files.push((folder.join("identity.pub"), identity.public_key_pem(), false));
    for (path, text, is_secret) in &files {
        write_file(path, text, *is_secret).map_err(|source| AuthorityError::Write { path: path.clone(), source })?;
    }
    Ok(files.into_iter().map(|(path, ..)| path).collect())
}

fn write_file(path: &Path, text: &str, is_secret: bool) -> io::Result<()> {
    use io::Write;
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, if is_secret { 0o600 } else { 0o644 });
    #[cfg(not(unix))]
    let _ = is_secret;
    options.open(path)?.write_all(text.as_bytes())
}
