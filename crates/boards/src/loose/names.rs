//! Spellings of each field, most specific first.

pub(super) const TITLE: &[&str] = &[
    "jobtitle",
    "positiontitle",
    "postingtitle",
    "jobopeningname",
    "rolename",
    "title",
    "position",
    "role",
    "job",
    "stellentitel",
    "titel",
    "puesto",
    "intitule",
    "displaytitle",
    "normtitle",
    "text",
];
/// Names that mean a title only beside job-like fields.
pub(super) const TITLE_OR_NAME: &[&str] = &["name", "heading", "headline"];
pub(super) const COMPANY: &[&str] = &[
    "companyname",
    "hiringorganization",
    "employername",
    "employer",
    "organizationname",
    "organisationname",
    "company",
    "organization",
    "organisation",
    "advertiser",
    "advertisername",
    "firma",
    "unternehmen",
    "arbeitgeber",
    "empresa",
    "entreprise",
    "companyfullname",
    "truncatedcompany",
    "sourceemployername",
];
pub(super) const URL: &[&str] = &[
    "joburl",
    "jobpostingurl",
    "postingurl",
    "hostedurl",
    "absoluteurl",
    "canonicalpositionurl",
    "canonicalurl",
    "detailurl",
    "jobdetailurl",
    "viewjoblink",
    "viewjoburl",
    "externalurl",
    "url",
    "link",
    "joblink",
    "href",
    "permalink",
    "jobadurl",
    "positionurl",
    "redirecturl",
    "weburl",
    "shareurl",
    "sharelink",
    "seojoblink",
];
pub(super) const APPLY: &[&str] =
    &["applyurl", "applicationurl", "applylink", "applicationlink", "thirdpartyapplyurl", "companyapplyurl"];
pub(super) const ID: &[&str] = &[
    "jobid",
    "jobseqno",
    "reqid",
    "requisitionid",
    "jobkey",
    "jobreqid",
    "jobpostingid",
    "listingid",
    "shortcode",
    "postingid",
    "externalid",
    "refnumber",
    "sourceid",
    "id",
    "uuid",
    "guid",
    "jk",
];
/// The ids among them that only jobs have.
pub(super) const JOB_ID: &[&str] =
    &["jobid", "jobseqno", "reqid", "requisitionid", "jobkey", "jobreqid", "jobpostingid", "listingid", "shortcode"];
pub(super) const PLACE: &[&str] = &[
    "locationname",
    "joblocation",
    "formattedlocation",
    "locationstext",
    "citystatecountry",
    "citystate",
    "primarylocation",
    "worklocation",
    "location",
    "locations",
    "places",
    "place",
    "office",
    "offices",
    "ort",
    "arbeitsort",
    "standort",
    "lieu",
    "ubicacion",
    "formattedlocationfull",
    "joblocations",
    "multilocation",
];
pub(super) const CITY: &[&str] =
    &["city", "cityname", "locality", "addresslocality", "town", "joblocationcity", "stadt"];
pub(super) const REGION: &[&str] =
    &["state", "region", "province", "statename", "stateprovince", "addressregion", "joblocationstate", "bundesland"];
pub(super) const COUNTRY: &[&str] =
    &["country", "countryname", "countrycode", "addresscountry", "joblocationcountry", "land"];
pub(super) const REMOTE: &[&str] = &[
    "remote",
    "isremote",
    "workplacetype",
    "remotetype",
    "workarrangement",
    "worktype",
    "workmodel",
    "remotejob",
    "locationtype",
    "telecommute",
    "workplace",
];
pub(super) const REMOTE_SCOPE: &[&str] =
    &["remotescope", "candidaterequiredlocation", "locationrestrictions", "applicantlocationrequirements"];
