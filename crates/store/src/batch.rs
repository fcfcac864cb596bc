//! Looking up many keys with few statements, whose texts repeat so that they stay prepared.

use crate::{Row, StoreError, Tx, Value};

/// Sizes of an `in (…)` list. A shorter rest is filled up by repeating its last key.
const SIZES: [usize; 4] = [1, 8, 64, 512];

/// Runs `before` + `$1, $2, …` + `after` for chunks of `keys` and hands every row to `each`. `after` starts with the
/// closing bracket.
pub(crate) async fn fetch_in(
    tx: &mut Tx,
    before: &str,
    after: &str,
    keys: impl IntoIterator<Item = Value>,
    mut each: impl FnMut(Row) -> Result<(), StoreError> + Send,
) -> Result<(), StoreError> {
    for (placeholders, values) in chunks(keys) {
        tx.fetch_each(format!("{before}{placeholders}{after}"), values, &mut each).await?;
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
    for (placeholders, values) in chunks_after(first.len(), keys) {
        let values = first.iter().cloned().chain(values).collect();
        changed += tx.execute(format!("{before}{placeholders}{after}"), values).await?;
    }
    Ok(changed)
}

fn chunks(keys: impl IntoIterator<Item = Value>) -> impl Iterator<Item = (String, Vec<Value>)> {
    chunks_after(0, keys)
}

fn chunks_after(first: usize, keys: impl IntoIterator<Item = Value>) -> impl Iterator<Item = (String, Vec<Value>)> {
    let largest = SIZES[SIZES.len() - 1];
    let mut keys = keys.into_iter();
    std::iter::from_fn(move || {
        let mut values: Vec<Value> = keys.by_ref().take(largest).collect();
        let last = values.last()?.clone();
        let size = SIZES.into_iter().find(|size| *size >= values.len()).unwrap_or(largest);
        values.resize(size, last);
        let placeholders = (first + 1..=first + size).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ");
        Some((placeholders, values))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_have_few_lengths_and_repeat_their_last_key() {
        let lengths: Vec<usize> = chunks((0..523i64).map(Value::from)).map(|(_, values)| values.len()).collect();
        assert_eq!(lengths, [512, 64]);
        let Some((placeholders, values)) = chunks([Value::from(7i64), Value::from(9i64)]).next() else { return };
        assert_eq!(placeholders, "$1, $2, $3, $4, $5, $6, $7, $8");
        assert_eq!(values.last(), Some(&Value::from(9i64)));
        assert_eq!(chunks([]).count(), 0);
    }
}
