//! Puts the layers on top of each other and says precisely what is wrong with them.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use figment::{
    Error, Figment, Metadata, Profile, Provider,
    error::Kind,
    value::{Dict, Map, Value},
};
use serde::Serialize;

use crate::{
    Config, DEFAULT_YAML, EarlierFile,
    check::Checks,
    environment,
    error::{ConfigError, Problem},
    llm::earlier,
    platform,
};

/// Keys whose entries are named by the person, not by us.
const FREE_MAPS: [&str; 7] = [
    "discovery.endpoints",
    "integrations.endpoints",
    "llm.backends",
    "llm.chains",
    "llm.prices",
    "tasks.limits",
    "vision.variants",
];
const DEFAULTS: &str = "built-in default";
const ENVIRONMENT: &str = "environment";
const FLAGS: &str = "command line";
const SEE: &str = "`aerie config print-default` explains every setting";

/// Builds a [`Config`] layer by layer; every input can be given explicitly, so that tests need no process environment.
#[derive(Debug, Default)]
pub struct Loader {
    file: Option<PathBuf>,
    variables: Vec<(String, String)>,
    overrides: Dict,
    data_dir: Option<PathBuf>,
}

impl Loader {
    /// Starts from the defaults alone.
    #[must_use]
    pub fn new() -> Self {
        Self { data_dir: platform::default_data_dir(), ..Self::default() }
    }

    /// Adds a YAML file.
    #[must_use]
    pub fn file(mut self, path: &Path) -> Self {
        self.file = Some(path.to_owned());
        self
    }

    /// Adds variables by name and value; names that do not start with `AERIE` are passed over.
    #[must_use]
    pub fn environment<N: Into<String>, V: Into<String>>(
        mut self,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        self.variables.extend(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
        // Later merges must not depend on the order in which the system lists variables.
        self.variables.sort();
        self
    }

    /// Adds the variables of this process.
    ///
    /// # Errors
    /// An Aerie variable that is not text.
    pub fn process_environment(self) -> Result<Self, ConfigError> {
        let mut variables = Vec::new();
        for (name, value) in env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name != environment::HOME && !name.starts_with(environment::PREFIX) {
                continue;
            }
            let value = value.into_string().map_err(|_| ConfigError::NotText { name: name.clone() })?;
            variables.push((name, value));
        }
        Ok(self.environment(variables))
    }

    /// Adds values that win over everything else. Nulls are passed over, so that a struct of `Option` flags can be given.
    ///
    /// # Errors
    /// A value that is not a mapping.
    pub fn overrides(mut self, values: &impl Serialize) -> Result<Self, ConfigError> {
        let value = Value::serialize(values).map_err(|error| ConfigError::Overrides { message: error.to_string() })?;
        self.overrides = match value {
            Value::Dict(_, entries) => without_nulls(entries),
            Value::Empty(..) => Dict::new(),
            _ => return Err(ConfigError::Overrides { message: "they are not a mapping".into() }),
        };
        Ok(self)
    }

    /// Merges the layers and checks the outcome.
    ///
    /// # Errors
    /// Every mistake that was found.
    pub fn load(self) -> Result<Config, ConfigError> {
        let defaults = parse_yaml(DEFAULT_YAML)
            .map_err(|message| ConfigError::Syntax { path: PathBuf::from(DEFAULTS), message })?;
        let from_file = self.file.as_deref().map(read_file).transpose()?;
        let from_environment = environment::dictionary(&self.variables, &defaults);

        let mut base = defaults.clone();
        if let Some(folder) = &self.data_dir {
            base.insert("data_dir".into(), Value::from(folder.to_string_lossy().into_owned()));
        }
        let mut layers = vec![Layer { name: DEFAULTS.into(), values: base }];
        let named = named_earlier_file(from_file.as_ref(), &from_environment, &self.overrides);
        let overriding = [from_file.as_ref(), Some(&from_environment), Some(&self.overrides)];
        let earlier = earlier_layer(named, self.file.as_deref(), overriding)?;
        let (earlier, earlier_values) = earlier.unzip();
        layers.extend(earlier_values);
        if let (Some(path), Some(values)) = (&self.file, from_file) {
            layers.push(Layer { name: path.display().to_string(), values });
        }
        layers.push(Layer { name: ENVIRONMENT.into(), values: from_environment });
        layers.push(Layer { name: FLAGS.into(), values: self.overrides });

        let mut problems = Vec::new();
        for layer in layers.iter().skip(1) {
            find_unknown(&layer.values, &defaults, "", &layer.name, &mut problems);
        }
        if !problems.is_empty() {
            return Err(ConfigError::Invalid(problems));
        }
        let figment = layers.into_iter().fold(Figment::new(), |figment, layer| figment.merge(layer));
        let mut config: Config =
            figment.extract().map_err(|error| ConfigError::Invalid(error.into_iter().map(describe).collect()))?;
        check(&config, &figment)?;
        config.llm.earlier = earlier;
        Ok(config)
    }
}

