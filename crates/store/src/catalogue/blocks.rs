//! Where a posting is found by likeness: its rows of posting_dedupe, posting_block and posting_band.

use std::collections::HashMap;

use uuid::Uuid;

use super::lookup::{Located, bytes_of, dedupe_rows, numbers_of, numbers_of_bytes};
use crate::{
    StoreError, Tx, Value,
    batch::{execute_in, fetch_in},
};

/// Postings read in one statement.
const ROWS_PER_STATEMENT: usize = 256;

/// By what a posting is found when another is compared with everything alike.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Blocks {
    /// Postings of one home lie together; the upper half of each of `blocks`.
    pub home: i64,
    /// Postings that share none are never compared, unless they share a band.
    pub blocks: Vec<i64>,
    /// Bands of the text's fingerprint.
    pub bands: Vec<i64>,
    /// The fingerprint, read together with each band.
    pub fingerprint: i64,
}

impl Blocks {
    /// In the order of the trees, each once.
    fn tidy(mut self) -> Self {
        for list in [&mut self.blocks, &mut self.bands] {
            list.sort_unstable();
            list.dedup();
        }
        self
    }
}

/// What the comparison needs of a posting.
#[derive(Debug, Clone)]
pub struct DedupeForm {
    /// Where it is found.
    pub blocks: Blocks,
    /// What is compared.
    pub features: Vec<u8>,
}

/// The rows of many postings, one list for each table.
#[derive(Default)]
pub(super) struct DedupeRows {
    forms: Vec<(Located, Uuid, DedupeForm)>,
}

impl DedupeRows {
    pub(super) fn add(&mut self, number: i64, id: Uuid, mut form: DedupeForm) {
        form.blocks = form.blocks.tidy();
        self.forms.push((Located { home: form.blocks.home, number }, id, form));
    }

    /// Inserts rows of postings that have none. Every tree is in the order of a hash: sorted rows touch each of their
    /// pages once.
    pub(super) async fn insert(mut self, tx: &mut Tx) -> Result<(), StoreError> {
        self.forms.sort_unstable_by_key(|(located, ..)| *located);
        let mut blocks: Vec<(i64, i64)> = Vec::new();
        let mut bands: Vec<(i64, i64, i64, i64)> = Vec::new();
        for (located, _, form) in &self.forms {
            blocks.extend(form.blocks.blocks.iter().map(|block| (*block, located.number)));
            let band = |band: &i64| (*band, located.number, form.blocks.fingerprint, located.home);
            bands.extend(form.blocks.bands.iter().map(band));
        }
        let row = |(located, id, form): (Located, Uuid, DedupeForm)| {
            vec![
                located.home.into(),
                located.number.into(),
                id.into(),
                form.features.into(),
                bytes_of(&form.blocks.blocks).into(),
                bytes_of(&form.blocks.bands).into(),
                form.blocks.fingerprint.into(),
            ]
        };
        let rows = self.forms.into_iter().map(row).collect();
        let head = "insert into posting_dedupe (home, posting, posting_id, features, blocks, bands, fingerprint)";
        tx.insert_many(head, "", rows).await?;
        blocks.sort_unstable();
        let rows = blocks.into_iter().map(|(block, number)| vec![block.into(), number.into()]).collect();
        tx.insert_many("insert into posting_block (block, posting)", "", rows).await?;
        bands.sort_unstable();
        let row = |(band, number, fingerprint, home): (i64, i64, i64, i64)| {
            vec![band.into(), number.into(), fingerprint.into(), home.into()]
        };
        let rows = bands.into_iter().map(row).collect();
        tx.insert_many("insert into posting_band (band, posting, fingerprint, home)", "", rows).await?;
        Ok(())
    }

