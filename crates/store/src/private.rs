//! Private texts, sealed in PostgreSQL with a key of the person.
//!
//! An embedded store is encrypted as a whole. On PostgreSQL everybody's rows lie in the same files, backups and logs of
//! the server, so what people write and receive is sealed here before it leaves the process: ChaCha20-Poly1305 (RFC 8439)
//! with the person's key, and with the name of the column bound to it, so that it opens in no other place. Rows of before
//! stay readable and are sealed when they are written next, or all at once by `aerie migrate`.
//!
//! What is sealed cannot be searched, compared or sorted by the server; [`PRIVATE`] names no column that is.

use std::{fmt, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD as BASE64};
use ring::{
    aead::{Aad, LessSafeKey, NONCE_LEN, Nonce},
    rand::{SecureRandom, SystemRandom},
};

use crate::{Database, Engine, PersonId, Scope, ServerSecret, StoreError, Value, sealing::key};

/// Begins what is sealed. No text that a person writes begins with a control character.
const MARK: &str = "\u{1}aerie1:";

/// Every column whose texts are sealed, by table.
pub(crate) const PRIVATE: [(&str, &[&str]); 15] = [
    ("appointment", &["location", "notes"]),
    ("contact", &["email", "phone", "notes"]),
    ("job_content", &["notes"]),
    ("mail", &["subject", "from_name", "from_address", "recipients", "body", "evidence", "event", "postings"]),
    ("mail_draft", &["wish", "subject", "body"]),
    ("mail_suggestion", &["event"]),
    ("material", &["document"]),
    ("material_version", &["document", "note"]),
    ("profile", &["document"]),
    ("reminder", &["text"]),
    ("resume", &["source_text", "document"]),
    ("survey", &["questions", "answers"]),
    ("task", &["payload", "result", "draft"]),
    ("task_step", &["result"]),
    ("writing", &["document"]),
];

/// Most rows that are sealed in one transaction.
const AT_ONCE: usize = 200;

/// Whether a column, as `table.column`, is sealed.
pub(crate) fn is_private(column: &str) -> bool {
    column.split_once('.').is_some_and(|(table, column)| {
        PRIVATE.iter().any(|(sealed, columns)| *sealed == table && columns.contains(&column))
    })
}

/// Seals and opens texts of one person.
pub(crate) struct Sealer {
    key: LessSafeKey,
    secret: PathBuf,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Sealer").field("secret", &self.secret).finish_non_exhaustive()
    }
}

impl Sealer {
    pub(crate) fn new(secret: &ServerSecret, person: PersonId) -> Result<Self, StoreError> {
        Ok(Self { key: key(secret, person)?, secret: secret.path().to_owned() })
    }

    /// Seals a text for a column, given as `table.column`. An empty text says nothing and stays as it is.
    pub(crate) fn seal(&self, column: &str, text: &str) -> Result<String, StoreError> {
        if text.is_empty() {
            return Ok(String::new());
        }
        let failed = || StoreError::BadSecret { path: self.secret.clone(), reason: "nothing can be sealed".into() };
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_| failed())?;
        // PostgreSQL keeps no U+0000 in a text, and the engines are to stay alike.
        let mut sealed: Vec<u8> = text.bytes().filter(|byte| *byte != 0).collect();
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(column.as_bytes()), &mut sealed)
            .map_err(|_| failed())?;
        Ok(format!("{MARK}{}", BASE64.encode([nonce.as_slice(), &sealed].concat())))
    }

    /// Opens a text of a column; one that was never sealed is returned as it is.
    pub(crate) fn open(&self, column: &str, text: String) -> Result<String, StoreError> {
        let Some(sealed) = text.strip_prefix(MARK) else { return Ok(text) };
        let failed = || StoreError::Sealed { what: format!("column {column}"), secret: self.secret.clone() };
        let sealed = BASE64.decode(sealed).map_err(|_| failed())?;
        let (nonce, content) = sealed.split_at_checked(NONCE_LEN).ok_or_else(failed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| failed())?;
        let mut content = content.to_vec();
        let plain = self.key.open_in_place(nonce, Aad::from(column.as_bytes()), &mut content).map_err(|_| failed())?;
        String::from_utf8(plain.to_vec()).map_err(|_| failed())
    }
}

