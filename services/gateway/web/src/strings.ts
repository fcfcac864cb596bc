/** Every text that a person sees, put together of one file for each area. Another language is another catalogue of this shape. */

import { access } from "./strings/access";
import { applying } from "./strings/applying";
import { deleting } from "./strings/deleting";
import { home } from "./strings/home";
import { insights } from "./strings/insights";
import { mail } from "./strings/mail";
import { person } from "./strings/person";
import { practice } from "./strings/practice";
import { review } from "./strings/review";
import { settings } from "./strings/settings";
import { shell } from "./strings/shell";
import { start } from "./strings/start";
import { surveys } from "./strings/surveys";
import { terms } from "./strings/terms";
import { tracking } from "./strings/tracking";

export const t = {
  title: (page: string) => `${page} · Aerie`,
  ...shell,
  ...terms,
  ...home,
  ...review,
  ...tracking,
  ...access,
  ...applying,
  ...practice,
  ...mail,
  ...surveys,
  ...insights,
  ...person,
  ...settings,
  ...deleting,
  ...start,
};