pub(super) const DESCRIPTION: &[&str] = &[
    "descriptionhtml",
    "jobdescription",
    "jobdescriptiontext",
    "sanitizedjobdescription",
    "jobdescriptionhtml",
    "jobadcontent",
    "description",
    "descriptiontext",
    "descriptionplain",
    "content",
    "body",
    "beschreibung",
    "details",
    "fulldescription",
    "fragmentedjobdescription",
    "descriptionbody",
    "descripcion",
];
pub(super) const SNIPPET: &[&str] =
    &["descriptionteaser", "snippet", "excerpt", "summary", "shortdescription", "jobsummary", "abstract", "teaser"];
pub(super) const SECTIONS: &[(&str, &str)] = &[
    ("responsibilities", "Responsibilities"),
    ("requirements", "Requirements"),
    ("qualifications", "Qualifications"),
    ("benefits", "Benefits"),
    ("additional", "More"),
];
pub(super) const SALARY: &[&str] = &[
    "salaryrange",
    "salarytext",
    "salary",
    "compensation",
    "pay",
    "payrange",
    "wage",
    "gehalt",
    "salaire",
    "basesalary",
    "estimatedsalary",
    "salarysnippet",
    "salarydescription",
    "paytext",
    "remuneration",
];
pub(super) const SALARY_MIN: &[&str] =
    &["salarymin", "minsalary", "minimumsalary", "salaryfrom", "compensationmin", "paymin", "minpay", "minamount"];
pub(super) const SALARY_MAX: &[&str] =
    &["salarymax", "maxsalary", "maximumsalary", "salaryto", "compensationmax", "paymax", "maxpay", "maxamount"];
pub(super) const CURRENCY: &[&str] =
    &["salarycurrency", "currency", "currencycode", "paycurrency", "compensationcurrency"];
pub(super) const PERIOD: &[&str] = &[
    "salaryperiod",
    "salaryinterval",
    "payperiod",
    "interval",
    "salarytype",
    "compensationfrequency",
    "unittext",
    "salaryunit",
];
pub(super) const EMPLOYMENT: &[&str] = &[
    "employmenttype",
    "employmenttypes",
    "jobtype",
    "jobtypes",
    "employment",
    "employmentstatus",
    "contracttype",
    "contracttime",
    "commitment",
    "timetype",
    "schedule",
    "worktypes",
    "vertragsart",
    "positiontype",
];
pub(super) const SENIORITY: &[&str] =
    &["seniority", "senioritylevel", "joblevel", "experiencelevel", "careerlevel", "level"];
pub(super) const DEPARTMENT: &[&str] = &[
    "department",
    "hiringdepartment",
    "departmentname",
    "departmentlabel",
    "team",
    "category",
    "jobcategory",
    "function",
    "abteilung",
];
pub(super) const TAGS: &[&str] = &["tags", "skills", "keywords", "mlskills", "technologies", "stack"];
pub(super) const LANGUAGE: &[&str] = &["language", "lang", "locale"];
pub(super) const POSTED: &[&str] = &[
    "dateposted",
    "posteddate",
    "publisheddate",
    "datepublished",
    "publishedat",
    "publicationdate",
    "postedat",
    "postedon",
    "posted",
    "listedat",
    "firstpublished",
    "createdat",
    "created",
    "datecreated",
    "pubdate",
    "publishedon",
    "date",
    "published",
    "startdate",
    "formattedrelativetime",
    "age",
    "postingdate",
    "opendate",
];
pub(super) const UPDATED: &[&str] = &["updatedat", "dateupdated", "updated", "lastmodified", "datemodified"];
pub(super) const EXPIRES: &[&str] = &[
    "validthrough",
    "expiresat",
    "expirydate",
    "expirationdate",
    "expires",
    "closingdate",
    "deadline",
    "applicationdeadline",
    "enddate",
    "closedate",
    "deadlineat",
    "applicationclosedate",
];
pub(super) const CLOSED: &[&str] = &["closed", "isexpired", "expired", "isclosed", "inactive"];
pub(super) const ACTIVE: &[&str] = &["active", "isactive", "isopen"];
