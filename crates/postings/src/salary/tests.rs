#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;

fn shown(salary: Option<&Salary>) -> String {
    let Some(salary) = salary else { return "none".to_owned() };
    let end = |amount: Option<f64>| amount.map(|amount| amount.to_string()).unwrap_or_default();
    let currency = salary.currency.as_deref().unwrap_or("?");
    format!("{}..{} {currency} {:?}", end(salary.min), end(salary.max), salary.period)
}

#[test]
fn fields_in_words() {
    for (text, expected) in [
        ("$90k + 401k", "90000..90000 USD Year"),
        ("$35/hr", "35..35 USD Hour"),
        ("€60.000 – €80.000", "60000..80000 EUR Year"),
        ("£45,000 per annum", "45000..45000 GBP Year"),
        ("CHF 100'000", "100000..100000 CHF Year"),
        ("80-100k USD", "80000..100000 USD Year"),
        ("₹12 LPA", "1200000..1200000 INR Year"),
        ("₹12,00,000 - ₹18,00,000", "1200000..1800000 INR Year"),
        ("up to $150k", "..150000 USD Year"),
        ("from 4.000 € brutto/Monat", "4000.. EUR Month"),
        ("$100,000+", "100000.. USD Year"),
        ("0", "none"),
        ("$0 - $0", "none"),
        ("DOE", "none"),
        ("Competitive", "none"),
        ("$120,000 - $90,000", "90000..120000 USD Year"),
        ("$28.50 - $34.75 an hour", "28.5..34.75 USD Hour"),
        ("45-55k€", "45000..55000 EUR Year"),
        ("4 500 zł / miesiąc", "4500..4500 PLN Month"),
        ("USD 5,000 monthly", "5000..5000 USD Month"),
        ("$500 per day", "500..500 USD Day"),
        ("C$90,000 to C$110,000", "90000..110000 CAD Year"),
        ("R$ 8.500,00 por mês", "8500..8500 BRL Month"),
        ("600万円 - 900万円", "6000000..9000000 JPY Year"),
        ("50000", "50000..50000 ? Year"),
        ("Annual salary: $85,000", "85000..85000 USD Year"),
        ("between $50,000 and $60,000", "50000..60000 USD Year"),
        ("$1,2345", "none"),
        ("100%", "none"),
        ("", "none"),
    ] {
        assert_eq!(shown(parse_salary(text).as_ref()), expected, "{text}");
    }
}

#[test]
fn fields_in_numbers() {
    let raw = |min: f64, max: f64, currency: &str, period: &str| RawSalary {
        min: Some(min),
        max: Some(max),
        currency: Some(currency.to_owned()),
        period: Some(period.to_owned()),
        ..RawSalary::default()
    };
    for (raw, expected) in [
        (raw(90_000.0, 120_000.0, "USD", "per-year-salary"), "90000..120000 USD Year"),
        (raw(30.0, 40.0, "usd", "per-hour-wage"), "30..40 USD Hour"),
        (raw(0.0, 70_000.0, "EUR", "1 YEAR"), "..70000 EUR Year"),
        (raw(0.0, 0.0, "EUR", ""), "none"),
        (raw(120.0, 90.0, "$", ""), "90..120 USD Hour"),
        (raw(f64::NAN, -5.0, "$", ""), "none"),
        (raw(50_000.0, 60_000.0, "USD", "PA"), "50000..60000 USD Year"),
        (raw(50_000.0, 9e12, "USD", "YEARLY"), "50000.. USD Year"),
        (raw(400_000.0, 600_000.0, "JPY", ""), "400000..600000 JPY Month"),
    ] {
        assert_eq!(shown(read_salary(&raw).as_ref()), expected, "{raw:?}");
    }
}

#[test]
fn yearly_figures() {
    let salary = |text: &str| parse_salary(text).unwrap();
    assert_eq!(annual(&salary("$35/hr")), Some((72_800.0, 72_800.0)));
    assert_eq!(annual(&salary("up to $150k")), Some((150_000.0, 150_000.0)));
    assert_eq!(annual(&salary("4.000 € pro Monat")), Some((48_000.0, 48_000.0)));
}

