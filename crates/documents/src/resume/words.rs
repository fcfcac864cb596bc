//! The words by which résumés in English, German, French and Spanish are read. All are folded: lower case, no accents.

use std::{collections::HashSet, sync::LazyLock};

use super::sections::Kind;

/// Names of months with their abbreviations.
pub(super) const MONTHS: &[(&str, u8)] = &[
    ("january|jan|januar|janner|jaenner|janvier|janv|enero|ene", 1),
    ("february|feb|febr|februar|fevrier|fevr|fev|febrero", 2),
    ("march|mar|marz|maerz|mrz|mars|marzo", 3),
    ("april|apr|avril|avr|abril|abr", 4),
    ("may|mai|mayo", 5),
    ("june|jun|juni|juin|junio", 6),
    ("july|jul|juli|juillet|juil|julio", 7),
    ("august|aug|aout|agosto|ago", 8),
    ("september|sept|sep|septembre|septiembre", 9),
    ("october|oct|oktober|okt|octobre|octubre", 10),
    ("november|nov|novembre|noviembre", 11),
    ("december|dec|dezember|dez|decembre|diciembre|dic", 12),
];

/// Words that make a line a head, and which; the first one in the line decides.
pub(super) const HEAD_KEYS: &[(Kind, &str)] = &[
    (
        Kind::Contact,
        "contact contacts kontakt kontaktdaten coordonnees contacto personalien personliche personal datos",
    ),
    (
        Kind::Summary,
        "summary profile profil perfil objective objectives overview zusammenfassung kurzprofil uberblick resume resumen \
         objectif objetivo about me uber mich presentation bio biography statement introduction extracto ziel \
         berufsziel synopsis propos sobre mi",
    ),
    (
        Kind::Experience,
        "experience experiences employment history berufserfahrung berufspraxis werdegang erfahrung erfahrungen \
         berufstatigkeit experiencia experiencias laboral trayectoria parcours appointments positions beschaftigung \
         praktische anstellungen praktika internships internship stages practicas",
    ),
    (
        Kind::Education,
        "education educational academic academics ausbildung bildung bildungsweg studium schulbildung formation \
         formations diplomes etudes formacion educacion estudios scolarite degrees schooling qualifikation",
    ),
    (
        Kind::Skills,
        "skills skill competencies competences competencias kenntnisse fahigkeiten kompetenzen expertise highlights \
         strengths technologies technology tools qualifications proficiencies habilidades aptitudes conocimientos \
         connaissances savoir capabilities itkenntnisse edvkenntnisse fachkenntnisse stack starken atouts \
         qualifaction destrezas edv",
    ),
    (
        Kind::Certificates,
        "certifications certification certificates certificate licenses licences license licence licensure zertifikate \
         zertifizierungen zertifizierung certificaciones certificados certificats weiterbildung weiterbildungen \
         fortbildung fortbildungen training trainings courses course coursework cursos credentials workshops seminars \
         accreditations kurse schulungen",
    ),
    (Kind::Languages, "languages language sprachen sprachkenntnisse fremdsprachen langues idiomas lenguas langue"),
    (Kind::Links, "links online webseiten liens enlaces web profiles portfolio"),
    (Kind::Projects, "projects project projekte projets proyectos publications-projects"),
    (
        Kind::Volunteering,
        "volunteering volunteer volunteerism ehrenamt ehrenamtliches engagement benevolat voluntariado community \
         civic extracurricular leadership",
    ),
    (
        Kind::Publications,
        "publications publication publikationen veroffentlichungen publicaciones patents presentations papers talks \
         vortrage conferences speaking research",
    ),
    (
        Kind::Awards,
        "awards award honors honours honor achievements accomplishments auszeichnungen preise prix distinctions \
         premios reconocimientos logros scholarships erfolge realisations stipendien grants recognition recognitions",
    ),
    (
        Kind::Interests,
        "interests hobbies interessen hobbys loisirs centres interet intereses aficiones activities aktivitaten activites \
         actividades freizeit",
    ),
    (Kind::References, "references referenzen referencias reference"),
    (
        Kind::Other,
        "affiliations memberships membership mitgliedschaften associations additional information informations sonstiges \
         miscellaneous other weitere divers otros angaben military militarwehrdienst informacion exhibitions details",
    ),
];

