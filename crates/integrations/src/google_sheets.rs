//! Google Sheets (API v4): one row of a sheet for each job, found by Aerie's id in column A.
//!
//! Values are written raw, so that a title which begins with "=" stays a title.

use async_trait::async_trait;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use aerie_config::Secret;

use crate::{
    Adapter, Delivered, Delivery, Effect, Field, FieldType, Integration, Job, KindInfo, PushError, Style, Topic, Wire,
    google,
    settings::Problems,
    table::{COLUMNS, CellValue, ID, cells, job_of},
    wire::{Answer, below, known},
};

const SERVICE: &str = "Google Sheets";
const SCOPE: &str = "https://www.googleapis.com/auth/spreadsheets";

/// The last column: the id's and eight more.
const LAST: char = 'I';

/// A sheet of a spreadsheet.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GoogleSheets {
    spreadsheet_id: String,
    sheet: String,
    credentials: Secret,
}

impl Adapter for GoogleSheets {
    const INFO: KindInfo = KindInfo {
        name: "google_sheets",
        label: "Google Sheets",
        about: "Keeps a row for each job in a sheet of yours. An empty sheet gets its headings; share the spreadsheet \
                with the service account's mail address first.",
        topics: &[Topic::Jobs],
        style: Style::Record,
        starts_on: true,
        fields: &[
            Field::required(
                "spreadsheet_id",
                FieldType::Text,
                "the part of the spreadsheet's address between /d/ and /edit",
            ),
            Field::optional("sheet", FieldType::Text, "name of the sheet within the spreadsheet").or("Jobs"),
            Field::secret("credentials", FieldType::Document, google::ABOUT_KEY),
        ],
    };

    fn check(&self, problems: &mut Problems) {
        let plain = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
        let fits = self.spreadsheet_id.chars().all(plain);
        problems.require(fits, "spreadsheet_id", "is no id; copy what stands between /d/ and /edit in the address");
        google::check_key(&self.credentials, problems);
    }
}

#[derive(Deserialize)]
struct Spreadsheet {
    sheets: Vec<Sheet>,
}

#[derive(Deserialize)]
struct Sheet {
    properties: SheetProperties,
}

#[derive(Deserialize)]
struct SheetProperties {
    title: String,
}

#[derive(Deserialize)]
struct Values {
    #[serde(default)]
    values: Vec<Vec<Value>>,
}

#[derive(Deserialize)]
struct Appended {
    updates: Updates,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Updates {
    updated_range: String,
}

#[async_trait]
impl Integration for GoogleSheets {
    async fn test(&self, wire: &Wire) -> Result<String, PushError> {
        let token = google::token(wire, &self.credentials, SCOPE).await?;
        let mut url = self.address(&[])?;
        url.query_pairs_mut().append_pair("fields", "sheets.properties.title");
        let found: Spreadsheet = self.call(wire, &token, Method::GET, &url, None).await?.json()?;
        let titles: Vec<String> = found.sheets.into_iter().map(|sheet| sheet.properties.title).collect();
        if !titles.contains(&self.sheet) {
            return Err(PushError::setting(
                "sheet",
                format!("there is no {:?}; there are {}", self.sheet, titles.join(", ")),
            ));
        }
        Ok(format!("the sheet {:?} is there", self.sheet))
    }

