import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { RESUME } from "./resume";
import { scored } from "./scored";
import { suggestions } from "./suggestions";
import { call, jobOf, pending, Surfer } from "./world";

const url = inject("demo");
const surfer = new Surfer();

interface Letter {
  chosenVersion?: number;
  versions?: { number: number; author: string; text: string }[];
}

const letterOf = async (job: string) => (await call<{ letter: Letter }>(url, "LettersService/GetLetter", { jobId: job })).letter;

/** A job that was approved, with nothing written for it. */
async function approved(): Promise<string> {
  const [job] = await pending(url, 1, { orderBy: "create_time desc" });
  await call(url, "JobsService/ReviewJob", { jobId: job!.id, decision: "REVIEW_DECISION_APPROVE" });
  return job!.id;
}

beforeAll(() => surfer.open());
afterAll(async () => {
  await surfer.close();
  expect(surfer.complaints.join("\n")).toBe("");
});

describe("a résumé", () => {
  it("is read from a file, checked beside its source, and corrected", async () => {
    const page = await surfer.page();
    await page.goto(`${url}/settings/profile`);
    await page.getByLabel("Choose a file").setInputFiles({ name: "cv.txt", mimeType: "text/plain", buffer: Buffer.from(RESUME) });
    await page.getByText(/skills recognised/).waitFor();
    const source = page.getByRole("region", { name: "The text that was read" });
    await source.getByText("reads 4 million lines").waitFor();
    const mail = page.getByRole("textbox", { name: "Mail address" });
    await expect.poll(() => mail.inputValue()).toBe("ada@example.com");
    await mail.focus();
    await expect.poll(() => source.locator("mark").allTextContents()).toEqual(["ada@example.com"]);
    const check = page.locator("form", { has: page.getByRole("heading", { name: "What was read" }) });
    await check.getByRole("textbox", { name: "Headline" }).fill("Engineer of parsers");
    await check.getByRole("button", { name: "Save" }).click();
    await check.getByText("Saved", { exact: true }).waitFor();
    const stored = await call<{ resume: { contact: { headline: { value: string; source?: object }; email: { source?: object } } } }>(url, "ProfileService/GetResume", {});
    expect(stored.resume.contact.headline).toEqual({ value: "Engineer of parsers" });
    expect(stored.resume.contact.email.source).toBeDefined();
    await scored(url);
    await page.context().close();
  });
});