    /// Replaces the rows of postings. Most changes leave a posting where it is found: then only its features are written.
    pub(super) async fn replace(self, tx: &mut Tx) -> Result<(), StoreError> {
        let numbers = self.forms.iter().map(|(located, ..)| located.number).collect();
        let known = stored_blocks(tx, numbers).await?;
        let (mut same, mut moved) = (Vec::new(), Self::default());
        for (located, id, form) in self.forms {
            match known.get(&located.number) {
                Some(blocks) if *blocks == form.blocks => {
                    same.push(vec![located.home.into(), located.number.into(), form.features.into()]);
                }
                before => {
                    if let Some(before) = before {
                        remove(tx, located.number, before).await?;
                    }
                    moved.forms.push((located, id, form));
                }
            }
        }
        tx.insert_many(
            "update posting_dedupe set features = new.column3 from (",
            ") as new where posting_dedupe.home = new.column1 and posting_dedupe.posting = new.column2",
            same,
        )
        .await?;
        let homes = moved.forms.iter().map(|(located, ..)| vec![located.number.into(), located.home.into()]).collect();
        set_homes(tx, homes).await?;
        moved.insert(tx).await
    }
}

async fn set_homes(tx: &mut Tx, rows: Vec<Vec<Value>>) -> Result<(), StoreError> {
    tx.insert_many("update posting set home = new.column2 from (", ") as new where posting.number = new.column1", rows)
        .await?;
    Ok(())
}

/// What is stored of these postings, by number. Those that are not prepared are absent.
async fn stored_blocks(tx: &mut Tx, numbers: Vec<i64>) -> Result<HashMap<i64, Blocks>, StoreError> {
    let mut places: Vec<(i64, i64)> = Vec::new();
    let before = "select number, home from posting where home is not null and number in (";
    fetch_in(tx, before, ")", numbers.into_iter().map(Value::from), |row| {
        places.push((row.int("home")?, row.int("number")?));
        Ok(())
    })
    .await?;
    places.sort_unstable();
    places.dedup();
    let mut found = HashMap::with_capacity(places.len());
    for chunk in places.chunks(ROWS_PER_STATEMENT) {
        let sql = dedupe_rows(tx.engine(), "blocks, bands, fingerprint", chunk.len());
        let values = chunk.iter().flat_map(|(home, number)| [*home, *number]).map(Value::from).collect();
        tx.fetch_each(sql, values, |row| {
            let blocks = Blocks {
                home: row.int("home")?,
                blocks: numbers_of_bytes(row.borrowed_bytes("blocks")?),
                bands: numbers_of_bytes(row.borrowed_bytes("bands")?),
                fingerprint: row.int("fingerprint")?,
            };
            found.insert(row.int("posting")?, blocks);
            Ok(())
        })
        .await?;
    }
    Ok(found)
}

async fn remove(tx: &mut Tx, number: i64, blocks: &Blocks) -> Result<(), StoreError> {
    let rows = [("posting_dedupe", "home", std::slice::from_ref(&blocks.home))];
    let rows = rows.into_iter().chain([
        ("posting_block", "block", blocks.blocks.as_slice()),
        ("posting_band", "band", blocks.bands.as_slice()),
    ]);
    for (table, column, keys) in rows {
        for key in keys {
            let sql = format!("delete from {table} where {column} = $1 and posting = $2");
            tx.execute(sql, vec![(*key).into(), number.into()]).await?;
        }
    }
    Ok(())
}

/// Up to `limit` postings that came before the present form and are not found by likeness yet.
pub async fn unprepared(tx: &mut Tx, limit: i64) -> Result<Vec<Uuid>, StoreError> {
    let sql = "select id from posting_unprepared join posting on posting.number = posting_unprepared.posting \
               order by posting_unprepared.posting limit $1";
    let mut ids = Vec::new();
    tx.fetch_each(sql, vec![limit.into()], |row| {
        ids.push(row.id("id")?);
        Ok(())
    })
    .await?;
    Ok(ids)
}

/// Makes postings that [`unprepared`] named findable.
pub async fn set_dedupe_forms(tx: &mut Tx, forms: Vec<(Uuid, DedupeForm)>) -> Result<(), StoreError> {
    let numbers = numbers_of(tx, forms.iter().map(|(id, _)| *id).collect()).await?;
    let mut rows = DedupeRows::default();
    for (id, form) in forms {
        if let Some(number) = numbers.get(&id) {
            rows.add(*number, id, form);
        }
    }
    rows.replace(tx).await?;
    let numbers = numbers.into_values().map(Value::from);
    execute_in(tx, "delete from posting_unprepared where posting in (", ")", vec![], numbers).await?;
    Ok(())
}
