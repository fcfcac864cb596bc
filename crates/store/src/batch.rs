//! Looking up many keys with few statements, whose texts repeat so that they stay prepared.

use crate::{Row, StoreError, Tx, Value, database::placeholders};

/// Sizes of an `in (…)` list. A shorter rest is filled up by repeating its last key.
const SIZES: [usize; 4] = [1, 8, 64, 512];

/// The same beside parameters that are used out of order, which SQLite must find by name.
const NAMED_SIZES: [usize; 3] = [1, 8, 64];

/// Runs `before` + a list of parameters + `after` for chunks of `keys` and hands every row to `each`. `after` starts
/// with the closing bracket; neither text has parameters of its own.
pub(crate) async fn fetch_in(
    tx: &mut Tx,
    before: &str,
    after: &str,
    keys: impl IntoIterator<Item = Value>,
    mut each: impl FnMut(Row) -> Result<(), StoreError> + Send,
) -> Result<(), StoreError> {
    for values in chunks(&SIZES, keys) {
        let list = placeholders(tx.engine(), 1, values.len());
        tx.fetch_each(format!("{before}{list}{after}"), values, &mut each).await?;
    }
    Ok(())
}

/// As [`fetch_in`] for a statement that changes rows; returns how many it changed. `first` are the values of `$1` and
/// up, the keys come after them.
pub(crate) async fn execute_in(
    tx: &mut Tx,
    before: &str,
    after: &str,
    first: Vec<Value>,
    keys: impl IntoIterator<Item = Value>,
) -> Result<u64, StoreError> {
    let mut changed = 0;
    for values in chunks(&NAMED_SIZES, keys) {
        let numbers = first.len() + 1..=first.len() + values.len();
        let list = numbers.map(|number| format!("${number}")).collect::<Vec<_>>().join(", ");
        let values = first.iter().cloned().chain(values).collect();
        changed += tx.execute(format!("{before}{list}{after}"), values).await?;
    }
    Ok(changed)
}

fn chunks(sizes: &'static [usize], keys: impl IntoIterator<Item = Value>) -> impl Iterator<Item = Vec<Value>> {
    let largest = sizes.last().copied().unwrap_or(1);
    let mut keys = keys.into_iter();
    std::iter::from_fn(move || {
        let mut values: Vec<Value> = keys.by_ref().take(largest).collect();
        let last = values.last()?.clone();
        let size = sizes.iter().copied().find(|size| *size >= values.len()).unwrap_or(largest);
        values.resize(size, last);
        Some(values)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_have_few_lengths_and_repeat_their_last_key() {
        let lengths: Vec<usize> = chunks(&SIZES, (0..523i64).map(Value::from)).map(|values| values.len()).collect();
        assert_eq!(lengths, [512, 64]);
        let values: Vec<Value> = chunks(&SIZES, [7i64, 9].map(Value::from)).flatten().collect();
        assert_eq!((values.len(), values.last()), (8, Some(&Value::from(9i64))));
        assert_eq!(chunks(&SIZES, []).count(), 0);
    }
}
