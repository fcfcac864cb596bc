//! `aerie backup` and `aerie import peregrine`: moving a person's data.

use std::{
    env, fs,
    io::{IsTerminal, Read, Write},
    path::Path,
    process::ExitCode,
};

use aerie_proto::pipeline::v1 as pb;
use anyhow::Context;

use super::read_text;
use crate::{
    cli::{Backup, Cli},
    output,
    session::Session,
};

/// Bytes of one piece that is sent.
const PIECE: usize = 256 << 10;

/// Largest file of an import, in bytes; a message holds 16 MiB.
const MOST_FILE: u64 = 15 << 20;

/// Backups.
pub async fn backup(cli: &Cli, command: &Backup) -> anyhow::Result<ExitCode> {
    let session = Session::open(cli).await?;
    let result = match command {
        Backup::Create { file, passphrase_file } => create(&session, file, passphrase_file.as_deref()).await,
        Backup::Restore { file, passphrase_file, replace, json } => {
            restore(&session, file, passphrase_file.as_deref(), *replace, *json).await
        }
    };
    session.close().await;
    result.map(|()| ExitCode::SUCCESS)
}

async fn create(session: &Session, file: &Path, passphrase_file: Option<&Path>) -> anyhow::Result<()> {
    let passphrase = passphrase(passphrase_file)?;
    let mut pieces = session.moving().create_backup(pb::CreateBackupRequest { passphrase }).await?.into_inner();
    // Beside the file first: a backup that broke off must not look like one.
    let part = file.with_extension("part");
    anyhow::ensure!(!file.exists(), "{} exists already; choose another name", file.display());
    let mut out = fs::File::create(&part).with_context(|| part.display().to_string())?;
    let mut size = 0;
    while let Some(piece) = pieces.message().await? {
        size += piece.content.len();
        out.write_all(&piece.content).with_context(|| part.display().to_string())?;
    }
    out.sync_all().with_context(|| part.display().to_string())?;
    fs::rename(&part, file).with_context(|| file.display().to_string())?;
    println!("{}: {size} bytes. Without the passphrase nobody can read it, you neither.", file.display());
    Ok(())
}

async fn restore(
    session: &Session,
    file: &Path,
    passphrase_file: Option<&Path>,
    replace: bool,
    json: bool,
) -> anyhow::Result<()> {
    let mut content = fs::File::open(file).with_context(|| file.display().to_string())?;
    let passphrase = passphrase(passphrase_file)?;
    let mut pieces = vec![pb::RestoreBackupRequest { passphrase, replace, content: vec![] }];
    loop {
        let mut piece = vec![0; PIECE];
        let read = content.read(&mut piece).with_context(|| file.display().to_string())?;
        if read == 0 {
            break;
        }
        piece.truncate(read);
        pieces.push(pb::RestoreBackupRequest { content: piece, ..pb::RestoreBackupRequest::default() });
    }
    let restored = session.moving().restore_backup(futures::stream::iter(pieces)).await?.into_inner();
    if json {
        return output::print_json("aerie.pipeline.v1.RestoreBackupResponse", &restored);
    }
    for table in restored.tables.iter().filter(|table| table.rows > 0) {
        println!("{:>8} {}", table.rows, table.table);
    }
    Ok(())
}

/// The passphrase: from a file, from the environment, or typed.
fn passphrase(file: Option<&Path>) -> anyhow::Result<String> {
    if let Some(file) = file {
        return Ok(read_text(file)?.trim_end_matches(['\n', '\r']).to_owned());
    }
    if let Ok(passphrase) = env::var("AERIE_BACKUP_PASSPHRASE") {
        return Ok(passphrase);
    }
    anyhow::ensure!(
        std::io::stdin().is_terminal(),
        "there is nobody to ask for the passphrase: use --passphrase-file or AERIE_BACKUP_PASSPHRASE"
    );
    rpassword::prompt_password("Passphrase: ").context("the passphrase was not read")
}

/// Takes over what is in Peregrine's folder.
pub async fn peregrine(cli: &Cli, folder: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let (files, too_large) = files_of(folder)?;
    anyhow::ensure!(!files.is_empty(), "{} holds no YAML file and no staging.db", folder.display());
    let session = Session::open(cli).await?;
    let imported = session.moving().import_peregrine(pb::ImportPeregrineRequest { files }).await;
    session.close().await;
    let mut imported = imported?.into_inner();
    imported.reports.extend(too_large.into_iter().map(|name| pb::ForeignFileReport {
        name,
        taken: vec![],
        left: vec![format!("it is larger than {} MiB", MOST_FILE >> 20)],
    }));
    if json {
        output::print_json("aerie.pipeline.v1.ImportPeregrineResponse", &imported)?;
        return Ok(ExitCode::SUCCESS);
    }
    for report in &imported.reports {
        println!("{}", report.name);
        report.taken.iter().for_each(|words| println!("  + {words}"));
        report.left.iter().for_each(|words| println!("  - {words}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// The files that may matter, of the folder itself, its `config`, and its `data`; and the names of those that are too large.
fn files_of(folder: &Path) -> anyhow::Result<(Vec<pb::ForeignFile>, Vec<String>)> {
    let (mut files, mut too_large) = (Vec::<pb::ForeignFile>::new(), Vec::new());
    for folder in [folder.to_owned(), folder.join("config"), folder.join("data")] {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.with_context(|| folder.display().to_string())?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let matters = name == "staging.db" || name.ends_with(".yaml");
            if !matters || !path.is_file() || files.iter().any(|file| file.name == name) {
                continue;
            }
            if fs::metadata(&path).with_context(|| path.display().to_string())?.len() > MOST_FILE {
                too_large.push(name);
                continue;
            }
            let content = fs::read(&path).with_context(|| path.display().to_string())?;
            files.push(pb::ForeignFile { name, content });
        }
    }
    Ok((files, too_large))
}
