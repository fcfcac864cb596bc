//! Larger cities of the world, so that a city alone says its country.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::lookup_key;

/// A city of the table.
#[derive(Debug, Clone, Copy)]
pub(super) struct City {
    /// Common English name.
    pub(super) name: &'static str,
    /// ISO 3166-1 alpha-2 code.
    pub(super) country: &'static str,
    /// Postal code of the state or province; empty outside the United States, Canada and Australia.
    pub(super) region: &'static str,
}

/// `country/region` (region only where it has a postal code), then the cities, each with aliases behind `=`.
/// Where several cities share a name, the one that postings mean without further words stands here.
const CITIES: &[(&str, &str)] = &[
    (
        "US/NY",
        "New York=nyc|new york city|manhattan|brooklyn|queens|bronx|the bronx|staten island|new york metro|n y c;Buffalo;Rochester;Albany;Syracuse;White Plains;Ithaca;Yonkers",
    ),
    (
        "US/CA",
        "San Francisco=sf|s f|bay area|sf bay area|san francisco bay area|san fran|san francisco bay;Los Angeles=la|l a|greater los angeles;San Diego;San Jose=silicon valley;Oakland;Sacramento;Palo Alto;Mountain View;Menlo Park;Sunnyvale;Santa Clara;Cupertino;Redwood City;San Mateo;Fremont;Berkeley;Irvine;Santa Monica;Pasadena;Culver City;Long Beach;Foster City;South San Francisco;Burlingame;Emeryville;Pleasanton;Burbank;El Segundo;Santa Barbara;Carlsbad;San Bruno;Los Gatos;Milpitas;Newport Beach;Costa Mesa;Hawthorne;Playa Vista;San Ramon;Walnut Creek;Anaheim;Fresno;Santa Cruz;Hayward",
    ),
    ("US/WA", "Seattle;Bellevue;Redmond;Kirkland;Spokane;Tacoma"),
    ("US/DC", "Washington=washington dc|washington d c|dc metro|d c metro|washington dc baltimore|dmv"),
    ("US/MA", "Boston;Somerville;Waltham;Framingham;Quincy;Marlborough"),
    (
        "US/TX",
        "Austin;Dallas;Houston;San Antonio;Fort Worth=ft worth;Plano;Irving;Frisco;Round Rock;El Paso;Dallas-Fort Worth=dallas fort worth|dfw;The Woodlands;Richardson",
    ),
    ("US/IL", "Chicago=chicagoland;Evanston;Naperville"),
    ("US/CO", "Denver;Boulder;Colorado Springs;Fort Collins;Broomfield"),
    ("US/GA", "Atlanta;Alpharetta;Savannah"),
    ("US/FL", "Miami;Tampa;Orlando;Jacksonville;Fort Lauderdale=ft lauderdale;Boca Raton;West Palm Beach;Tallahassee"),
    ("US/PA", "Philadelphia=philly;Pittsburgh;Harrisburg;King of Prussia"),
    ("US/AZ", "Phoenix;Scottsdale;Tempe;Tucson;Chandler;Mesa"),
    (
        "US/NC",
        "Charlotte;Raleigh=raleigh durham|research triangle park|research triangle|rtp;Durham;Chapel Hill;Greensboro;Cary",
    ),
    ("US/OR", "Portland;Beaverton;Hillsboro;Eugene"),
    ("US/UT", "Salt Lake City=slc;Lehi;Provo;Draper;Sandy"),
    ("US/MI", "Detroit;Ann Arbor;Grand Rapids;Dearborn;Lansing"),
    ("US/MN", "Minneapolis=minneapolis st paul|twin cities;St. Paul=saint paul|st paul"),
    ("US/MO", "St. Louis=saint louis|st louis;Kansas City"),
    ("US/OH", "Columbus;Cleveland;Cincinnati;Dayton;Akron"),
    ("US/TN", "Nashville;Memphis;Knoxville;Chattanooga"),
    (
        "US/VA",
        "Arlington;Reston;McLean;Richmond;Herndon;Virginia Beach;Tysons=tysons corner;Chantilly;Norfolk;Ashburn;Charlottesville",
    ),
    ("US/MD", "Baltimore;Bethesda;Rockville;Silver Spring;Annapolis;Gaithersburg"),
    ("US/NJ", "Jersey City;Newark;Princeton;Hoboken;Trenton;Iselin;Parsippany"),
    ("US/CT", "Stamford;Hartford;New Haven"),
    ("US/NV", "Las Vegas;Reno;Henderson"),
    ("US/WI", "Milwaukee;Madison"),
    ("US/IN", "Indianapolis;Fort Wayne"),
    ("US/LA", "New Orleans;Baton Rouge"),
    ("US/KY", "Louisville;Lexington"),
    ("US/OK", "Oklahoma City;Tulsa"),
    ("US/NE", "Omaha;Lincoln"),
    ("US/AL", "Huntsville;Montgomery;Mobile"),
    ("US/SC", "Charleston;Greenville;Columbia"),
    ("US/NM", "Albuquerque;Santa Fe;Los Alamos"),
    ("US/ID", "Boise;Idaho Falls"),
    ("US/IA", "Des Moines;Cedar Rapids;Ames"),
    ("US/RI", "Providence"),
    ("US/NH", "Nashua"),
    ("US/HI", "Honolulu"),
    ("US/AK", "Anchorage"),
    ("US/KS", "Wichita;Overland Park"),
    ("US/AR", "Bentonville;Little Rock"),
    ("US/DE", "Wilmington"),
    ("US/VT", "Burlington"),
    ("US/MT", "Bozeman;Missoula"),
    ("US/SD", "Sioux Falls"),
    ("US/ND", "Fargo"),
    (
        "CA/ON",
        "Toronto=greater toronto area|gta;Ottawa;Waterloo=kitchener waterloo;Kitchener;Mississauga;Markham;Hamilton;Kanata;Oakville;Brampton;Guelph",
    ),
    ("CA/BC", "Vancouver;Burnaby;Victoria;Surrey;Kelowna"),
    ("CA/QC", "Montreal;Quebec City=ville de quebec;Laval;Gatineau;Sherbrooke"),
    ("CA/AB", "Calgary;Edmonton"),
    ("CA/MB", "Winnipeg"),
    ("CA/NS", "Halifax"),
    ("CA/SK", "Saskatoon;Regina"),
    ("CA/NB", "Fredericton;Moncton"),
    ("CA/NL", "St. John's=st john s|st johns"),
    ("AU/NSW", "Sydney;Wollongong"),
    ("AU/VIC", "Melbourne;Geelong"),
    ("AU/QLD", "Brisbane;Gold Coast"),
    ("AU/WA", "Perth"),
    ("AU/SA", "Adelaide"),
    ("AU/ACT", "Canberra"),
    ("AU/TAS", "Hobart"),
    (
        "GB",
        "London=greater london|london area|city of london;Manchester;Edinburgh;Glasgow;Birmingham;Bristol;Leeds;Cambridge;Oxford;Belfast;Cardiff;Liverpool;Reading;Sheffield;Nottingham;Newcastle upon Tyne=newcastle|newcastle upon tyne;Brighton;Southampton;Milton Keynes;Bath;York;Leicester;Exeter;Coventry;Guildford;Slough;Aberdeen;Portsmouth;Norwich;Cheltenham",
    ),
    ("IE", "Dublin;Cork;Galway;Limerick"),
    (
        "DE",
        "Berlin;Munich=munchen|muenchen|monaco di baviera;Hamburg;Frankfurt=frankfurt am main|frankfurt a m|frankfurt main;Cologne=koln|koeln;Stuttgart;Düsseldorf=dusseldorf|duesseldorf;Leipzig;Dresden;Nuremberg=nurnberg|nuernberg;Karlsruhe;Hanover=hannover;Bremen;Bonn;Mannheim;Heidelberg;Essen;Dortmund;Potsdam;Münster=munster westfalen|muenster;Aachen;Freiburg=freiburg im breisgau;Wolfsburg;Ulm;Augsburg;Regensburg;Darmstadt;Mainz;Wiesbaden;Ingolstadt;Walldorf;Kiel;Braunschweig;Bielefeld;Würzburg;Jena;Rostock;Erlangen;Garching",
    ),
    ("AT", "Vienna=wien;Graz;Linz;Salzburg;Innsbruck"),
    (
        "CH",
        "Zurich=zuerich;Geneva=geneve|genf;Basel=bale;Bern=berne;Lausanne;Zug;Lugano;Lucerne=luzern;Winterthur;St. Gallen=st gallen|sankt gallen",
    ),
    (
        "FR",
        "Paris=paris area|greater paris;Lyon=lyons;Toulouse;Marseille=marseilles;Nice;Bordeaux;Lille;Nantes;Grenoble;Strasbourg;Montpellier;Rennes;Sophia Antipolis;La Défense;Aix-en-Provence",
    ),
    ("ES", "Madrid;Barcelona;Valencia;Seville=sevilla;Málaga;Bilbao;Zaragoza;Palma de Mallorca=palma;Granada;Alicante"),
    ("PT", "Lisbon=lisboa;Porto=oporto;Braga;Coimbra;Aveiro"),
    (
        "IT",
        "Milan=milano;Rome=roma;Turin=torino;Florence=firenze;Bologna;Naples=napoli;Genoa=genova;Padua=padova;Venice=venezia;Verona;Trento;Pisa",
    ),
    (
        "NL",
        "Amsterdam=amsterdam area;Rotterdam;The Hague=den haag|s gravenhage|hague;Utrecht;Eindhoven;Delft;Groningen;Leiden;Nijmegen;Arnhem;Haarlem;Tilburg;Breda;Hilversum;Amersfoort;Veldhoven",
    ),
    ("BE", "Brussels=bruxelles|brussel;Antwerp=antwerpen;Ghent=gent;Leuven=louvain;Liège;Bruges=brugge;Mechelen"),
    ("LU", "Luxembourg City=luxembourg ville"),
    ("DK", "Copenhagen=kobenhavn|koebenhavn;Aarhus=arhus;Odense;Aalborg"),
    ("SE", "Stockholm;Gothenburg=goteborg;Malmö=malmo|malmoe;Uppsala;Linköping;Lund;Västerås;Umeå"),
    ("NO", "Oslo;Bergen;Trondheim;Stavanger"),
    ("FI", "Helsinki=helsingfors;Espoo;Tampere;Oulu;Turku;Vantaa"),
    ("IS", "Reykjavik"),
    ("PL", "Warsaw=warszawa;Krakow=cracow;Wroclaw;Gdansk;Poznan;Lodz;Katowice;Gdynia;Szczecin;Lublin;Rzeszow"),
    ("CZ", "Prague=praha|prag;Brno;Ostrava;Plzen"),
    ("SK", "Bratislava;Kosice"),
    ("HU", "Budapest;Debrecen;Szeged"),
    ("RO", "Bucharest=bucuresti;Cluj-Napoca=cluj;Timisoara;Iasi;Brasov;Sibiu"),
    ("BG", "Sofia;Plovdiv;Varna"),
    ("GR", "Athens=athina;Thessaloniki;Patras"),
    ("CY", "Nicosia;Limassol;Larnaca"),
    ("MT", "Valletta;Sliema;St. Julian's=st julian s|st julians"),
    ("HR", "Zagreb;Split"),
    ("SI", "Ljubljana;Maribor"),
    ("RS", "Belgrade=beograd;Novi Sad;Nis"),
    ("BA", "Sarajevo;Banja Luka"),
    ("MK", "Skopje"),
    ("AL", "Tirana"),
    ("ME", "Podgorica"),
    ("XK", "Pristina=prishtina"),
    ("EE", "Tallinn;Tartu"),
    ("LV", "Riga"),
    ("LT", "Vilnius;Kaunas"),
    ("UA", "Kyiv=kiev;Lviv=lvov;Kharkiv=kharkov;Odesa=odessa;Dnipro"),
    ("BY", "Minsk"),
    ("MD", "Chisinau"),
    ("RU", "Moscow=moskva;Saint Petersburg=st petersburg|sankt peterburg|spb;Novosibirsk;Kazan;Yekaterinburg"),
    ("GE", "Tbilisi;Batumi"),
    ("AM", "Yerevan"),
    ("AZ", "Baku"),
    ("KZ", "Almaty;Astana=nur sultan"),
    ("UZ", "Tashkent"),
    ("TR", "Istanbul;Ankara;Izmir;Antalya;Bursa"),
    (
        "IL",
        "Tel Aviv=tel aviv yafo|tel aviv jaffa|tlv;Haifa;Jerusalem;Herzliya;Ramat Gan;Petah Tikva;Raanana=ra anana;Netanya;Be'er Sheva=beer sheva|be er sheva;Yokneam;Hod HaSharon",
    ),
    ("AE", "Dubai;Abu Dhabi;Sharjah"),
    ("SA", "Riyadh;Jeddah;Dammam;Dhahran"),
    ("QA", "Doha"),
    ("KW", "Kuwait City"),
    ("BH", "Manama"),
    ("OM", "Muscat"),
    ("JO", "Amman"),
    ("LB", "Beirut"),
    ("EG", "Cairo;Giza;Alexandria"),
    ("MA", "Casablanca;Rabat;Marrakesh=marrakech;Tangier"),
    ("TN", "Tunis"),
    ("DZ", "Algiers=alger"),
    ("NG", "Lagos;Abuja"),
    ("KE", "Nairobi;Mombasa"),
    ("GH", "Accra"),
    ("ET", "Addis Ababa"),
    ("UG", "Kampala"),
    ("RW", "Kigali"),
    ("TZ", "Dar es Salaam"),
    ("SN", "Dakar"),
    ("CI", "Abidjan"),
    ("ZA", "Johannesburg=joburg;Cape Town;Durban;Pretoria;Stellenbosch;Sandton;Centurion"),
    (
        "IN",
        "Bengaluru=bangalore|bangalore urban|bengaluru urban|blr;Mumbai=bombay|navi mumbai;Delhi=new delhi|delhi ncr|ncr;Hyderabad;Chennai=madras;Pune;Gurugram=gurgaon;Noida=greater noida;Kolkata=calcutta;Ahmedabad;Jaipur;Kochi=cochin;Coimbatore;Thiruvananthapuram=trivandrum;Chandigarh;Indore;Mohali;Nagpur;Vadodara;Bhubaneswar;Mysuru=mysore",
    ),
    ("PK", "Karachi;Lahore;Islamabad;Rawalpindi"),
    ("BD", "Dhaka"),
    ("LK", "Colombo"),
    ("NP", "Kathmandu"),
    ("SG", "Singapore=singapore city"),
    ("MY", "Kuala Lumpur=kl;Penang=george town;Petaling Jaya;Cyberjaya;Johor Bahru"),
    ("TH", "Bangkok=krung thep;Chiang Mai;Phuket"),
    ("VN", "Ho Chi Minh City=ho chi minh|saigon|hcmc|tp ho chi minh;Hanoi=ha noi;Da Nang=danang"),
    ("ID", "Jakarta=greater jakarta;Bandung;Surabaya;Bali=denpasar;Yogyakarta"),
    (
        "PH",
        "Manila=metro manila;Makati=makati city;Cebu=cebu city;Taguig=taguig city|bgc|bonifacio global city;Quezon City;Pasig=pasig city;Davao=davao city",
    ),
    ("KH", "Phnom Penh"),
    ("MM", "Yangon"),
    (
        "CN",
        "Beijing=peking|bei jing;Shanghai=shang hai;Shenzhen=shen zhen;Guangzhou=guang zhou;Hangzhou=hang zhou;Chengdu=cheng du;Suzhou;Nanjing;Wuhan;Xi'an=xi an|xian;Dalian;Tianjin;Chongqing;Zhuhai;Dongguan;Xiamen;Qingdao",
    ),
    ("HK", "Hong Kong=kowloon"),
    ("MO", "Macau=macao city"),
    ("TW", "Taipei=tai bei|taipei city;Hsinchu;Taichung;Kaohsiung;Tainan"),
    (
        "JP",
        "Tokyo=dong jing|tokyo to|tokyo metropolis|minato ku|shibuya|shibuya ku|chiyoda ku|shinjuku;Osaka;Kyoto;Yokohama;Nagoya;Fukuoka;Kobe;Sapporo",
    ),
    ("KR", "Seoul=seoul city;Busan;Pangyo;Seongnam;Incheon;Daejeon;Suwon"),
    ("MN", "Ulaanbaatar"),
    ("NZ", "Auckland;Wellington;Christchurch;Dunedin"),
    (
        "BR",
        "São Paulo=sao paulo|sampa;Rio de Janeiro=rio;Belo Horizonte;Curitiba;Porto Alegre;Brasília=brasilia;Florianópolis=florianopolis;Recife;Campinas;Fortaleza",
    ),
    ("AR", "Buenos Aires=caba|ciudad autonoma de buenos aires|ciudad de buenos aires;Córdoba=cordoba;Rosario;Mendoza"),
    ("CL", "Santiago=santiago de chile;Valparaíso=valparaiso"),
    ("CO", "Bogotá=bogota|bogota d c;Medellín=medellin;Cali;Barranquilla"),
    ("PE", "Lima"),
    ("UY", "Montevideo"),
    ("PY", "Asunción"),
    ("BO", "La Paz;Santa Cruz de la Sierra"),
    ("EC", "Quito;Guayaquil"),
    ("VE", "Caracas"),
    (
        "MX",
        "Mexico City=ciudad de mexico|cdmx|mexico df|mexico d f;Guadalajara;Monterrey;Tijuana;Querétaro=queretaro;Puebla;Mérida",
    ),
    ("CR", "San José=san jose costa rica|heredia"),
    ("PA", "Panama City=ciudad de panama"),
    ("GT", "Guatemala City"),
    ("SV", "San Salvador"),
    ("DO", "Santo Domingo"),
    ("PR", "San Juan"),
    ("JM", "Kingston"),
    ("CU", "Havana=la habana"),
];

static BY_NAME: LazyLock<HashMap<String, City>> = LazyLock::new(|| {
    let mut cities = HashMap::new();
    for (place, list) in CITIES {
        let (country, region) = place.split_once('/').unwrap_or((place, ""));
        for entry in list.split(';') {
            let (name, aliases) = entry.split_once('=').unwrap_or((entry, ""));
            let city = City { name, country, region };
            cities.entry(lookup_key(name)).or_insert(city);
            for alias in aliases.split('|').filter(|alias| !alias.is_empty()) {
                cities.entry(alias.to_owned()).or_insert(city);
            }
        }
    }
    cities
});

/// A city by its name in lookup form.
pub(super) fn by_name(key: &str) -> Option<City> {
    BY_NAME.get(key).copied()
}