/// Words that may stand beside a key in a head.
pub(super) const HEAD_FILLERS: &str = "professional work working career relevant selected key core technical and und et y e of de \
    der des la le les los el in en im my meine mes mis the a other additional special specialized areas area field fields \
    job teaching clinical research military industry related business computer it soft hard digital management executive \
    general brief short main major recent previous past current current further higher universitaire academic \
    berufliche beruflicher beruflichen berufliches professionnel professionnelle professionnelles profesional \
    profesionales academica academicas academique akademische akademischer schulische laborales personal \
    personnelles complementaria complementarias complementaires informatiques informaticos technische tecnicas \
    techniques tecnicos software programming it- edv- practical practice background history training certifications \
    licenses awards honors activities development affiliations employment experience skills education qualifications \
    accomplishments highlights summary profile interests interest international sales leadership industrial \
    wissenschaftliche centre linguistiques zu uber sur sobre d l a' volunteer community service extra desirable \
    freelance independent relevante wichtige ausgewahlte berufs data day- student continuing formal online social \
    notable significant strategic organizational functional creative design administrative communication office \
    knowledge abilities ability competency proficiency set sets tool highlighted areas- record";

/// Nouns that name what somebody works as.
const TITLE_NOUNS: &str = "engineer developer manager director analyst consultant architect designer administrator assistant \
    associate coordinator specialist supervisor technician officer lead leader head chief president vice scientist \
    researcher teacher tutor professor lecturer instructor trainer nurse physician doctor pharmacist therapist \
    accountant auditor bookkeeper controller treasurer cashier clerk secretary receptionist representative rep agent \
    advisor adviser planner buyer merchandiser executive intern trainee apprentice fellow chef cook baker barista \
    bartender server waiter waitress host hostess driver pilot mechanic electrician plumber carpenter welder \
    operator machinist laborer worker foreman superintendent inspector estimator surveyor attorney lawyer paralegal \
    counsel advocate judge writer editor journalist reporter photographer artist illustrator animator producer \
    publicist strategist marketer recruiter generalist partner founder cofounder co-founder owner principal \
    programmer tester qa sre devops webmaster sysadmin dba cto ceo cfo coo cio cmo vp svp evp librarian curator \
    translator interpreter stylist cosmetologist trader broker banker underwriter teller actuary economist \
    statistician biologist chemist physicist geologist dietitian nutritionist coach athlete counselor psychologist \
    caregiver aide nanny janitor custodian cleaner guard firefighter paramedic soldier sergeant lieutenant captain \
    major commander expert evangelist ambassador liaison facilitator scrum master owner volunteer member salesperson \
    salesman saleswoman salesforce- seller stocker picker packer contractor freelancer practitioner hygienist \
    dispatcher scheduler assembler fabricator appraiser investigator examiner processor collector handler keyholder \
    entwickler entwicklerin ingenieur ingenieurin leiter leiterin berater beraterin referent referentin kaufmann \
    kauffrau sachbearbeiter sachbearbeiterin mitarbeiter mitarbeiterin assistent assistentin praktikant praktikantin \
    werkstudent werkstudentin auszubildender auszubildende geschaftsfuhrer geschaftsfuhrerin informatiker \
    informatikerin fachinformatiker techniker technikerin mechaniker mechatroniker elektriker meister architektin \
    lehrer lehrerin arzt arztin krankenschwester pfleger pflegefachkraft buchhalter buchhalterin verkaufer \
    verkauferin redakteur redakteurin forscher doktorand doktorandin projektleiter projektleiterin teamleiter \
    teamleiterin bereichsleiter abteilungsleiter produktmanager produktmanagerin gestalter \
    wissenschaftler wissenschaftlerin bauleiter bauleiterin hilfskraft tutorin koch kochin \
    ingenieure developpeur developpeuse responsable chef cheffe directeur directrice charge chargee consultante \
    technicien technicienne assistante stagiaire alternant alternante gestionnaire comptable commercial commerciale \
    vendeur vendeuse infirmier infirmiere enseignant enseignante professeur formateur formatrice redacteur redactrice \
    conseiller conseillere analyste architecte concepteur conceptrice adjoint adjointe acheteur acheteuse cuisinier \
    serveur serveuse juriste avocat avocate \
    ingeniero ingeniera desarrollador desarrolladora gerente jefe jefa directora consultor consultora \
    analista tecnico tecnica asistente auxiliar becario becaria coordinador coordinadora contador contadora contable \
    vendedor vendedora enfermero enfermera profesor profesora maestro maestra docente programador programadora \
    disenador disenadora arquitecto arquitecta administrador administradora administrativo administrativa abogado \
    abogada redactor redactora encargado encargada cocinero cocinera camarero camarera medico medica practicante \
    comercial asesor asesora supervisora operario ayudante dependienta dependiente investigador investigadora";

