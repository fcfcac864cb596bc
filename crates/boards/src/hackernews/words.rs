//! Which words in a header mean what.

use std::sync::LazyLock;

use regex::Regex;

/// A pattern that is compiled once; one that does not compile matches nothing (a test compiles all).
pub(super) struct Pattern(LazyLock<Option<Regex>>);

impl Pattern {
    const fn new(compile: fn() -> Option<Regex>) -> Self {
        Self(LazyLock::new(compile))
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        self.0.as_ref().is_some_and(|regex| regex.is_match(text))
    }

    pub(super) fn find<'t>(&self, text: &'t str) -> Option<regex::Match<'t>> {
        self.0.as_ref()?.find(text)
    }

    pub(super) fn group<'t>(&self, text: &'t str, group: usize) -> Option<&'t str> {
        self.0.as_ref()?.captures(text)?.get(group).map(|found| found.as_str())
    }

    pub(super) fn remove(&self, text: &str) -> String {
        match self.0.as_ref() {
            Some(regex) => regex.replace_all(text, " ").into_owned(),
            None => text.to_owned(),
        }
    }

    #[cfg(test)]
    pub(super) fn compiles(&self) -> bool {
        self.0.is_some()
    }
}

macro_rules! pattern {
    ($(#[$doc:meta])* $name:ident, $text:expr) => {
        $(#[$doc])*
        pub(super) static $name: Pattern = Pattern::new(|| Regex::new($text).ok());
    };
}

pattern!(
    /// Nouns of which a job title consists.
    ROLE_NOUN,
    concat!(
        r"(?i)\b(engineers?|engr|developers?|devs?|designers?|managers?|scientists?|architects?|analysts?|",
        r"programmers?|administrators?|sys-?admins?|researchers?|writers?|recruiters?|consultants?|specialists?|",
        r"technicians?|editors?|evangelists?|advocates?|hackers?|coders?|directors?|founders?|co-?founders?|",
        r"cto|ceo|coo|cfo|cmo|cpo|ciso|vp|vice president|head of [a-z]+|leads?|sre|sres|dev-?ops|dba|",
        r"interns?|internships?|testers?|mathematicians?|statisticians?|physicists?|biologists?|chemists?|economists?|",
        r"account executives?|executives?|representatives?|associates?|assistants?|coordinators?|officers?|",
        r"teachers?|instructors?|mentors?|strategists?|marketers?|copywriters?|accountants?|controllers?|lawyers?|",
        r"counsel|nurses?|physicians?|clinicians?|operators?|machinists?|producers?|animators?|illustrators?|artists?|",
        r"modelers?|quants?|traders?|actuar(?:y|ies)|trainers?|coach(?:es)?|guru|wizard|ninja|entwickler(?:in)?|",
        r"generalists?|full[ -]?stackers?|swe|swes|sdet|sdets|sde|pm|pms|technologists?|librarians?|planners?)\b"
    )
);
pattern!(
    /// Fields and technologies that stand for a role when nothing else does.
    ROLE_FIELD,
    concat!(
        r"(?i)(\b(full[ -]?stack|front[ -]?end|back[ -]?end|web dev(?:elopment)?|mobile|ios|android|software|hardware|firmware|",
        r"embedded|machine learning|deep learning|data science|data engineering|devops|infrastructure|security|qa|ux|ui|",
        r"design|product|marketing|sales|support|operations|engineering|development|programming|analytics|research|",
        r"python|django|ruby|rails|java|javascript|typescript|react|react native|angular|vue|node|node\.?js|golang|go|rust|scala|",
        r"clojure|haskell|elixir|erlang|php|laravel|kotlin|swift|objective-c|perl|",
        r"kubernetes|aws|ml|ai|nlp|computer vision|robotics|blockchain|crypto|sql|hadoop|spark|salesforce)\b|c\+\+|c#|\.net\b)"
    )
);
pattern!(
    /// "Multiple roles", "all departments": a header that names no single role.
    SEVERAL,
    concat!(
        r"(?i)\b(multiple|various|several|many|all|different|numerous|lots of|tons of|open|other)\s+",
        r"(?:\w+\s+){0,3}(roles?|positions?|openings?|opportunities|departments|jobs?|levels|teams|engineering)\b"
    )
);
pattern!(
    /// Where the work is done.
    WORKPLACE,
    r"(?i)\b(remote(?:ly|s)?|on-?\s?site|in-?\s?office|in[- ]house|local only|hybrid|wfh|work from home|work from anywhere|distributed|telecommute|anywhere)\b"
);
pattern!(
    /// Remote work, positively.
    REMOTE,
    r"(?i)\b(remote(?:ly|s)?|wfh|work from home|work from anywhere|telecommute|anywhere in the world|fully distributed)\b"
);
pattern!(
    /// Remote work, denied.
    NOT_REMOTE,
    r"(?i)(\b(no|not|non)[ -]+(?:\w+\s+){0,2}remote|remote\s*[:=]?\s*(?:is\s+)?(?:no\b|not\b|n/a)|remote\s+not)"
);
pattern!(
    /// Remote for a part of the time.
    PARTLY_REMOTE,
    r"(?i)\b(hybrid|partial(?:ly)?[ -]remote|part[ -]remote|some remote|semi[ -]?remote|remote[- ]flexible|occasional(?:ly)? remote|\d\s*days?\s+remote|remote\s+\d)"
);
pattern!(
    /// At the employer's place.
    ON_SITE,
    r"(?i)\b(on-?\s?site|in-?\s?office|in[- ]house|local only|locals only)\b"
);
pattern!(
    /// Kinds of employment.
    EMPLOYMENT,
    r"(?i)\b(full[ -]*time|part[ -]*time|contract(?:or|ors|ing)?|interns?|internships?|freelance(?:r|rs)?|permanent|perm|temporary|fte|ft|w2|c2h|cth|salaried|co-?op)\b"
);
pattern!(
    /// Internships, also beside other words.
    INTERN,
    r"(?i)\b(interns?|internships?|co-?ops?|working students?|werkstudent(?:in)?)\b"
);
pattern!(
    /// Permits and relocation.
    VISA,
    r"(?i)\b(visas?|h-?1b|relocat(?:ion|e)|sponsor(?:s|ship|ed)?|citizens?(?:hip)?|clearance|green ?card|work permit|passports?|passport-holders|eu citizens?|us only|usa only)\b"
);
pattern!(
    /// Pay.
    MONEY,
    r"(?i)([$€£¥₹]\s*\d|\d\s*[$€£]|\b\d{2,3}\s*k\b|\b\d{2,3}[,.]\d{3}\b|\bequity\b|\bsalary\b|\bcompetitive\b|\bbase\s*\+|\brsus?\b|\b(?:usd|eur|gbp|chf|cad|aud)\s*\d)"
);
pattern!(
    /// An amount, as opposed to words about pay.
    AMOUNT,
    r"(?i)([$€£¥₹]\s*\d|\d\s*[$€£]|\b\d{2,3}\s*k\b|\b\d{2,3}[,.]\d{3}\b|\b(?:usd|eur|gbp|chf|cad|aud)\s*\d)"
);
pattern!(
    /// Addresses, with or without a scheme, and mail addresses.
    LINK,
    r"(?i)(https?://[^\s|<>)\]]+|\bwww\.[^\s|<>)\]]+|[\w.+-]+@[\w-]+\.[a-z.]{2,12}|\b[a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)*\.(?:com|io|co|ai|net|org|dev|app|tech|me|us|uk|de|fr|nl|ca|eu|be|ch|at|se|no|dk|fi|es|it|pl|pt|in|jp|au|nz|sg|hk|tv|fm|ly|vc|so|xyz|jobs|build|health|cloud|works|studio|design|energy|ventures|capital|network|systems|software|technology|solutions|agency|digital|media)(?:/[^\s|<>)\]]*)?\b)"
);
pattern!(
    /// Places that need no list: a state or country after a comma, or a name that is known everywhere.
    PLACE,
    concat!(
        r"(?:,\s*(?:A[LKZR]|C[AOT]|D[EC]|FL|GA|HI|I[DLNA]|K[SY]|LA|M[EDAINSOT]|N[EVHJMYCD]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[TA]|W[AVIY]|D\.C\.|ON|BC|QC|AB|NSW|VIC|UK|USA?|EU|NL|DE|FR|CH|IE|PL|IL|SG|JP|IN|NZ|AU|ES|SE|DK|FI|CZ)\b)|",
        r"(?i:\b(?:san francisco|sf bay|bay area|silicon valley|new york|nyc|manhattan|brooklyn|los angeles|santa monica|",
        r"san diego|san jose|san mateo|palo alto|mountain view|menlo park|redwood city|sunnyvale|santa clara|oakland|berkeley|",
        r"emeryville|seattle|bellevue|redmond|portland|denver|boulder|austin|dallas|houston|chicago|boston|cambridge|",
        r"philadelphia|pittsburgh|atlanta|miami|washington|arlington|baltimore|detroit|ann arbor|minneapolis|st\.? louis|",
        r"salt lake city|phoenix|las vegas|nashville|raleigh|durham|charlotte|columbus|cleveland|cincinnati|indianapolis|",
        r"toronto|vancouver|montr[eé]al|ottawa|waterloo|calgary|edmonton|victoria|london|manchester|edinburgh|glasgow|bristol|",
        r"oxford|leeds|brighton|dublin|cork|belfast|paris|lyon|toulouse|grenoble|berlin|munich|m[uü]nchen|hamburg|frankfurt|",
        r"cologne|k[oö]ln|stuttgart|d[uü]sseldorf|leipzig|karlsruhe|dresden|vienna|wien|z[uü]rich|geneva|lausanne|basel|bern|",
        r"amsterdam|rotterdam|utrecht|eindhoven|the hague|brussels|antwerp|ghent|luxembourg|barcelona|madrid|valencia|lisbon|",
        r"porto|milan|rome|turin|stockholm|gothenburg|malm[oö]|copenhagen|aarhus|oslo|bergen|helsinki|tampere|tallinn|riga|",
        r"vilnius|warsaw|krak[oó]w|wroc[lł]aw|gda[nń]sk|prague|brno|bratislava|budapest|bucharest|cluj|sofia|belgrade|zagreb|",
        r"ljubljana|athens|istanbul|kyiv|kiev|lviv|minsk|moscow|tel[ -]aviv|jerusalem|haifa|dubai|abu dhabi|cairo|nairobi|lagos|",
        r"cape town|johannesburg|bangalore|bengaluru|mumbai|delhi|hyderabad|pune|chennai|singapore|hong kong|shanghai|beijing|",
        r"shenzhen|taipei|tokyo|osaka|kyoto|seoul|bangkok|jakarta|bali|kuala lumpur|manila|ho chi minh|hanoi|sydney|melbourne|",
        r"brisbane|perth|adelaide|auckland|wellington|mexico city|guadalajara|bogot[aá]|medell[ií]n|lima|santiago|",
        r"buenos aires|s[aã]o paulo|rio de janeiro|united states|u\.?s\.?a\.?|canada|united kingdom|england|scotland|wales|ireland|",
        r"germany|france|netherlands|belgium|switzerland|austria|spain|portugal|italy|sweden|norway|denmark|finland|estonia|",
        r"poland|czech republic|czechia|hungary|romania|bulgaria|greece|turkey|ukraine|russia|israel|india|china|japan|korea|",
        r"taiwan|australia|new zealand|brazil|argentina|chile|colombia|mexico|south africa|nigeria|kenya|europe|emea|apac|latam|",
        r"north america|california|texas|florida|colorado|massachusetts|virginia|maryland|michigan|ohio|oregon|georgia|",
        r"north carolina|utah|arizona|worldwide|global(?:ly)?)\b)|",
        r"\b(?:SF|NY|LA|DC|US|UK|EU|NYC|USA|PDX|ATX|CH|NL)\b"
    )
);
pattern!(
    /// Legal forms and the like: a segment that ends so is a company, whatever else it says.
    LEGAL_FORM,
    r"(?i)\b(inc|llc|ltd|gmbh|corp|corporation|co|plc|ag|bv|b\.v|s\.?a\.?r?\.?l?|pty|labs?|technologies|group|university|institute|foundation|studios?|systems|solutions|software|\(yc ?[swf]?\d*\))\b\.?"
);
pattern!(
    /// A company named in running text: "Acme is a …", "At Acme, we …", "Acme (YC W12) builds …".
    COMPANY_IN_TEXT,
    concat!(
        r"(?m)(?:^|[.!?]\s+)(?:At\s+|Here at\s+|Join\s+|Work at\s+|About\s+)?((?:The\s+)?[A-Z0-9][\w&'’.+-]*(?:\s+[A-Z0-9&][\w&'’.+-]*){0,3})",
        r"(?:\s*\([^)]{1,60}\))?(?:,\s+we\b|,\s+(?:a|an|the)\b|\s+(?:is|are|was|builds?|makes?|provides?|helps?|offers?|has|develops?|creates?|wants|seeks|needs|enables?|runs|delivers|designs)\b)"
    )
);
pattern!(
    /// A role named in running text after a word of wanting: "looking for a senior Go developer".
    ROLE_IN_TEXT,
    concat!(
        r"(?i)\b(?:looking for|hiring|hire|seeking|need|needs|want|recruiting|searching for|add|join(?:ing)? (?:us|our team)? ?as)\s+",
        r"(?:(?:a|an|another|some|our|more|the|multiple|several|talented|experienced|great|strong|skilled|passionate|exceptional|first|few|new|amazing|awesome|smart|motivated|two|three|2|3|\d+)\s+|\w+ed\s+){0,4}",
        r"((?:[\w+#./&-]+\s+){0,4}(?:engineers?|developers?|designers?|managers?|scientists?|architects?|analysts?|programmers?|devops|sysadmins?|researchers?|writers?|consultants?|specialists?|interns?|leads?|hackers?|marketers?|directors?|cto))\b"
    )
);

pattern!(
    /// Words of a comment that offers work, as opposed to one that talks about it.
    OFFER,
    r"(?i)\b(we(?:'re|’re| are)|i(?:'m|’m| am))\s+(?:\w+\s+){0,3}(?:hiring|looking for|seeking|searching|recruiting)|\bis (?:\w+\s)?(?:hiring|looking for|seeking)|\bjoin (?:us|our|the)|\bapply\b|\bhiring\b|\bopenings?\b|\bopen (?:roles|positions)|\bour (?:team|company|stack)|\bresume|\bcv\b"
);
pattern!(
    /// A role in capitals anywhere in the text.
    NAMED_ROLE,
    r"\b(?:(?:[A-Z][\w+#./-]*|of|and|&)\s+){0,4}(?:Engineer|Developer|Designer|Manager|Scientist|Architect|Analyst|Programmer|Researcher|Consultant|Specialist|DevOps|SRE|Administrator)s?\b"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        let all = [
            &ROLE_NOUN,
            &ROLE_FIELD,
            &SEVERAL,
            &WORKPLACE,
            &REMOTE,
            &NOT_REMOTE,
            &PARTLY_REMOTE,
            &ON_SITE,
            &EMPLOYMENT,
            &INTERN,
            &VISA,
            &MONEY,
            &AMOUNT,
            &LINK,
            &PLACE,
            &LEGAL_FORM,
            &COMPANY_IN_TEXT,
            &ROLE_IN_TEXT,
            &NAMED_ROLE,
            &OFFER,
        ];
        assert!(all.iter().all(|pattern| pattern.compiles()));
    }
}
