//! What a job posting is, and the pure functions that normalise and identify one.
//!
//! A source parser fills a [`RawPosting`] with what the format carries, as it stands. [`normalise`] turns that into a
//! [`Posting`]: clean text, typed places, money and dates. [`identity`] gives the keys by which the same posting is
//! recognised wherever it was seen. Nothing here does input or output, and nothing panics on any input.

pub mod company;
pub mod dates;
pub mod employment;
pub mod html;
pub mod identity;
pub mod normalise;
pub mod places;
mod posting;
mod raw;
pub mod salary;
pub mod seniority;
pub mod text;

pub use normalise::{Rejection, normalise};
pub use posting::{EmploymentType, PayPeriod, Place, Posting, RemoteKind, Salary, Seniority, TextExtent};
pub use raw::{RawDate, RawPlace, RawPosting, RawSalary};