/// Words in the names of employers.
const EMPLOYER_WORDS: &str = "university college school institute academy hospital clinic bank group holdings holding \
    partners solutions systems technologies technology labs laboratories laboratory studios studio agency foundation \
    association society council department ministry government center centre services industries enterprises \
    consulting consultants associates hotel restaurant cafe bakery pharmacy airlines airways logistics insurance \
    capital ventures media press news magazine museum library theater theatre church corps army navy force company \
    corporation international global software networks energy motors foods brewery stores store supermarket market \
    county city state district federal national institution trust charity nonprofit ngo ventures works factory \
    universitat hochschule fachhochschule institut klinik klinikum krankenhaus stadtwerke werke verlag stiftung \
    sparkasse verein gemeinde gymnasium schule gesellschaft gruppe versicherung bundesamt landratsamt \
    universite ecole lycee hopital banque groupe societe agence fondation mairie ministere cabinet laboratoire \
    universidad escuela colegio banco grupo empresa fundacion ayuntamiento clinica consultoria ministerio sociedad \
    editorial tienda farmacia";

/// What a title is about; after a comma it belongs to the title, not to the employer.
const FIELDS: &str = "sales marketing engineering operations product platform finance human resources hr it research development \
    business infrastructure security data design content communications support customer success north south east west \
    america americas europe emea apac growth quality supply chain logistics procurement legal compliance analytics \
    backend frontend mobile cloud web payments accounting strategy partnerships recruiting vertrieb einkauf entwicklung \
    produktion controlling ventes achats ventas compras calidad i ii iii iv r&d region regional global internal";

/// Schools.
const SCHOOL_WORDS: &str = "university college school institute academy polytechnic universitat hochschule fachhochschule \
    universite ecole lycee institut iut universidad escuela instituto colegio conservatory seminary gymnasium schule \
    berufsschule realschule technikum eth epfl ucla iut insa hec essec politecnica hogeschool polytechnique facultad \
    faculty liceo sorbonne berufskolleg kolleg";

/// Degrees and what stands for them.
const DEGREE_WORDS: &str = "bachelor bachelors bachelor's master masters master's mba msc bsc ba bs ms ma phd ph.d doctorate doctor \
    diploma diplom diplome associate associates associate's degree b.sc m.sc b.a m.a b.s m.s b.e m.e beng meng b.eng m.eng \
    bba bfa mfa pgce mphys mchem mmath llb llm jd md ged aas a.a.s abitur staatsexamen magister promotion fachabitur gesellenbrief lizentiat \
    licence licenciatura licenciado licenciada grado maestria doctorado ingenieria bachillerato baccalaureat bac bts dut \
    deug maitrise doctorat tecnico ingenieur certificate certification minor major juris graduate undergraduate \
    postgraduate hsc ssc b.tech m.tech btech mtech bcom b.com mphil dea dess dphil edd mfa mpa mph msw ausbildung \
    mittlere reife hauptschulabschluss fachinformatiker titulo";

/// Languages that people name in résumés, in the four languages.
pub(super) const LANGUAGES: &str = "english german french spanish italian portuguese dutch polish russian ukrainian turkish arabic \
    hebrew hindi urdu bengali punjabi tamil telugu mandarin chinese cantonese japanese korean vietnamese thai swedish \
    norwegian danish finnish greek czech slovak hungarian romanian bulgarian croatian serbian bosnian slovene \
    albanian latvian lithuanian estonian farsi persian swahili tagalog filipino indonesian malay catalan basque \
    galician irish welsh latin azerbaijani georgian armenian kazakh amharic somali yoruba igbo zulu afrikaans \
    creole esperanto deutsch englisch franzosisch spanisch italienisch portugiesisch niederlandisch polnisch \
    russisch ukrainisch turkisch arabisch chinesisch japanisch schwedisch latein tschechisch ungarisch griechisch \
    anglais allemand francais espagnol italien portugais neerlandais polonais russe arabe chinois japonais turc \
    ingles aleman frances espanol italiano portugues holandes polaco ruso chino japones arabe- catala euskera gallego \
    gujarati marathi kannada malayalam sinhala nepali pashto kurdish icelandic luxembourgish maltese asl";

macro_rules! set {
    ($name:ident, $words:expr) => {
        static $name: LazyLock<HashSet<&'static str>> = LazyLock::new(|| $words.split_whitespace().collect());
    };
}
set!(TITLE_SET, TITLE_NOUNS);
set!(EMPLOYER_SET, EMPLOYER_WORDS);
set!(FIELD_SET, FIELDS);
set!(SCHOOL_SET, SCHOOL_WORDS);
set!(DEGREE_SET, DEGREE_WORDS);
set!(LANGUAGE_SET, LANGUAGES);

