//! Airtable: one record of a table for each job, merged on Aerie's id by Airtable itself (`performUpsert`).

use async_trait::async_trait;
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::Url;

use aerie_config::Secret;

use crate::{
    Adapter, Delivered, Delivery, Effect, Field, FieldType, Integration, KindInfo, PushError, Style, Topic, Wire,
    settings::Problems,
    table::{COLUMNS, CellValue, ID, cells, job_of},
    wire::{Answer, below, known, said},
};

const SERVICE: &str = "Airtable";

/// An Airtable table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Airtable {
    token: Secret,
    base_id: String,
    table: String,
}

impl Adapter for Airtable {
    const INFO: KindInfo = KindInfo {
        name: "airtable",
        label: "Airtable",
        about: "Keeps a record for each job in a table of yours with the fields \"Aerie ID\", Title, Company, Status, \
                Link, Place, Salary, Source (texts) and Score (a number).",
        topics: &[Topic::Jobs],
        style: Style::Record,
        starts_on: true,
        fields: &[
            Field::secret(
                "token",
                FieldType::Text,
                "a personal access token (airtable.com/create/tokens) that may read and write data of the base",
            ),
            Field::required("base_id", FieldType::Text, "the part of the base's address that begins with \"app\""),
            Field::required("table", FieldType::Text, "name of the table, or its id that begins with \"tbl\""),
        ],
    };

    fn check(&self, problems: &mut Problems) {
        let plain = self.base_id.chars().all(|character| character.is_ascii_alphanumeric());
        let fits = plain && self.base_id.starts_with("app");
        problems.require(fits, "base_id", "does not begin with \"app\"; copy it from the base's address");
    }
}

#[derive(Deserialize)]
struct Upserted {
    records: Vec<Record>,
    #[serde(default, rename = "createdRecords")]
    created: Vec<String>,
}

#[derive(Deserialize)]
struct Record {
    id: String,
}

#[async_trait]
impl Integration for Airtable {
    async fn test(&self, wire: &Wire) -> Result<String, PushError> {
        let mut url = self.address()?;
        url.query_pairs_mut().append_pair("pageSize", "1").append_pair("fields[]", ID);
        let answer = wire.call(SERVICE, Method::GET, &url).bearer(self.token.reveal()).send().await?;
        explained(answer)?.json::<Value>()?;
        Ok(format!("the table {:?} is there and has the field {ID:?}", self.table))
    }

    async fn push(&self, wire: &Wire, delivery: &Delivery) -> Result<Delivered, PushError> {
        let job = job_of(&delivery.item)?;
        let mut fields = Map::from_iter([(ID.to_owned(), Value::from(job.id.to_string()))]);
        for (column, cell) in COLUMNS.into_iter().zip(cells(job)) {
            let value = match cell {
                CellValue::Text(text) => Value::from(text),
                CellValue::Number(number) => Value::from(number),
                CellValue::Empty => Value::Null,
            };
            fields.insert(column.to_owned(), value);
        }
        let body = json!({
            "performUpsert": { "fieldsToMergeOn": [ID] },
            // A choice that a field does not have yet is added.
            "typecast": true,
            "records": [{ "fields": fields }],
        });
        let call = wire.call(SERVICE, Method::PATCH, &self.address()?).bearer(self.token.reveal()).json(&body);
        let upserted: Upserted = explained(call.send().await?)?.json()?;
        let record = upserted.records.into_iter().next();
        let id = record.ok_or_else(|| PushError::refused("Airtable answered without the record"))?.id;
        let effect = if upserted.created.contains(&id) { Effect::Created } else { Effect::Updated };
        Ok(Delivered::new(effect, id))
    }
}

impl Airtable {
    fn address(&self) -> Result<Url, PushError> {
        Ok(below(&known("https://api.airtable.com/v0")?, &[&self.base_id, &self.table]))
    }
}

/// Names the setting or the field behind a refusal.
fn explained(answer: Answer) -> Result<Answer, PushError> {
    match answer.status {
        404 => {
            Err(PushError::setting("table", "Airtable has no such table in this base; compare both with its address"))
        }
        422 => Err(PushError::setting(
            "table",
            format!(
                "a field of the table is missing or of another type ({}); see the kind's description",
                said(&answer.body)
            ),
        )),
        _ => Ok(answer),
    }
}