/// The file that `llm.file` names in the highest layer that says anything.
fn named_earlier_file(file: Option<&Dict>, environment: &Dict, flags: &Dict) -> Option<PathBuf> {
    let layers = [Some(flags), Some(environment), file];
    let value = layers.into_iter().flatten().find_map(|layer| layer.get("llm")?.as_dict()?.get("file"))?;
    value.as_str().map(PathBuf::from)
}

/// The `llm.yaml` that is named, or that lies beside the settings file.
fn earlier_layer(
    named: Option<PathBuf>,
    settings: Option<&Path>,
    overriding: [Option<&Dict>; 3],
) -> Result<Option<(EarlierFile, Layer)>, ConfigError> {
    let beside = || settings.and_then(Path::parent).map(|folder| folder.join("llm.yaml")).filter(|path| path.is_file());
    let Some(path) = named.or_else(beside) else { return Ok(None) };
    let read = earlier::read(&read_file(&path)?);
    if !read.mistakes.is_empty() {
        let layer = path.display().to_string();
        let problem = |found: earlier::Mistake| Problem {
            key: found.key,
            layer: layer.clone(),
            what: found.what,
            remedy: found.remedy,
        };
        return Err(ConfigError::Invalid(read.mistakes.into_iter().map(problem).collect()));
    }
    let mut backends = read.backends;
    // A backend that the settings define is theirs altogether, not a mixture.
    for layer in overriding.into_iter().flatten() {
        let defined = layer.get("llm").and_then(|llm| llm.as_dict()?.get("backends")?.as_dict());
        backends.retain(|name, _| !defined.is_some_and(|defined| defined.contains_key(name)));
    }
    let names = backends.keys().cloned().collect();
    let section = [("backends", backends), ("chains", read.chains)].map(|(name, entries)| (name, Value::from(entries)));
    let values = Dict::from([("llm".to_owned(), Value::from(section.into_iter().collect::<BTreeMap<_, _>>()))]);
    let layer = Layer { name: path.display().to_string(), values };
    Ok(Some((EarlierFile { path, backends: names, notes: read.notes }, layer)))
}

/// One layer with the name that errors show.
struct Layer {
    name: String,
    values: Dict,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
}

fn read_file(path: &Path) -> Result<Dict, ConfigError> {
    let text = fs::read_to_string(path).map_err(|source| ConfigError::ReadFile { path: path.to_owned(), source })?;
    parse_yaml(&text).map_err(|message| ConfigError::Syntax { path: path.to_owned(), message })
}

fn parse_yaml(text: &str) -> Result<Dict, String> {
    let parsed: serde_yaml_ng::Value = serde_yaml_ng::from_str(text).map_err(|error| error.to_string())?;
    match Value::serialize(parsed).map_err(|error| error.to_string())? {
        Value::Dict(_, entries) => Ok(entries),
        // A file of comments only is a file that changes nothing.
        Value::Empty(..) => Ok(Dict::new()),
        _ => Err("it is not a mapping of sections".into()),
    }
}