/// Opens a text where it is known whose it is; what is sealed must not pass for a text elsewhere.
pub(crate) fn open(sealer: Option<&Sealer>, column: &str, text: String) -> Result<String, StoreError> {
    match sealer {
        Some(sealer) => sealer.open(column, text),
        None if text.starts_with(MARK) => Err(StoreError::Decode {
            column: column.to_owned(),
            detail: "is sealed, and only the store of its person opens it".to_owned(),
        }),
        None => Ok(text),
    }
}

/// Seals what a person's rows on PostgreSQL still hold in the clear; returns how many texts that were. It may be stopped
/// at any time and goes on where it was.
///
/// # Errors
/// When the store fails.
pub async fn seal_existing(database: &Database) -> Result<u64, StoreError> {
    if database.engine() == Engine::Sqlite || !matches!(database.scope(), Scope::Person(_)) {
        return Ok(0);
    }
    let mut sealed = 0;
    for (table, columns) in PRIVATE {
        for column in columns {
            loop {
                let done = seal_some(database, table, column).await?;
                sealed += done;
                if done < AT_ONCE as u64 {
                    break;
                }
            }
        }
    }
    Ok(sealed)
}

async fn seal_some(database: &Database, table: &str, column: &str) -> Result<u64, StoreError> {
    let mut tx = database.begin().await?;
    // A row that somebody else is writing is left to them: they seal it.
    let found = tx
        .fetch_all(
            format!(
                "select ctid::text as place, {column} from {table} \
                 where {column} <> '' and left({column}, {}) <> $1 limit {AT_ONCE} for update skip locked",
                MARK.len()
            ),
            vec![MARK.into()],
        )
        .await?;
    for row in &found {
        let text = tx.private(&format!("{table}.{column}"), &row.text(column)?)?;
        let sql = format!("update {table} set {column} = $2 where ctid = $1::text::tid");
        tx.execute(sql, vec![row.text("place")?.into(), text]).await?;
    }
    tx.commit().await?;
    Ok(found.len() as u64)
}

/// A text or null.
pub(crate) fn optional(sealer: Option<&Sealer>, column: &str, text: Option<&str>) -> Result<Value, StoreError> {
    let sealed = match (sealer, text) {
        (Some(sealer), Some(text)) => Some(sealer.seal(column, text)?),
        (None, Some(text)) => Some(text.to_owned()),
        (_, None) => None,
    };
    Ok(sealed.into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn sealer(person: Uuid) -> Sealer {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "5".repeat(64)).unwrap();
        Sealer::new(&ServerSecret::load_or_create(&path, folder.path(), false).unwrap(), person).unwrap()
    }

    #[test]
    fn a_text_opens_in_its_column_for_its_person_only() {
        let (mine, yours) = (sealer(Uuid::from_u128(1)), sealer(Uuid::from_u128(2)));
        let sealed = mine.seal("mail.body", "we are glad to").unwrap();
        assert!(sealed.starts_with(MARK) && !sealed.contains("glad"));
        assert_ne!(sealed, mine.seal("mail.body", "we are glad to").unwrap(), "the same text must not look the same");
        assert_eq!(mine.open("mail.body", sealed.clone()).unwrap(), "we are glad to");
        assert!(mine.open("mail.subject", sealed.clone()).is_err());
        assert!(yours.open("mail.body", sealed.clone()).is_err());
        assert!(open(None, "mail.body", sealed.clone()).is_err());
        for end in 0..sealed.len() {
            let cut = sealed.get(..end).unwrap_or_default().to_owned();
            if cut.starts_with(MARK) {
                assert!(mine.open("mail.body", cut).is_err());
            }
        }
    }

    #[test]
    fn what_was_never_sealed_stays_readable() {
        let sealer = sealer(Uuid::from_u128(1));
        assert_eq!(sealer.open("mail.body", "from before".to_owned()).unwrap(), "from before");
        assert_eq!(sealer.seal("mail.body", "").unwrap(), "");
    }

    proptest! {
        #[test]
        fn every_text_comes_back(text in ".*") {
            let sealer = sealer(Uuid::from_u128(7));
            let sealed = sealer.seal("task.result", &text).unwrap();
            prop_assert_eq!(sealer.open("task.result", sealed).unwrap(), text.replace('\0', ""));
        }

        #[test]
        fn hostile_rows_are_an_error_and_no_more(text in ".*") {
            let sealer = sealer(Uuid::from_u128(7));
            let row = format!("{MARK}{text}");
            prop_assert!(sealer.open("task.result", row).is_err());
        }
    }
}
