//! Which postings are the same opening, and what one record says when two are.
//!
//! Three tiers, surest first:
//! 1. **Identity**: an id of a hiring system or a canonical address in common ([`aerie_postings::identity`]).
//! 2. **Merge**: company, title, place, date and text agree so well that the two are shown as one.
//! 3. **Possible**: likely the same; shown side by side to the person, who joins or splits for good ([`Decisions`]).
//!
//! A wrong merge loses an opening, a missed one costs a glance. So some differences forbid a merge whatever the score
//! is ([`Veto`]): cities that do not meet, other season, year, degree or grade, two ids of hiring systems, two entries of
//! one source. The score itself is a sum of hand-readable weights ([`comparison`]); [`rivals`] adds how clearly the pair
//! beats its alternatives, because a source hardly lists one opening twice.
//!
//! [`Features`] is the compact form of a posting to store beside it; [`blocking_keys`] finds candidates by indexed
//! lookup; [`assess`] judges a newcomer among its candidates; [`cluster`] does a whole batch; [`merge`] unites fields.

pub mod blocking;
pub mod cluster;
pub mod comparison;
pub mod decisions;
pub mod entity;
mod features;
mod linking;
mod merge;
mod places;
mod repost;
pub mod rivals;
mod title;
mod vocabulary;

pub use blocking::{Index, StoredBlocks, blocking_keys, choose_blocks};
pub use cluster::{Clusters, ScoredPair, cluster, score_pairs};
pub use comparison::{Comparison, Reason, Verdict, Veto, compare};
pub use decisions::Decisions;
pub use features::{Features, Listing};
pub use merge::{ChangedField, Merged, merge, merge_with_changes};
pub use places::PlaceForm;
pub use repost::is_repost;
pub use rivals::assess;
pub use title::TitleForm;

#[cfg(test)]
mod tests;
