/** Invented openings for looking around, as job postings of schema.org. */

import type { ProfileJson, SearchProfileJson } from "../gen/aerie/pipeline/v1/profile_service_pb";

interface Sample {
  title: string;
  company: string;
  city: string;
  country: string;
  remote: boolean;
  pay: [number, number, string];
  age: number;
  does: string;
  duties: string[];
  skills: string[];
}

const SAMPLES: Sample[] = [
  { title: "Senior Backend Engineer", company: "Tern Logistics", city: "Berlin", country: "DE", remote: true, pay: [85000, 105000, "EUR"], age: 2, does: "We route parcels of small shops through towns on cargo bikes.", duties: ["Own the routing service and its PostgreSQL database", "Bring response times of the gRPC interfaces down"], skills: ["Rust", "PostgreSQL", "gRPC", "Kubernetes"] },
  { title: "Platform Engineer", company: "Fjord Health", city: "Oslo", country: "NO", remote: true, pay: [820000, 960000, "NOK"], age: 5, does: "We run appointment systems for two hundred clinics.", duties: ["Run our Kubernetes clusters", "Make deployments boring"], skills: ["Kubernetes", "Linux", "Python", "Terraform"] },
  { title: "Rust Engineer, Storage", company: "Limestone", city: "Hamburg", country: "DE", remote: false, pay: [90000, 110000, "EUR"], age: 1, does: "We build an archive for measurements that must be kept for a century.", duties: ["Work on the storage engine", "Write property tests for crash recovery"], skills: ["Rust", "Linux"] },
  { title: "Data Engineer", company: "Meadow Energy", city: "Copenhagen", country: "DK", remote: false, pay: [620000, 720000, "DKK"], age: 12, does: "We forecast what wind parks will yield.", duties: ["Keep pipelines of weather data running", "Model time series"], skills: ["Python", "SQL", "Airflow"] },
  { title: "Software Engineer, Payments", company: "Quince Pay", city: "Amsterdam", country: "NL", remote: true, pay: [75000, 92000, "EUR"], age: 8, does: "We settle payments between market halls and farms.", duties: ["Build the ledger", "Talk to banks' interfaces"], skills: ["Python", "PostgreSQL", "Docker"] },
  { title: "Engineering Manager", company: "Tern Logistics", city: "Berlin", country: "DE", remote: false, pay: [105000, 125000, "EUR"], age: 20, does: "We route parcels of small shops through towns on cargo bikes.", duties: ["Lead a team of seven", "Hire, coach, plan"], skills: ["Leadership", "Rust"] },
  { title: "Site Reliability Engineer", company: "Harbour Cloud", city: "Rotterdam", country: "NL", remote: true, pay: [80000, 98000, "EUR"], age: 3, does: "We host software for public libraries.", duties: ["Share an on-call rota of eight", "Write what makes alerts unnecessary"], skills: ["Linux", "Kubernetes", "Prometheus", "Go"] },
  { title: "Junior Web Developer", company: "Papercut Studio", city: "Leipzig", country: "DE", remote: false, pay: [38000, 44000, "EUR"], age: 6, does: "We make sites for museums.", duties: ["Build pages with a small team", "Care for accessibility"], skills: ["TypeScript", "CSS", "Accessibility"] },
  { title: "Observability Engineer", company: "Nimbus Tools", city: "London", country: "GB", remote: true, pay: [70000, 90000, "GBP"], age: 9, does: "We sell tracing that small teams can afford.", duties: ["Work on our OpenTelemetry collector", "Keep ingestion fast"], skills: ["Rust", "OpenTelemetry", "Kafka"] },
  { title: "Backend Developer (Python)", company: "Green Ledger", city: "Munich", country: "DE", remote: false, pay: [65000, 80000, "EUR"], age: 15, does: "We count the emissions of supply chains.", duties: ["Design interfaces", "Review the work of others"], skills: ["Python", "Django", "PostgreSQL"] },
  { title: "Embedded Rust Engineer", company: "Skylark Sensors", city: "Dresden", country: "DE", remote: false, pay: [70000, 88000, "EUR"], age: 4, does: "We measure the air in forests.", duties: ["Write firmware", "Test it on a roof"], skills: ["Rust", "C", "Linux"] },
  { title: "Staff Engineer, Search", company: "Bookfinch", city: "Vienna", country: "AT", remote: true, pay: [95000, 120000, "EUR"], age: 7, does: "We help readers find second-hand books.", duties: ["Set the direction of search", "Speed up the index"], skills: ["Rust", "Elasticsearch", "PostgreSQL"] },
];

const DAY = 24 * 3_600_000;

/** The openings as a file that ImportJobs reads, dated back from now. */
export function sampleFile(now: Date): string {
  const postings = SAMPLES.map((one, index) => ({
    "@context": "https://schema.org",
    "@type": "JobPosting",
    title: one.title,
    url: `https://${one.company.toLowerCase().replace(/\W+/g, "-")}.example/jobs/${index + 1}`,
    hiringOrganization: { "@type": "Organization", name: one.company },
    datePosted: new Date(now.getTime() - one.age * DAY).toISOString().slice(0, 10),
    employmentType: "FULL_TIME",
    ...(one.remote ? { jobLocationType: "TELECOMMUTE" } : {}),
    jobLocation: {
      "@type": "Place",
      address: { "@type": "PostalAddress", addressLocality: one.city, addressCountry: one.country },
    },
    baseSalary: {
      "@type": "MonetaryAmount",
      currency: one.pay[2],
      value: { "@type": "QuantitativeValue", minValue: one.pay[0], maxValue: one.pay[1], unitText: "YEAR" },
    },
    description: [
      `<p>${one.does}</p>`,
      "<h2>What you will do</h2>",
      `<ul>${one.duties.map((duty) => `<li>${duty}</li>`).join("")}</ul>`,
      "<h2>What you bring</h2>",
      `<p>You know ${one.skills.join(", ")} well, and like to explain what you do.</p>`,
      "<p>This opening is invented, for looking around in Aerie.</p>",
    ].join(""),
  }));
  return JSON.stringify(postings);
}

/** An invented person whom some of them fit. */
export const SAMPLE_PROFILE: ProfileJson = {
  fullName: "Ada Example",
  summary: "Backend engineer with eight years of Rust and Python, most of it on payment and logistics systems.",
  skills: ["Rust", "Python", "PostgreSQL", "gRPC", "Docker", "Kubernetes", "Linux"],
  seniority: "SENIORITY_SENIOR",
  places: ["Berlin", "Hamburg"],
  remotePreference: "REMOTE_KIND_REMOTE",
  salaryMinimum: 80000,
  salaryCurrency: "EUR",
  keywords: ["storage engines", "observability"],
  dislikes: ["gambling"],
  learnFromDecisions: true,
  workPermits: ["DE", "NL"],
};

export const SAMPLE_SEARCH: SearchProfileJson = {
  name: "backend",
  titles: ["Backend Engineer", "Rust Engineer", "Platform Engineer"],
  places: ["Berlin", "Remote"],
  maxAgeDays: 45,
  matchTitles: true,
};
