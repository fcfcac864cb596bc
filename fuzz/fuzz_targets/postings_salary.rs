//! Pay in fields and descriptions: finite, positive, in order, with evidence inside the text.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &str| {
    let field = aerie_postings::salary::parse_salary(data);
    let found = aerie_postings::salary::find_in_text(data);
    if let Some((_, range)) = &found {
        assert!(data.get(range.clone()).is_some());
    }
    for salary in field.into_iter().chain(found.map(|(salary, _)| salary)) {
        let (low, high) = aerie_postings::salary::annual(&salary).unwrap_or((1.0, 1.0));
        assert!(low > 0.0 && low <= high && high.is_finite());
    }
});