describe("the tailored résumé", () => {
  it("is shown page by page as the file that it becomes, once it is there", async () => {
    const job = await approved();
    const page = await surfer.page();
    await page.goto(`${url}/jobs/${job}/resume`);
    const preview = page.getByRole("region", { name: "As a PDF" });
    const go = page.locator("form", { has: page.getByRole("checkbox", { name: "Only reorder" }) }).getByRole("button");
    await go.waitFor();
    expect(await preview.count(), "nothing was tailored yet").toBe(0);
    await go.click();
    await preview.getByRole("img", { name: /^Page 1 of/ }).waitFor();
    const text = preview.locator("details");
    await text.getByText("The text of the pages").click();
    const { resume } = await call<{ resume: { markdown: string } }>(url, "LettersService/GetTailoredResume", { jobId: job });
    expect(await text.textContent()).toContain(/^# (.+)$/m.exec(resume.markdown)![1]);
    // The choice is one for letters and résumés.
    await preview.getByRole("checkbox", { name: "Show the pages" }).uncheck();
    await page.reload();
    await preview.getByRole("checkbox", { name: "Show the pages" }).waitFor();
    expect(await preview.getByRole("img").count()).toBe(0);
    await page.context().close();
  });
});

describe("a letter", () => {
  it("is written, edited, marked where nothing supports it, compared, chosen and made a file", async () => {
    const job = await approved();
    const page = await surfer.page();
    await page.goto(`${url}/jobs/${job}`);
    await page.getByRole("link", { name: "Letter", exact: true }).click();
    await page.getByText("No letter yet.").waitFor();
    await page.getByRole("button", { name: "Write", exact: true }).click();
    await page.getByText("Version 1 · by template").waitFor();

    await page.getByRole("button", { name: "Edit" }).click();
    await page.getByRole("textbox", { name: "Text of the letter" }).fill("I led 250 engineers at Initech.\n\nI bring Rust and PostgreSQL.");
    await page.getByRole("button", { name: "Save as a version" }).click();
    await page.getByText("Version 2 · by you").waitFor();
    const mark = page.getByRole("region", { name: "Letter", exact: true }).locator("mark.against");
    await expect.poll(() => mark.allTextContents()).toContain("Initech");
    await page.getByText(/does not support:|do not support:/).waitFor();

    await page.getByLabel("Compare with").selectOption({ label: "Version 1" });
    await page.getByRole("heading", { name: "From version 1 to version 2" }).waitFor();
    await expect.poll(async () => (await page.locator("ins").allTextContents()).join("")).toContain("Initech");

    await page.getByRole("button", { name: "Version 1", exact: true }).click();
    await page.getByRole("button", { name: "Choose this version" }).click();
    await expect.poll(async () => (await letterOf(job)).chosenVersion).toBe(1);
    expect((await letterOf(job)).versions?.map((one) => one.author)).toEqual(["AUTHOR_PERSON", "AUTHOR_TEMPLATE"]);

    const download = page.waitForEvent("download");
    await page.getByRole("group", { name: "Download" }).getByRole("button", { name: "PDF" }).click();
    expect((await download).suggestedFilename()).toMatch(/_Letter_.*\.pdf$/);
    await page.getByText(/\.pdf, 1 page/).waitFor();
    await page.context().close();
  });

  it("is shown page by page as the file that it becomes, and again when another version is saved or opened", async () => {
    const job = await approved();
    const page = await surfer.page();
    await page.goto(`${url}/jobs/${job}/letter`);
    await page.getByRole("button", { name: "Write", exact: true }).click();
    await page.getByText("Version 1 · by template").waitFor();
    const preview = page.getByRole("region", { name: "As a PDF" });
    const sheet = preview.getByRole("img", { name: "Page 1 of 1" });
    await sheet.waitFor();
    const ink = () =>
      sheet.evaluate((canvas: HTMLCanvasElement) => {
        const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
        return data.filter((value, at) => at % 4 === 0 && value < 128).length;
      });
    expect(await ink()).toBeGreaterThan(1_000);
    const text = preview.locator("details");
    await text.getByText("The text of the pages").click();
    const [first] = (await letterOf(job)).versions!;
    expect(await text.textContent()).toContain(first!.text.split(/[\s,]+/)[0]);

    await page.getByRole("button", { name: "Edit" }).click();
    await page.getByRole("textbox", { name: "Text of the letter" }).fill("Only twelve words of mine stand in the second version of it.");
    await page.getByRole("button", { name: "Save as a version" }).click();
    await text.getByText("Only twelve words of mine").waitFor();
    await page.getByRole("button", { name: "Version 1", exact: true }).click();
    await expect.poll(() => text.textContent()).not.toContain("Only twelve words");

    await preview.getByRole("checkbox", { name: "Show the pages" }).uncheck();
    await sheet.waitFor({ state: "detached" });
    await page.reload();
    await preview.getByRole("checkbox", { name: "Show the pages" }).waitFor();
    expect(await sheet.count()).toBe(0);
    await page.context().close();
  });

  it("says why it was not changed where no model is there to follow the wish", async () => {
    const job = await approved();
    const page = await surfer.page();
    await page.goto(`${url}/jobs/${job}/letter`);
    await page.getByRole("button", { name: "Write", exact: true }).click();
    await page.getByText("Version 1 · by template").waitFor();
    await page.getByRole("textbox", { name: "What should be different" }).fill("shorter");
    await page.getByRole("button", { name: "Change version 1" }).click();
    await page.getByRole("alert").getByText("no model here can follow a wish").waitFor();
    expect((await letterOf(job)).versions?.length).toBe(1);
    await page.context().close();
  });

  it("goes with answers to the questions of the form", async () => {
    const job = await approved();
    const page = await surfer.page();
    await page.goto(`${url}/jobs/${job}/letter`);
    await page.getByRole("textbox", { name: "Question" }).fill("Why do you want to work here?");
    await page.getByRole("button", { name: "Suggest an answer" }).click();
    const answer = page.getByRole("textbox", { name: /^Answer/ });
    await answer.waitFor();
    await answer.fill("Because of the parser.");
    await page.getByRole("region", { name: "Questions of the form" }).getByRole("button", { name: "Save" }).click();
    await expect
      .poll(async () => (await call<{ questions?: { answer: string }[] }>(url, "LettersService/ListQuestions", { jobId: job })).questions?.[0]?.answer)
      .toBe("Because of the parser.");
    await page.context().close();
  });
});

describe("an interview", () => {
  it("is prepared and practised", async () => {
    const job = await approved();
    const page = await surfer.page();
    await page.goto(`${url}/jobs/${job}/research`);
    await page.getByRole("button", { name: "Prepare questions" }).click();
    await page.getByText("To ask them").waitFor();
    await page.getByRole("spinbutton", { name: "Questions" }).fill("1");
    await page.getByRole("button", { name: "Begin an interview" }).click();
    await page.getByRole("textbox", { name: "Your answer" }).fill("At Northwind I built a parser in Rust; it now reads 4 million lines a day.");
    await page.getByRole("button", { name: "Answer", exact: true }).click();
    await page.getByText(/[1-5] of 5/).first().waitFor();
    await page.getByText(/^Ended/).waitFor();
    await page.context().close();
  });
});

describe("what mails suggest", () => {
  it("waits on the board with its evidence until it is accepted or dismissed", async () => {
    const job = await approved();
    await call(url, "JobsService/MoveJob", { jobId: job, status: "JOB_STATUS_APPLIED" });
    const { posting } = await jobOf(url, job);
    // No mailbox is there to be read; the server's word on what it found in one is stood in for.
    const open = suggestions(job, posting.company, posting.title);
    const asked: Record<string, unknown> = {};
    const page = await surfer.page({ timezoneId: "Europe/Berlin" });
    await page.route("**/aerie.pipeline.v1.MailService/*", async (route) => {
      const name = route.request().url().split("/").at(-1) ?? "";
      if (name === "ListSuggestions" || name === "ListMails") {
        await route.fulfill({ json: name === "ListMails" ? {} : { suggestions: open } });
        return;
      }
      const request = route.request().postDataJSON() as { suggestionId: string };
      asked[name] = request;
      open.splice(open.findIndex((one) => one.id === request.suggestionId), 1);
      await route.fulfill({ json: {} });
    });
    await page.goto(`${url}/board`);
    const list = page.getByRole("region", { name: "2 suggestions from mail" });
    await list.getByText("We would like to invite you to a first call.").waitFor();
    await list.getByText("certain", { exact: true }).waitFor();
    await list.getByText("a guess, 60 % sure").waitFor();
    await list.getByText("Move from Applied to Phone screen. Enter First call: 6 May 2031, 10:30.").waitFor();
    expect(await list.getByLabel("Time zone, which the mail does not say").inputValue()).toBe("Europe/Berlin");
    await list.getByRole("button", { name: /^Accept/ }).first().focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "1 suggestion from mail" }).waitFor();
    expect(asked["AcceptSuggestion"]).toEqual({ suggestionId: "a", timeZone: "Europe/Berlin" });
    await page.getByRole("button", { name: /^Dismiss/ }).click();
    await expect.poll(() => page.getByText("from mail", { exact: false }).count()).toBe(0);
    expect(asked["DismissSuggestion"]).toEqual({ suggestionId: "b" });
    await page.context().close();
  });
});

