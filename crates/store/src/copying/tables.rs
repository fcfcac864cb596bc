//! Which tables there are, in which order they are copied, and what their columns hold.

use std::collections::{BTreeMap, BTreeSet};

use super::CopyError;
use crate::{Database, Row, StoreError, Tx, Value, private::is_private};

/// Tables that say something about one database only, and the keys and sessions that were given out by one installation:
/// people make new ones.
const OF_THE_SERVER: [&str; 7] =
    ["api_key", "event_outbox", "installation", "schema_version", "store_move", "store_move_table", "web_session"];
/// Tables that only an embedded store has: the full-text index with what it keeps, and the record of migrations; and, again,
/// its keys and sessions.
const OF_THE_FILE: [&str; 4] = ["api_key", "job_text", "schema_version", "web_session"];

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Int,
    Float,
    Text,
    Bytes,
    Id,
    Time,
}

/// A table of the server.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: String,
    /// Whether its rows belong to people.
    pub(super) is_owned: bool,
    pub(super) of_columns: Vec<(String, Kind)>,
    /// Tables that its rows point to.
    points_to: BTreeSet<String>,
}

impl Table {
    /// The columns as a list.
    pub(super) fn columns(&self) -> String {
        self.of_columns.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Reads every row.
    pub(super) fn select(&self) -> String {
        format!("select {} from {}", self.columns(), self.name)
    }

    /// Reads every row in an order in which it can be written.
    pub(super) fn select_source(&self) -> String {
        if self.name != "task" {
            return self.select();
        }
        // A task comes after the one that it belongs to.
        format!(
            "with recursive tree (tree_id, depth) as (select id, 0 from task where parent_id is null union all \
             select task.id, tree.depth + 1 from task join tree on task.parent_id = tree.tree_id) \
             select {} from task join tree on tree.tree_id = task.id order by tree.depth",
            self.columns()
        )
    }

    /// A row's values as they are written to the server; private texts are sealed.
    pub(super) fn values(&self, row: &Row, to: &Tx) -> Result<Vec<Value>, StoreError> {
        let value = |(name, kind): &(String, Kind)| {
            let column = format!("{}.{name}", self.name);
            match value(row, name, *kind)? {
                Value::Text(text) if is_private(&column) => to.optional_private(&column, text.as_deref()),
                other => Ok(other),
            }
        };
        self.of_columns.iter().map(value).collect()
    }
}

/// A column's value, the same from either engine.
pub(super) fn value(row: &Row, name: &str, kind: Kind) -> Result<Value, StoreError> {
    Ok(match kind {
        Kind::Bool => row.optional_bool(name)?.into(),
        Kind::Int => row.optional_int(name)?.into(),
        Kind::Float => row.optional_float(name)?.into(),
        Kind::Text => row.optional_text(name)?.into(),
        Kind::Bytes => row.optional_bytes(name)?.into(),
        Kind::Id => row.optional_id(name)?.into(),
        Kind::Time => row.optional_time(name)?.into(),
    })
}

/// Every table of a server that is copied, those that others point to first.
pub(super) async fn of_server(platform: &Database) -> Result<Vec<Table>, CopyError> {
    let mut tx = platform.read().await?;
    let columns = tx
        .fetch_all(
            "select relname::text as relation, attname::text as name, typname::text as kind, attgenerated <> '' as made \
             from pg_class join pg_attribute on attrelid = pg_class.oid join pg_type on pg_type.oid = atttypid \
             where relkind = 'r' and relnamespace = current_schema()::regnamespace and attnum > 0 and not attisdropped \
             order by relname, attnum",
            vec![],
        )
        .await?;
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    for row in columns {
        let (relation, name) = (row.text("relation")?, row.text("name")?);
        if OF_THE_SERVER.contains(&relation.as_str()) {
            continue;
        }
        let table = tables.entry(relation.clone()).or_insert_with(|| Table {
            name: relation.clone(),
            is_owned: false,
            of_columns: vec![],
            points_to: BTreeSet::new(),
        });
        if name == "tenant_id" {
            table.is_owned = true;
        } else if !row.bool("made")? {
            let kind = kind_of(&row.text("kind")?)
                .map_err(|detail| CopyError::Schema { table: relation, detail: format!("column {name}: {detail}") })?;
            table.of_columns.push((name, kind));
        }
    }
    let pointers = tx
        .fetch_all(
            "select conrelid::regclass::text as relation, confrelid::regclass::text as other from pg_constraint \
             where contype = 'f' and conrelid <> confrelid and connamespace = current_schema()::regnamespace",
            vec![],
        )
        .await?;
    tx.rollback().await?;
    for row in pointers {
        if let Some(table) = tables.get_mut(&row.text("relation")?) {
            table.points_to.insert(row.text("other")?);
        }
    }
    in_order(tables)
}

fn kind_of(name: &str) -> Result<Kind, String> {
    Ok(match name {
        "bool" => Kind::Bool,
        "int8" => Kind::Int,
        "float8" => Kind::Float,
        "text" => Kind::Text,
        "bytea" => Kind::Bytes,
        "uuid" => Kind::Id,
        "timestamptz" => Kind::Time,
        other => return Err(format!("its type {other} is not known")),
    })
}

fn in_order(mut tables: BTreeMap<String, Table>) -> Result<Vec<Table>, CopyError> {
    let mut ordered: Vec<Table> = Vec::with_capacity(tables.len());
    while !tables.is_empty() {
        let free = tables.values().find(|table| table.points_to.iter().all(|other| !tables.contains_key(other)));
        let free = free.map(|table| table.name.clone());
        match free.and_then(|name| tables.remove(&name)) {
            Some(table) => ordered.push(table),
            None => {
                let table = tables.into_keys().next().unwrap_or_default();
                return Err(CopyError::Schema { table, detail: "tables point to each other in a circle".to_owned() });
            }
        }
    }
    Ok(ordered)
}

/// Whether an embedded store has the same tables with the same columns.
pub(super) async fn check(from: &Database, tables: &[Table], is_owned: bool) -> Result<(), CopyError> {
    let mut tx = from.read().await?;
    let rows = tx
        .fetch_all(
            "select m.name as relation, c.name as name from sqlite_master m, pragma_table_info(m.name) c \
             where m.type = 'table' and m.name not like 'sqlite\\_%' escape '\\' \
             and m.name not like 'job\\_text\\_%' escape '\\'",
            vec![],
        )
        .await?;
    tx.rollback().await?;
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in rows {
        let (relation, name) = (row.text("relation")?, row.text("name")?);
        // A file belongs to one person; where it says so too, the server says it by itself.
        if name != "tenant_id" && !OF_THE_FILE.contains(&relation.as_str()) {
            found.entry(relation).or_default().insert(name);
        }
    }
    let wanted: BTreeMap<String, BTreeSet<String>> = tables
        .iter()
        .filter(|table| table.is_owned == is_owned)
        .map(|table| (table.name.clone(), table.of_columns.iter().map(|(name, _)| name.clone()).collect()))
        .collect();
    let names: BTreeSet<&String> = found.keys().chain(wanted.keys()).collect();
    for name in names {
        let (here, there) = (found.get(name), wanted.get(name));
        if here != there {
            let detail = format!("it has the columns {here:?} in the file and {there:?} on the server");
            return Err(CopyError::Schema { table: name.clone(), detail });
        }
    }
    Ok(())
}

/// Lets the server number new rows after the copied ones.
pub(super) async fn continue_numbers(platform: &Database) -> Result<(), CopyError> {
    let mut tx = platform.begin().await?;
    let last = tx.fetch_one("select coalesce(max(number), 0) as last from posting", vec![]).await?.int("last")?;
    tx.execute("select setval('posting_number', $1::bigint + 1, false)", vec![last.into()]).await?;
    let columns = tx
        .fetch_all(
            "select relname::text as relation, attname::text as name from pg_class \
             join pg_attribute on attrelid = pg_class.oid \
             where relkind = 'r' and relnamespace = current_schema()::regnamespace and attidentity <> ''",
            vec![],
        )
        .await?;
    for row in columns {
        let (relation, name) = (row.text("relation")?, row.text("name")?);
        // Numbers are counted over everybody, whom nobody sees at once: the copy knows how many rows it wrote, and
        // embedded stores number from 1 with gaps where rows went; so the highest of all is looked for person by person.
        let mut highest = 0;
        for person in crate::accounts::people(&mut tx).await? {
            let scope = format!("select set_config('aerie.tenant_id', '{}', true)", person.id);
            tx.fetch_all(scope, vec![]).await?;
            let sql = format!("select coalesce(max({name}), 0) as last from {relation}");
            highest = highest.max(tx.fetch_one(sql, vec![]).await?.int("last")?);
        }
        let sql = format!("select setval(pg_get_serial_sequence('{relation}', '{name}'), $1::bigint + 1, false)");
        tx.execute(sql, vec![highest.into()]).await?;
    }
    Ok(tx.commit().await?)
}
