//! Words about work that more than the résumé reader asks for.

pub(crate) use crate::resume::{is_language, is_month_name as is_month, title_score};