describe("mail that belongs to no job", () => {
  it("is reached from the board, read, given to a job or put away by keyboard, and both are taken back", async () => {
    const job = await approved();
    await call(url, "JobsService/MoveJob", { jobId: job, status: "JOB_STATUS_APPLIED" });
    const { posting } = await jobOf(url, job);
    const named = `${posting.title}, ${posting.company}`;
    // No mailbox is there to be read; what the server found in one is stood in for.
    const all = ["a", "b"].map((id) => ({
      id,
      subject: `About your application ${id}`,
      from: { name: "Ines Okafor", address: "ines@example.com" },
      receiveTime: "2026-01-05T09:30:00Z",
      label: "MAIL_LABEL_POSITIVE_RESPONSE",
      confidence: 0.7,
      labelledBy: "rules",
      jobId: "",
      candidateJobIds: id === "a" ? [job] : [],
    }));
    const asked: [string, Record<string, unknown>][] = [];
    const page = await surfer.page();
    await page.route("**/aerie.pipeline.v1.MailService/*", async (route) => {
      const name = route.request().url().split("/").at(-1) ?? "";
      const request = route.request().postDataJSON() as { mailId: string; jobId?: string; label?: string; labels?: string[] };
      const mail = all.find((one) => one.id === request.mailId);
      if (name === "ListMails") {
        await route.fulfill({ json: { mails: all.filter((one) => one.jobId === "" && request.labels?.includes(one.label)) } });
      } else if (name === "GetMail") {
        await route.fulfill({ json: { mail: { ...mail, text: "We would like to talk to you." } } });
      } else if (name === "ListSuggestions") {
        await route.fulfill({ json: {} });
      } else {
        asked.push([name, request]);
        if (mail && name === "RelinkMail") {
          mail.jobId = request.jobId ?? "";
        } else if (mail && name === "RelabelMail") {
          mail.label = request.label ?? "";
        }
        await route.fulfill({ json: {} });
      }
    });
    await page.goto(`${url}/board`);
    await page.getByRole("link", { name: "2 mails belong to no job" }).click();
    await page.getByRole("heading", { level: 1, name: "Mail without a job" }).waitFor();

    await page.getByRole("button", { name: "Read and choose a job: About your application a" }).focus();
    await page.keyboard.press("Enter");
    await page.getByText("We would like to talk to you.").waitFor();
    await page.getByRole("button", { name: `Belongs to ${named}` }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("listitem").filter({ hasText: "application a" }).waitFor({ state: "detached" });
    expect(asked).toEqual([["RelinkMail", { mailId: "a", jobId: job }]]);
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe("H1");
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByRole("button", { name: "About your application a", exact: true }).waitFor();
    expect(asked[1]).toEqual(["RelinkMail", { mailId: "a" }]);

    await page.getByRole("button", { name: "Read and choose a job: About your application b" }).click();
    await page.getByRole("searchbox", { name: "Search another job" }).fill(posting.company);
    await page.getByRole("button", { name: `Belongs to ${named}` }).waitFor();

    await page.getByRole("button", { name: "Not about a job: About your application b" }).click();
    await expect.poll(() => page.getByText("About your application b", { exact: true }).count()).toBe(0);
    await page.getByRole("button", { name: "Put away", exact: true }).click();
    await page.getByRole("button", { name: "It is about a job: About your application b" }).click();
    await page.getByText("Nothing was put away.").waitFor();
    expect(asked.slice(2).map(([, request]) => request["label"])).toEqual(["MAIL_LABEL_UNRELATED", "MAIL_LABEL_NEUTRAL"]);
    await page.context().close();
  });
});

describe("a mail account", () => {
  it("that does not let Aerie in is not added, and its password does not stay in the page", async () => {
    const page = await surfer.page();
    await page.goto(`${url}/settings/mail`);
    await page.getByRole("textbox", { name: "IMAP server" }).fill("127.0.0.1");
    await page.getByRole("textbox", { name: "User" }).fill("ada@example.com");
    await page.getByLabel("Password").fill("not a password");
    await page.getByText("More settings").click();
    await page.getByRole("spinbutton", { name: "Port" }).fill("1");
    await page.getByRole("button", { name: "Log in and add" }).click();
    await page.getByRole("alert").getByText(/cannot reach 127\.0\.0\.1:1/i).waitFor();
    expect(await page.getByLabel("Password").inputValue()).toBe("");
    expect(await page.getByRole("textbox", { name: "IMAP server" }).inputValue()).toBe("127.0.0.1");
    expect(await call(url, "MailService/ListMailAccounts", {})).toEqual({});
    await page.context().close();
  });
});

describe("another program", () => {
  it("is added by its kind's form, and no credential comes back", async () => {
    const page = await surfer.page();
    await page.goto(`${url}/settings/integrations`);
    await page.getByLabel("Kind").selectOption({ label: "Webhook" });
    await page.getByRole("textbox", { name: "Name" }).fill("My hook");
    await page.getByRole("textbox", { name: "Address" }).fill("https://hooks.invalid/aerie");
    await page.getByLabel("Secret").fill("0123456789abcdef0123");
    await page.getByRole("button", { name: "Add", exact: true }).click();
    const entry = page.getByRole("region", { name: "My hook" });
    await entry.waitFor();
    await entry.getByRole("checkbox", { name: "Push" }).uncheck();
    await entry.getByText("It is switched off.").waitFor();
    await entry.getByRole("button", { name: "Log of My hook" }).click();
    await entry.getByText("Nothing was pushed yet.").waitFor();
    await entry.getByRole("button", { name: "Settings of My hook" }).click();
    expect(await entry.getByLabel("Secret").inputValue()).toBe("");
    expect(await entry.getByRole("textbox", { name: "Address" }).inputValue()).toBe("https://hooks.invalid/aerie");
    page.once("dialog", (dialog) => void dialog.accept());
    await entry.getByRole("button", { name: "Remove: My hook" }).click();
    await expect.poll(() => entry.count()).toBe(0);
    await page.context().close();
  });
});

describe("files of another program", () => {
  it("are taken over, and each says what was left", async () => {
    const page = await surfer.page();
    await page.goto(`${url}/settings/data`);
    const file = (name: string, text: string) => ({ name, mimeType: "application/yaml", buffer: Buffer.from(text) });
    await page.getByLabel("Choose files").setInputFiles([file("blocklist.yaml", "companies: [Jobgether]\n"), file("email.yaml", "password: hunter2\n")]);
    const section = page.getByRole("region", { name: "From Peregrine" });
    await section.getByRole("heading", { name: "blocklist.yaml" }).waitFor();
    await section.getByText(/^Taken:/).first().waitFor();
    await section.getByText(/^Left: it holds a password/).waitFor();
    const { profile } = await call<{ profile: { blockedCompanies: string[] } }>(url, "ProfileService/GetProfile", {});
    expect(profile.blockedCompanies).toContain("Jobgether");
    await scored(url);
    await page.context().close();
  });
});
