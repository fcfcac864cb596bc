/** What deleting everything takes along, in groups that a person knows. */

/** Tables of each group; whatever is in none of them is the rest. */
const GROUPS = {
  jobs: ["job"],
  materials: ["material"],
  mails: ["mail"],
  mailAccounts: ["mail_account"],
  dates: ["appointment", "reminder"],
  contacts: ["contact"],
  surveys: ["survey"],
  searches: ["search_profile"],
  integrations: ["integration"],
  keys: ["api_key", "web_session"],
};

export type Group = keyof typeof GROUPS | "rest";

/** Rows by group, in order; groups without any are left out. */
export function inGroups(tables: { table?: string; rows?: string }[]): [Group, number][] {
  const groups = Object.entries(GROUPS) as [Group, string[]][];
  const known = new Set(groups.flatMap(([, names]) => names));
  const sum = (is: (table: string) => boolean) => tables.filter((one) => is(one.table ?? "")).reduce((all, one) => all + Number(one.rows ?? 0), 0);
  const counted = groups.map(([group, names]): [Group, number] => [group, sum((table) => names.includes(table))]);
  counted.push(["rest", sum((table) => !known.has(table))]);
  return counted.filter(([, rows]) => rows > 0);
}