    async fn push(&self, wire: &Wire, delivery: &Delivery) -> Result<Delivered, PushError> {
        let job = job_of(&delivery.item)?;
        let token = google::token(wire, &self.credentials, SCOPE).await?;
        let row = row(job);
        let ids = self.read(wire, &token, &self.range("A1:A")).await?;
        if ids.is_empty() {
            let heading: Vec<Value> = [ID].into_iter().chain(COLUMNS).map(Value::from).collect();
            self.write(wire, &token, &self.range(&format!("A1:{LAST}1")), &heading).await?;
        }
        let id = job.id.to_string();
        let place = ids.iter().position(|cells| cells.first().and_then(Value::as_str) == Some(id.as_str()));
        let Some(place) = place else {
            let mut url = self.address(&["values", &format!("{}:append", self.range(&format!("A:{LAST}")))])?;
            url.query_pairs_mut().append_pair("valueInputOption", "RAW").append_pair("insertDataOption", "INSERT_ROWS");
            let body = json!({ "majorDimension": "ROWS", "values": [row] });
            let answer = self.call(wire, &token, Method::POST, &url, Some(&body)).await?;
            return Ok(Delivered::new(Effect::Created, answer.json::<Appended>()?.updates.updated_range));
        };
        let range = self.range(&format!("A{0}:{LAST}{0}", place + 1));
        let found = self.read(wire, &token, &range).await?;
        if found.first().is_some_and(|found| same(found, &row)) {
            return Ok(Delivered::new(Effect::Unchanged, range));
        }
        self.write(wire, &token, &range, &row).await?;
        Ok(Delivered::new(Effect::Updated, range))
    }
}

impl GoogleSheets {
    /// A range in A1 notation, the sheet's name quoted.
    fn range(&self, cells: &str) -> String {
        format!("'{}'!{cells}", self.sheet.replace('\'', "''"))
    }

    fn address(&self, rest: &[&str]) -> Result<Url, PushError> {
        let base = known("https://sheets.googleapis.com/v4/spreadsheets")?;
        Ok(below(&below(&base, &[&self.spreadsheet_id]), rest))
    }

    async fn read(&self, wire: &Wire, token: &str, range: &str) -> Result<Vec<Vec<Value>>, PushError> {
        let mut url = self.address(&["values", range])?;
        url.query_pairs_mut()
            .append_pair("majorDimension", "ROWS")
            .append_pair("valueRenderOption", "UNFORMATTED_VALUE");
        Ok(self.call(wire, token, Method::GET, &url, None).await?.json::<Values>()?.values)
    }

    async fn write(&self, wire: &Wire, token: &str, range: &str, row: &[Value]) -> Result<(), PushError> {
        let mut url = self.address(&["values", range])?;
        url.query_pairs_mut().append_pair("valueInputOption", "RAW");
        let body = json!({ "range": range, "majorDimension": "ROWS", "values": [row] });
        self.call(wire, token, Method::PUT, &url, Some(&body)).await?.success().map(drop)
    }

    async fn call(
        &self,
        wire: &Wire,
        token: &str,
        method: Method,
        url: &Url,
        body: Option<&Value>,
    ) -> Result<Answer, PushError> {
        let call = wire.call(SERVICE, method, url).bearer(token);
        let answer = body.into_iter().fold(call, |call, body| call.json(body)).send().await?;
        match answer.status {
            403 => Err(PushError::Credentials {
                reason: "the service account may not write to the spreadsheet; share it with its mail address"
                    .to_owned(),
            }),
            404 => {
                Err(PushError::setting("spreadsheet_id", "Google has no such spreadsheet; compare it with its address"))
            }
            // A range that cannot be read is a sheet that is not there.
            400 => Err(PushError::setting(
                "sheet",
                format!("Google refuses it ({}); is there such a sheet?", said(&answer)),
            )),
            _ => Ok(answer),
        }
    }
}

fn said(answer: &Answer) -> String {
    crate::wire::said(&answer.body)
}

fn row(job: &Job) -> Vec<Value> {
    let value = |cell| match cell {
        CellValue::Text(text) => Value::from(text),
        CellValue::Number(number) => Value::from(number),
        CellValue::Empty => Value::from(""),
    };
    [Value::from(job.id.to_string())].into_iter().chain(cells(job).into_iter().map(value)).collect()
}

/// Whether a row says the same; Google leaves out empty cells at its end.
fn same(found: &[Value], wanted: &[Value]) -> bool {
    let empty = Value::from("");
    wanted.iter().enumerate().all(|(place, wanted)| {
        let found = found.get(place).unwrap_or(&empty);
        match (found.as_f64(), wanted.as_f64()) {
            (Some(found), Some(wanted)) => (found - wanted).abs() < 1e-9,
            _ => found == wanted,
        }
    })
}
