//! What a résumé says, typed. Every value keeps where it was read.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Period, Sourced, YearMonth};

/// Members of a JSON Resume that have no field here; they are kept so that nothing is lost on the way through.
pub type Extra = Map<String, Value>;

/// A person's profile.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    /// Who it is and how to reach them.
    pub contact: Contact,
    /// The summary at the top.
    pub summary: Option<Sourced>,
    /// Positions, as ordered in the résumé.
    pub positions: Vec<Position>,
    /// Schools and degrees.
    pub education: Vec<Education>,
    /// Skills in their groups.
    pub skills: Vec<SkillGroup>,
    /// Certificates and licences.
    pub certificates: Vec<Certificate>,
    /// Languages spoken.
    pub languages: Vec<Language>,
    /// Everything under other heads: projects, publications, interests.
    pub sections: Vec<Section>,
    /// Members of a JSON Resume that have no field here.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub extra: Extra,
}

/// Who the person is and how to reach them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Contact {
    /// Full name.
    pub name: Option<Sourced>,
    /// The line under the name: "Data engineer".
    pub headline: Option<Sourced>,
    /// E-mail address.
    pub email: Option<Sourced>,
    /// Telephone number, as written.
    pub phone: Option<Sourced>,
    /// Where they live, as written.
    pub place: Option<Sourced>,
    /// Web addresses.
    pub links: Vec<Link>,
    /// Members of JSON Resume's `basics` that have no field here.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub extra: Extra,
}

/// A web address.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// The network it belongs to ("LinkedIn"), where that is known.
    pub network: Option<String>,
    /// The address as written, with its scheme.
    pub url: Sourced,
    /// Members of JSON Resume's entry that have no field here.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Extra,
}

/// One position held.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Position {
    /// Who employed the person.
    pub employer: Option<Sourced>,
    /// The title held.
    pub title: Option<Sourced>,
    /// From when to when.
    pub period: Option<Sourced<Period>>,
    /// Where.
    pub place: Option<Sourced>,
    /// Text before the bullets.
    pub summary: Option<Sourced>,
    /// What was done, one point each.
    pub bullets: Vec<Sourced>,
    /// Members of JSON Resume's entry that have no field here.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub extra: Extra,
}

/// One school, course of study or degree.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Education {
    /// School or university.
    pub institution: Option<Sourced>,
    /// The degree: "Bachelor of Science", "MSc".
    pub degree: Option<Sourced>,
    /// The field: "Computer Science".
    pub field: Option<Sourced>,
    /// From when to when.
    pub period: Option<Sourced<Period>>,
    /// Where.
    pub place: Option<Sourced>,
    /// Grade or score, as written.
    pub score: Option<Sourced>,
    /// Everything else said about it.
    pub notes: Vec<Sourced>,
    /// Members of JSON Resume's entry that have no field here.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub extra: Extra,
}

/// Skills that stand together.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SkillGroup {
    /// What the group is called: "Databases".
    pub name: Option<Sourced>,
    /// The skills.
    pub skills: Vec<Sourced>,
    /// Members of JSON Resume's entry that have no field here.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub extra: Extra,
}

/// A certificate or licence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// What it certifies.
    pub name: Sourced,
    /// Who gave it.
    pub issuer: Option<Sourced>,
    /// When.
    pub date: Option<Sourced<YearMonth>>,
    /// Members of JSON Resume's entry that have no field here.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Extra,
}

/// A language spoken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Language {
    /// The language, as written.
    pub name: Sourced,
    /// How well, as written: "native", "C1".
    pub level: Option<Sourced>,
    /// Members of JSON Resume's entry that have no field here.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Extra,
}

/// What stands under a head that has no field of its own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Section {
    /// The head.
    pub title: Option<Sourced>,
    /// Its points or paragraphs.
    pub lines: Vec<Sourced>,
}

impl Profile {
    /// All skills, whatever their group; a group without members is a skill itself.
    pub fn all_skills(&self) -> impl Iterator<Item = &str> {
        self.skills.iter().flat_map(|group| {
            let alone = group.name.iter().filter(|_| group.skills.is_empty());
            alone.chain(&group.skills).map(|skill| skill.value.as_str())
        })
    }

    /// The name, or nothing.
    pub fn name(&self) -> &str {
        self.contact.name.as_ref().map_or("", |name| name.value.as_str())
    }
}
