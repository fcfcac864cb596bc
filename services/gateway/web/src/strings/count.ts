/** Numbers with the word that they count. */

export const plural = (count: number, one: string, many: string): string => `${count.toLocaleString("en-GB")} ${count === 1 ? one : many}`;
export const jobs = (count: number): string => plural(count, "job", "jobs");
