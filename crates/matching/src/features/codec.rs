//! Features as bytes: a version, then every field in order, little-endian, lists with a one-byte length.

use aerie_postings::{RemoteKind, Seniority, TextExtent};

use super::{PlaceKey, PostedSkill, PostingFeatures, YearlyPay};
use crate::requirements::Demands;

/// Raised whenever the layout or the meaning of a field changes.
const VERSION: u8 = 1;

const LEVELS: [Seniority; 9] = [
    Seniority::Intern,
    Seniority::Junior,
    Seniority::Mid,
    Seniority::Senior,
    Seniority::Lead,
    Seniority::Manager,
    Seniority::Director,
    Seniority::VicePresident,
    Seniority::Executive,
];
const REMOTE: [RemoteKind; 4] = [RemoteKind::Unknown, RemoteKind::OnSite, RemoteKind::Hybrid, RemoteKind::Remote];
const EXTENTS: [TextExtent; 3] = [TextExtent::TitleOnly, TextExtent::Snippet, TextExtent::FullText];

/// Why stored features cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FeatureDecodeError {
    /// Written by another version.
    #[error("stored posting features have version {0}, expected {VERSION}; prepare the posting again")]
    Version(u8),
    /// Cut short, too long, or with a value out of range.
    #[error("stored posting features are damaged; prepare the posting again")]
    Damaged,
}

pub(super) fn encode(features: &PostingFeatures) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64 + features.term_hashes.len() * 5);
    bytes.push(VERSION);
    list(&mut bytes, &features.term_hashes, |bytes, term| bytes.extend(term.to_le_bytes()));
    bytes.extend_from_slice(features.term_counts.get(..features.term_hashes.len().min(255)).unwrap_or_default());
    list(&mut bytes, &features.skills, |bytes, skill| {
        bytes.extend(skill.id.to_le_bytes());
        bytes.push(u8::from(skill.required));
    });
    list(&mut bytes, &features.title_terms, |bytes, term| bytes.extend(term.to_le_bytes()));
    bytes.extend(features.title_role.unwrap_or(0).to_le_bytes());
    let level = features.seniority.and_then(|level| LEVELS.iter().position(|known| *known == level));
    bytes.push(level.map_or(u8::MAX, |level| level as u8));
    list(&mut bytes, &features.places, |bytes, place| {
        bytes.extend(place.city.to_le_bytes());
        bytes.extend(place.region.to_le_bytes());
        bytes.extend(place.country);
    });
    bytes.push(REMOTE.iter().position(|known| *known == features.remote).unwrap_or(0) as u8);
    list(&mut bytes, &features.scope, |bytes, country| bytes.extend(country));
    let pay = features.pay.unwrap_or(YearlyPay { min: -1.0, max: -1.0, currency: [0; 3] });
    bytes.extend(pay.min.to_le_bytes());
    bytes.extend(pay.max.to_le_bytes());
    bytes.extend(pay.currency);
    bytes.extend(features.posted.unwrap_or(i64::MIN).to_le_bytes());
    bytes.push(features.demands.bits());
    bytes.push(EXTENTS.iter().position(|known| *known == features.extent).unwrap_or(0) as u8);
    bytes
}

pub(super) fn decode(bytes: &[u8]) -> Result<PostingFeatures, FeatureDecodeError> {
    let mut reader = Reader { bytes };
    let version = reader.byte().ok_or(FeatureDecodeError::Damaged)?;
    if version != VERSION {
        return Err(FeatureDecodeError::Version(version));
    }
    let features = reader.features().ok_or(FeatureDecodeError::Damaged)?;
    if reader.bytes.is_empty() { Ok(features) } else { Err(FeatureDecodeError::Damaged) }
}

/// The hashes of the terms alone, without reading the rest.
pub(super) fn term_hashes(bytes: &[u8]) -> Result<impl Iterator<Item = u32> + '_, FeatureDecodeError> {
    let mut reader = Reader { bytes };
    let version = reader.byte().ok_or(FeatureDecodeError::Damaged)?;
    if version != VERSION {
        return Err(FeatureDecodeError::Version(version));
    }
    let count = usize::from(reader.byte().ok_or(FeatureDecodeError::Damaged)?);
    let hashes = reader.take(count * size_of::<u32>()).ok_or(FeatureDecodeError::Damaged)?;
    Ok(hashes.as_chunks().0.iter().map(|hash| u32::from_le_bytes(*hash)))
}

fn list<Item>(bytes: &mut Vec<u8>, items: &[Item], mut write: impl FnMut(&mut Vec<u8>, &Item)) {
    let count = items.len().min(255);
    bytes.push(count as u8);
    items.iter().take(count).for_each(|item| write(bytes, item));
}

struct Reader<'bytes> {
    bytes: &'bytes [u8],
}

impl<'bytes> Reader<'bytes> {
    fn features(&mut self) -> Option<PostingFeatures> {
        let term_hashes = self.list(Self::word)?;
        let term_counts = self.take(term_hashes.len())?.into();
        let skills = self.list(|reader| Some(PostedSkill { id: reader.word()?, required: reader.byte()? != 0 }))?;
        let title_terms = self.list(Self::word)?;
        let title_role = Some(self.word()?).filter(|role| *role != 0);
        let seniority = match self.byte()? {
            u8::MAX => None,
            level => Some(*LEVELS.get(usize::from(level))?),
        };
        let place = |reader: &mut Self| {
            Some(PlaceKey { city: reader.word()?, region: reader.word()?, country: reader.array()? })
        };
        let places = self.list(place)?;
        let remote = *REMOTE.get(usize::from(self.byte()?))?;
        let scope = self.list(Self::array::<2>)?;
        let pay = YearlyPay { min: self.number()?, max: self.number()?, currency: self.array()? };
        let posted = Some(i64::from_le_bytes(self.array()?)).filter(|posted| *posted != i64::MIN);
        let demands = Demands::from_bits(self.byte()?);
        let extent = *EXTENTS.get(usize::from(self.byte()?))?;
        let pay = (pay.min >= 0.0 && pay.max >= pay.min && pay.max.is_finite()).then_some(pay);
        Some(PostingFeatures {
            term_hashes,
            term_counts,
            skills,
            title_terms,
            title_role,
            seniority,
            places,
            remote,
            scope,
            pay,
            posted,
            demands,
            extent,
        })
    }

    fn take(&mut self, count: usize) -> Option<&'bytes [u8]> {
        let (head, tail) = self.bytes.split_at_checked(count)?;
        self.bytes = tail;
        Some(head)
    }

    fn array<const COUNT: usize>(&mut self) -> Option<[u8; COUNT]> {
        self.take(COUNT)?.try_into().ok()
    }

    fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn word(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn number(&mut self) -> Option<f32> {
        self.array().map(f32::from_le_bytes)
    }

    fn list<Item>(&mut self, mut read: impl FnMut(&mut Self) -> Option<Item>) -> Option<Box<[Item]>> {
        let count = self.byte()?;
        (0..count).map(|_| read(self)).collect()
    }
}
