//! Every number of the score, in one place.
//!
//! How they were chosen. The form of the lexical and the embedding part, and the damping inside both, were compared in a
//! sketch against scores that recruiters gave to real résumés (19 jobs, 178 pairs, rank correlation job by job) and taken
//! where the result is flat: neighbours within a factor of two differ by less than the spread between jobs, so the
//! numbers are round. The same data chose and measured them, so what it shows is optimistic. Counting skills harder than
//! a fifth lowered the correlation; they keep their weight because they are what a person can check. The other parts have
//! no public measurements: they are set so that each alone can move a posting by about a tenth of the scale and none can
//! lift a posting that has nothing in common with the profile.

/// Words in common.
pub const LEXICAL: f32 = 0.34;
/// Skills in common.
pub const SKILLS: f32 = 0.18;
/// Wanted titles against the posting's.
pub const TITLE: f32 = 0.20;
/// Level against level.
pub const SENIORITY: f32 = 0.08;
/// Place and remote work.
pub const PLACE: f32 = 0.10;
/// Pay against the wish.
pub const PAY: f32 = 0.05;
/// Age of the posting.
pub const RECENCY: f32 = 0.05;
/// Likeness of meaning, when a model is present.
pub const EMBEDDING: f32 = 0.17;
/// What the person's decisions taught, at full confidence; damped by [`crate::learning`].
pub const LEARNED: f32 = 0.60;

/// Value of a part that the posting says nothing about.
pub const NEUTRAL: f32 = 0.5;

/// Raw lexical likeness that counts as half of the scale.
pub const LEXICAL_HALF: f32 = 0.5;
/// Weight of terms, in units of rarity, that a posting is assumed to have besides its own: keeps a bare title from
/// looking like a perfect or a hopeless match.
pub const LEXICAL_PRIOR: f32 = 6.0;
/// Likeness assumed for those terms.
pub const LEXICAL_PRIOR_VALUE: f32 = 0.35;
/// Skills a posting is assumed to ask for besides those it names.
pub const SKILLS_PRIOR: f32 = 2.0;
/// Weight of a skill the posting calls an advantage, against 1 for a required one.
pub const NICE_TO_HAVE: f32 = 0.5;

/// Days after which a posting counts half as fresh.
pub const RECENCY_HALF_LIFE_DAYS: f32 = 14.0;

/// Cosine that counts as a full likeness of meaning; MiniLM-class models rarely go above for texts of unlike form.
pub const EMBEDDING_FULL: f32 = 0.8;
/// Chunks of the profile, best first, whose likeness is averaged. The single best chunk is a trap: one stray sentence wins.
pub const EMBEDDING_CHUNKS: usize = 5;

/// Half-width of the score's uncertainty, in points, by how much text it rests on: title only, snippet, full text.
pub const UNCERTAINTY: [f32; 3] = [25.0, 15.0, 7.0];
/// Points of uncertainty for each part whose input the posting lacks.
pub const UNCERTAINTY_PER_UNKNOWN: f32 = 1.5;
