/** Mails that belong to no job. */

import type { MailLabelJson } from "../gen/aerie/pipeline/v1/mail_service_pb";

/** What somebody may want to give a job. */
export const WAITING: MailLabelJson[] = [
  "MAIL_LABEL_INTERVIEW_SCHEDULED",
  "MAIL_LABEL_OFFER_RECEIVED",
  "MAIL_LABEL_REJECTED",
  "MAIL_LABEL_POSITIVE_RESPONSE",
  "MAIL_LABEL_SURVEY_RECEIVED",
  "MAIL_LABEL_EVENT_RESCHEDULED",
  "MAIL_LABEL_NEUTRAL",
];

/** What belongs to no job by what it is. */
export const PUT_AWAY: MailLabelJson[] = ["MAIL_LABEL_UNRELATED", "MAIL_LABEL_DIGEST"];