/// The folded words of a text; dots, hyphens and apostrophes within words stay.
pub(super) fn words(text: &str) -> Vec<String> {
    let folded = deunicode::deunicode(text).to_lowercase();
    let keep = |character: char| character.is_alphanumeric() || matches!(character, '.' | '\'' | '&' | '-' | '+');
    folded
        .split(|character: char| !keep(character))
        .map(|word| word.trim_matches(|character: char| matches!(character, '.' | '\'' | '-')).to_owned())
        .filter(|word| !word.is_empty())
        .collect()
}

fn count(set: &HashSet<&'static str>, text: &str) -> usize {
    words(text).iter().filter(|word| set.contains(word.as_str()) || parts_hit(set, word)).count()
}

/// A compound counts by its last part: "co-founder", "Software-Entwickler"; a German feminine by its stem.
fn parts_hit(set: &HashSet<&'static str>, word: &str) -> bool {
    word.strip_suffix("in").is_some_and(|stem| stem.len() > 4 && set.contains(stem))
        || word.rsplit(['-', '&']).next().is_some_and(|last| last.len() > 2 && last != word && set.contains(last))
}

const COMPOUND_TITLES: &[&str] = &[
    "entwickler",
    "entwicklerin",
    "ingenieur",
    "ingenieurin",
    "leiter",
    "leiterin",
    "berater",
    "beraterin",
    "techniker",
    "mechaniker",
    "kaufmann",
    "kauffrau",
    "referent",
    "referentin",
    "mitarbeiter",
    "mitarbeiterin",
    "manager",
    "managerin",
    "assistent",
    "assistentin",
    "verkaufer",
    "verkauferin",
    "arzt",
    "pfleger",
    "lehrer",
    "lehrerin",
    "informatiker",
    "informatikerin",
    "architekt",
    "architektin",
    "gestalter",
    "gestalterin",
    "administrator",
    "student",
    "studentin",
    "assistenz",
];

const EMPLOYER_ENDINGS: &[&str] = &[
    "buro",
    "werke",
    "kanzlei",
    "klinik",
    "bank",
    "versicherung",
    "versicherungen",
    "verlag",
    "soft",
    "tech",
    "schule",
    "krankenhaus",
];

/// How many words say that this is a title.
pub(crate) fn title_score(text: &str) -> usize {
    let compounds = words(text)
        .iter()
        .filter(|word| !TITLE_SET.contains(word.as_str()) && !parts_hit(&TITLE_SET, word))
        .filter(|word| COMPOUND_TITLES.iter().any(|ending| word.len() > ending.len() && word.ends_with(ending)))
        .count();
    (count(&TITLE_SET, text) + compounds).saturating_sub(firm_partners(text))
}

/// "Rothe & Partner" is a firm, not a partner.
fn firm_partners(text: &str) -> usize {
    let words = words(text);
    words.windows(2).filter(|pair| matches!(pair, [and, who] if matches!(and.as_str(), "&" | "and" | "und" | "+") && who.starts_with("partner"))).count()
}

/// How many words say that this is an employer.
pub(super) fn employer_score(text: &str) -> usize {
    let folded = aerie_postings::text::fold(text);
    let legal = aerie_postings::company::company_key(text) != folded.trim() && has_legal_form(text);
    let compounds = words(text)
        .iter()
        .filter(|word| EMPLOYER_ENDINGS.iter().any(|ending| word.len() > ending.len() && word.ends_with(ending)))
        .count();
    count(&EMPLOYER_SET, text) + compounds + firm_partners(text) + if legal { 2 } else { 0 }
}

/// "Inc.", "GmbH", "S.A.": the key of the company is shorter than its name by more than marks.
fn has_legal_form(text: &str) -> bool {
    let key = aerie_postings::company::company_key(text);
    let plain: String = words(text).join(" ");
    !key.is_empty() && key.split_whitespace().count() < plain.split_whitespace().count()
}

pub(super) fn is_field(text: &str) -> bool {
    let words = words(text);
    !words.is_empty()
        && words.iter().all(|word| FIELD_SET.contains(word.as_str()) || matches!(word.as_str(), "&" | "and"))
}

pub(super) fn school_score(text: &str) -> usize {
    count(&SCHOOL_SET, text)
        + words(text)
            .iter()
            .filter(|word| {
                ["universitat", "hochschule", "schule", "gymnasium", "kolleg", "akademie", "institut"]
                    .iter()
                    .any(|ending| word.len() > ending.len() && word.ends_with(ending))
            })
            .count()
}

pub(super) fn degree_score(text: &str) -> usize {
    count(&DEGREE_SET, text)
}

pub(crate) fn is_language(word: &str) -> bool {
    words(word).first().is_some_and(|word| LANGUAGE_SET.contains(word.as_str()))
}

/// Whether a folded word names a month.
pub(crate) fn is_month_name(word: &str) -> bool {
    MONTHS.iter().any(|(names, _)| names.split('|').any(|name| name == word))
}