#[test]
fn pay_in_descriptions() {
    let mut wrong = Vec::new();
    for (text, expected) in [
        (
            "The base salary range for this role is $120,000 - $150,000 plus equity.",
            "120000..150000 USD Year $120,000 - $150,000",
        ),
        ("Pay: $25 per hour, 401k match of up to $5,000.", "25..25 USD Hour $25"),
        ("We reached $5M ARR and raised $20 million.", "none"),
        ("We are a $2B company with 401k plans.", "none"),
        ("You get a $500 bonus and a $1,000 learning stipend.", "none"),
        ("Compensation\n£45,000 – £55,000 per annum", "45000..55000 GBP Year £45,000 – £55,000"),
        ("Wir bieten ein Jahresgehalt von 60.000 € bis 70.000 €.", "60000..70000 EUR Year 60.000 € bis 70.000 €"),
        ("Base pay range in Canada:\n\n$137,000—$189,000 CAD", "137000..189000 CAD Year $137,000—$189,000 CAD"),
        ("Annual cash salary is CAD $146,250 - CAD $195,000.", "146250..195000 CAD Year CAD $146,250 - CAD $195,000"),
        (
            "Salary range (excluding bonus):\n$90,000 - $99,000 in the State of New York",
            "90000..99000 USD Year $90,000 - $99,000",
        ),
        ("Acme | Berlin | €60K-€85K | Remote", "60000..85000 EUR Year €60K-€85K"),
        ("Applicants in one state only\n\n$155,584—$320,320 USD", "155584..320320 USD Year $155,584—$320,320 USD"),
        ("Home setup: one-time USD $500 - Monthly meals", "none"),
        ("Salary Range: $135,000-165,000k", "135000..165000 USD Year $135,000-165,000k"),
        ("Manage a portfolio of $100,000 accounts.", "none"),
        ("Signing bonus of $10,000. Annual base pay: $85,000.", "85000..85000 USD Year $85,000"),
        ("No pay mentioned in 2026 for 10 people.", "none"),
    ] {
        let found = find_in_text(text);
        let shown = match &found {
            Some((salary, range)) => format!("{} {}", shown(Some(salary)), &text[range.clone()]),
            None => "none".to_owned(),
        };
        if shown != expected {
            wrong.push(format!("{text}: {shown}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

proptest! {
    #[test]
    fn pay_is_in_order_and_finite(text in "([$€£]|USD|k|K|/hr| per year|LPA|[0-9]{1,6}|[., '–-]|to |up to |salary |万){0,14}") {
        for salary in [parse_salary(&text), find_in_text(&text).map(|(salary, _)| salary)].into_iter().flatten() {
            let (low, high) = annual(&salary).unwrap();
            prop_assert!(low.is_finite() && low > 0.0 && low <= high);
        }
        if let Some((_, range)) = find_in_text(&text) {
            prop_assert!(text.get(range).is_some());
        }
    }

    #[test]
    fn any_input_is_survived(text in any::<String>(), min in any::<f64>(), max in any::<f64>()) {
        let _ = (parse_salary(&text), find_in_text(&text), pay_period(&text), currency_code(&text));
        let _ = read_salary(&RawSalary { text: Some(text), min: Some(min), max: Some(max), ..RawSalary::default() });
    }
}

#[test]
fn the_first_number_is_read_as_people_write_it() {
    let cases = [
        ("3.100 €", 3100.0),
        ("from 3,100", 3100.0),
        ("12,50 an hour", 12.5),
        ("65000.0", 65000.0),
        ("1 234,5", 1234.5),
    ];
    for (text, number) in cases {
        assert_eq!(first_number(text), Some(number), "{text}");
    }
    assert_eq!(first_number("by agreement"), None);
}