fn without_nulls(entries: Dict) -> Dict {
    let kept = entries.into_iter().filter_map(|(key, value)| match value {
        Value::Empty(..) => None,
        Value::Dict(tag, inner) => Some((key, Value::Dict(tag, without_nulls(inner)))),
        other => Some((key, other)),
    });
    kept.collect()
}

fn find_unknown(values: &Dict, known: &Dict, prefix: &str, layer: &str, problems: &mut Vec<Problem>) {
    for (name, value) in values {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        let Some(default) = known.get(name) else {
            if key != "data_dir" {
                problems.push(unknown(&key, name, known, layer));
            }
            continue;
        };
        if FREE_MAPS.contains(&key.as_str()) {
            continue;
        }
        if let (Some(inner), Some(inner_known)) = (value.as_dict(), default.as_dict()) {
            find_unknown(inner, inner_known, &key, layer, problems);
        }
    }
}

fn unknown(key: &str, name: &str, known: &Dict, layer: &str) -> Problem {
    let nearest = known.keys().map(|candidate| (distance(name, candidate), candidate)).min();
    let remedy = match nearest {
        Some((distance, candidate)) if distance <= 2.max(name.len() / 3) => format!("did you mean `{candidate}`?"),
        _ => {
            let names: Vec<&str> = known.keys().map(String::as_str).collect();
            format!("write one of: {}", names.join(", "))
        }
    };
    Problem { key: key.into(), layer: shown(layer, key), what: "is not a setting".into(), remedy }
}

/// Levenshtein's edit distance over bytes: the names compared are ASCII and short.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, a) in left.bytes().enumerate() {
        let mut next = vec![index + 1];
        for ((pair, b), before) in row.windows(2).zip(right.bytes()).zip(index + 1..) {
            let (diagonal, above) = (pair.first().copied().unwrap_or(0), pair.last().copied().unwrap_or(0));
            let left_of = next.last().copied().unwrap_or(before);
            next.push((diagonal + usize::from(a != b)).min(above + 1).min(left_of + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

fn describe(error: Error) -> Problem {
    let mut path = error.path.clone();
    let layer = error.metadata.as_ref().map_or(DEFAULTS.to_owned(), |metadata| metadata.name.to_string());
    let (what, remedy) = match &error.kind {
        Kind::InvalidType(found, expected) | Kind::InvalidValue(found, expected) => {
            (format!("is {found}"), format!("write {expected} ({SEE})"))
        }
        Kind::UnknownVariant(found, expected) => {
            (format!("is \"{found}\""), format!("write one of: {}", expected.join(", ")))
        }
        Kind::UnknownField(name, expected) => {
            path.push(name.clone());
            ("is not a setting".into(), format!("write one of: {}", expected.join(", ")))
        }
        Kind::MissingField(name) => {
            path.push(name.to_string());
            let remedy = if name == "data_dir" { "set AERIE_HOME to a folder".to_owned() } else { SEE.to_owned() };
            ("is missing".into(), remedy)
        }
        Kind::Message(message) => (format!("is wrong: {message}"), SEE.to_owned()),
        other => (format!("is wrong: {other}"), SEE.to_owned()),
    };
    let key = path.join(".");
    Problem { layer: shown(&layer, &key), key, what, remedy }
}

fn check(config: &Config, figment: &Figment) -> Result<(), ConfigError> {
    let mut checks = Checks::default();
    config.check(&mut checks);
    if checks.findings.is_empty() {
        return Ok(());
    }
    let problems = checks.findings.into_iter().map(|finding| Problem {
        layer: layer_of(figment, &finding.key),
        key: finding.key,
        what: finding.what,
        remedy: finding.remedy,
    });
    Err(ConfigError::Invalid(problems.collect()))
}

fn layer_of(figment: &Figment, key: &str) -> String {
    figment.find_metadata(key).map_or(DEFAULTS.to_owned(), |metadata| shown(&metadata.name, key))
}

/// The layer as the person knows it: the variable instead of "environment".
fn shown(layer: &str, key: &str) -> String {
    if layer != ENVIRONMENT {
        return layer.to_owned();
    }
    let variable = key.to_ascii_uppercase().replace('.', "__");
    format!("environment variable {}{variable}", environment::PREFIX)
}
