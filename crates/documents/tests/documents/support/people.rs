use super::Gold;

pub struct Person {
    pub name: &'static str,
    pub headline: &'static str,
    pub email: &'static str,
    pub phone: &'static str,
    pub place: &'static str,
    pub link: &'static str,
    pub summary: &'static str,
    pub jobs: &'static [Job],
    pub school: &'static str,
    pub degree: &'static str,
    pub school_years: (&'static str, &'static str),
    pub skills: &'static [&'static str],
    pub languages: &'static [(&'static str, &'static str)],
    pub heads: Heads,
}

pub struct Heads {
    pub summary: &'static str,
    pub work: &'static str,
    pub education: &'static str,
    pub skills: &'static str,
    pub languages: &'static str,
    pub contact: &'static str,
}

pub struct Job {
    pub employer: &'static str,
    pub title: &'static str,
    pub place: &'static str,
    /// As written, and as meant.
    pub dates: &'static str,
    pub start: &'static str,
    pub end: &'static str,
    pub bullets: &'static [&'static str],
}

impl Person {
    pub fn gold(&self) -> Gold {
        let position =
            |job: &Job| (job.employer.to_owned(), job.title.to_owned(), job.start.to_owned(), job.end.to_owned());
        Gold {
            name: self.name.to_owned(),
            email: self.email.to_owned(),
            phone: self.phone.to_owned(),
            positions: self.jobs.iter().map(position).collect(),
        }
    }
}

const ENGLISH: Heads = Heads {
    summary: "Profile",
    work: "Work Experience",
    education: "Education",
    skills: "Skills",
    languages: "Languages",
    contact: "Contact",
};

pub const TOBIAS: Person = Person {
    name: "Tobias Lindqvist",
    headline: "Site Reliability Engineer",
    email: "tobias@lindqvist.example",
    phone: "+46 8 555 012 44",
    place: "Stockholm, Sweden",
    link: "https://github.com/tlindqvist",
    summary: "Keeps things up. Seven years of on-call, most of them quiet.",
    jobs: &[
        Job {
            employer: "Fjordline Streaming AB",
            title: "Site Reliability Engineer",
            place: "Stockholm, Sweden",
            dates: "Aug 2020 – Present",
            start: "2020-08",
            end: "present",
            bullets: &["Runs 1,200 nodes in three regions with a team of five.", "Cut alerts by two thirds in a year."],
        },
        Job {
            employer: "Sundby Telecom",
            title: "Systems Administrator",
            place: "Uppsala, Sweden",
            dates: "Jan 2017 – Jul 2020",
            start: "2017-01",
            end: "2020-07",
            bullets: &["Moved 340 servers from two cellars to one data centre.", "Automated certificate renewal."],
        },
        Job {
            employer: "Kronan School District",
            title: "IT Technician",
            place: "Gävle, Sweden",
            dates: "Jun 2014 – Dec 2016",
            start: "2014-06",
            end: "2016-12",
            bullets: &["Looked after 900 laptops."],
        },
    ],
    school: "Mälaren Institute of Technology",
    degree: "BSc Computer Engineering",
    school_years: ("2011", "2014"),
    skills: &["Linux", "Kubernetes", "Prometheus", "Go", "Ansible"],
    languages: &[("Swedish", "native"), ("English", "fluent")],
    heads: ENGLISH,
};

pub const CAMILLE: Person = Person {
    name: "Camille Beaurepaire",
    headline: "Pastry Chef",
    email: "camille.beaurepaire@lettres.example",
    phone: "(504) 555-0188",
    place: "New Orleans, LA",
    link: "https://beaurepaire.example/menu",
    summary: "Pastry chef with a weakness for laminated dough and for kitchens that close on time.",
    jobs: &[
        Job {
            employer: "Hotel Marigny Grand",
            title: "Executive Pastry Chef",
            place: "New Orleans, LA",
            dates: "05/2019 - Present",
            start: "2019-05",
            end: "present",
            bullets: &[
                "Plans desserts for two restaurants and 300 banquets a year",
                "Brought food cost from 31% to 24%",
            ],
        },
        Job {
            employer: "Boulangerie Saint-Roch",
            title: "Pastry Chef",
            place: "New Orleans, LA",
            dates: "09/2014 - 04/2019",
            start: "2014-09",
            end: "2019-04",
            bullets: &["Baked for six wholesale clients", "Trained eleven apprentices"],
        },
        Job {
            employer: "Copper Ladle Bistro",
            title: "Line Cook",
            place: "Mobile, AL",
            dates: "03/2012 - 08/2014",
            start: "2012-03",
            end: "2014-08",
            bullets: &["Worked garde manger and grill"],
        },
    ],
    school: "Delgado Culinary Institute",
    degree: "Associate Degree, Baking and Pastry Arts",
    school_years: ("2010", "2012"),
    skills: &["Lamination", "Menu planning", "Costing", "ServSafe"],
    languages: &[("English", "native"), ("French", "conversational")],
    heads: Heads {
        work: "PROFESSIONAL EXPERIENCE",
        education: "EDUCATION",
        skills: "SKILLS",
        summary: "SUMMARY",
        languages: "LANGUAGES",
        contact: "CONTACT",
    },
};

pub const HENRIKE: Person = Person {
    name: "Henrike Saalfeld",
    headline: "Controllerin",
    email: "henrike.saalfeld@postweg.example",
    phone: "0221 5550 1937",
    place: "50667 Köln",
    link: "https://www.xing.com/profile/Henrike_Saalfeld",
    summary: "Controllerin mit Schwerpunkt Produktionskosten und einer Vorliebe für kurze Berichte.",
    jobs: &[
        Job {
            employer: "Rheinbogen Chemie GmbH",
            title: "Leiterin Controlling",
            place: "Köln",
            dates: "07/2021 – heute",
            start: "2021-07",
            end: "present",
            bullets: &["Verantwortet das Budget von vier Werken", "Führt fünf Mitarbeiter"],
        },
        Job {
            employer: "Eifeler Papierwerke AG",
            title: "Controllerin",
            place: "Düren",
            dates: "02/2015 – 06/2021",
            start: "2015-02",
            end: "2021-06",
            bullets: &["Einführung der Plankostenrechnung"],
        },
        Job {
            employer: "Steuerkanzlei Obermann",
            title: "Sachbearbeiterin",
            place: "Bonn",
            dates: "10/2012 – 01/2015",
            start: "2012-10",
            end: "2015-01",
            bullets: &["Jahresabschlüsse für Handwerksbetriebe"],
        },
    ],
    school: "Technische Hochschule Brühl",
    degree: "Bachelor Betriebswirtschaft",
    school_years: ("2009", "2012"),
    skills: &["SAP CO", "Excel", "Power BI"],
    languages: &[("Deutsch", "Muttersprache"), ("Englisch", "fließend")],
    heads: Heads {
        work: "Berufserfahrung",
        education: "Ausbildung",
        skills: "Kenntnisse",
        summary: "Profil",
        languages: "Sprachen",
        contact: "Kontakt",
    },
};

pub const IMANI: Person = Person {
    name: "Imani Castellanos",
    headline: "Civil Engineer",
    email: "imani.castellanos@openmail.example",
    phone: "+1 720 555 0110",
    place: "Denver, CO",
    link: "https://www.linkedin.com/in/imani-castellanos",
    summary: "Licensed engineer for bridges and retaining walls with nine years in design and on site.",
    jobs: &[
        Job {
            employer: "Front Range Bridge Group",
            title: "Senior Civil Engineer",
            place: "Denver, CO",
            dates: "October 2019 to Present",
            start: "2019-10",
            end: "present",
            bullets: &[
                "Designed 23 bridges for county roads.",
                "Stamps drawings in Colorado and Wyoming.",
                "Supervises four engineers in training.",
            ],
        },
        Job {
            employer: "Hadley Voss Consultants",
            title: "Project Engineer",
            place: "Boulder, CO",
            dates: "July 2015 to September 2019",
            start: "2015-07",
            end: "2019-09",
            bullets: &["Checked retaining walls of up to 14 metres.", "Wrote the office's calculation templates."],
        },
    ],
    school: "Colorado Plains University",
    degree: "Bachelor of Science in Civil Engineering",
    school_years: ("2011", "2015"),
    skills: &["AutoCAD Civil 3D", "LUSAS", "Structural analysis", "Site supervision"],
    languages: &[("English", "native"), ("Spanish", "native")],
    heads: ENGLISH,
};

pub const NAOKI: Person = Person {
    name: "Naoki Fairweather",
    headline: "Customer Support Manager",
    email: "naoki@fairweather.example",
    phone: "+61 2 5550 4321",
    place: "Sydney, Australia",
    link: "https://fairweather.example",
    summary: "Builds support teams that people thank.",
    jobs: &[
        Job {
            employer: "Wattlebird Software Pty Ltd",
            title: "Customer Support Manager",
            place: "Sydney, Australia",
            dates: "2021-02 – present",
            start: "2021-02",
            end: "present",
            bullets: &["Leads 22 agents in two time zones", "First answer within 9 minutes at the median"],
        },
        Job {
            employer: "Coral Banking Group",
            title: "Team Leader, Support",
            place: "Brisbane, Australia",
            dates: "2017-11 – 2021-01",
            start: "2017-11",
            end: "2021-01",
            bullets: &["Introduced a knowledge base with 480 articles"],
        },
        Job {
            employer: "Mangrove Telecom",
            title: "Support Agent",
            place: "Cairns, Australia",
            dates: "2015-03 – 2017-10",
            start: "2015-03",
            end: "2017-10",
            bullets: &["Answered forty calls a day"],
        },
    ],
    school: "Northern Reef University",
    degree: "Bachelor of Communication",
    school_years: ("2012", "2015"),
    skills: &["Zendesk", "Coaching", "SQL", "Reporting"],
    languages: &[("English", "native"), ("Japanese", "professional")],
    heads: Heads {
        work: "Employment History",
        education: "Education and Training",
        skills: "Key Skills",
        summary: "About Me",
        languages: "Languages",
        contact: "Contact Details",
    },
};
