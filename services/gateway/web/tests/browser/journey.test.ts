import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { call, jobOf, pending, Surfer } from "./world";

const url = inject("demo");
const surfer = new Surfer();

beforeAll(() => surfer.open());
afterAll(async () => {
  await surfer.close();
  expect(surfer.complaints.join("\n")).toBe("");
});

describe("the way of a job", () => {
  it("goes from review to hired", async () => {
    const page = await surfer.page();
    const [best] = await pending(url, 1);
    await page.goto(`${url}/review`);
    const card = page.getByRole("region", { name: "Job", exact: true });
    await card.getByRole("heading", { name: best!.posting.title }).first().waitFor();
    await card.getByText("What the score is made of").waitFor();
    await card.locator("mark").first().waitFor();
    await card.getByRole("button", { name: "Approve" }).click();
    await expect.poll(async () => (await jobOf(url, best!.id)).status).toBe("JOB_STATUS_APPROVED");
    await page.goto(`${url}/jobs/${best!.id}`);
    await page.getByRole("button", { name: "I applied" }).click();
    await page.getByText("Stage: Applied").waitFor();
    await expect.poll(async () => (await jobOf(url, best!.id)).status).toBe("JOB_STATUS_APPLIED");

    await page.getByRole("link", { name: "Board" }).click();
    const inStage = (stage: string) => page.getByRole("region", { name: new RegExp(`^${stage},`) }).locator(`[data-card="${best!.id}"]`);
    await inStage("Applied").waitFor();
    // With the pointer …
    await inStage("Applied").dragTo(page.getByRole("region", { name: /^Phone screen,/ }));
    await inStage("Phone screen").waitFor();
    // … and with the dialog that does the same.
    for (const stage of ["Interviews", "Offer", "Hired"]) {
      await page.locator(`[data-card="${best!.id}"]`).getByRole("button", { name: /^Move / }).click();
      await page.getByRole("button", { name: `To ${stage}`, exact: true }).click();
      await inStage(stage).waitFor();
    }
    await expect.poll(async () => (await jobOf(url, best!.id)).status).toBe("JOB_STATUS_HIRED");
    await page.goto(`${url}/insights`);
    await page.getByText(/[1-9]\d* hired/).waitFor();
    await page.context().close();
  });

  it("refuses an illegal move with a word on why, and moves nothing", async () => {
    const [job] = await pending(url, 1);
    await call(url, "JobsService/ReviewJob", { jobId: job!.id, decision: "REVIEW_DECISION_APPROVE" });
    const page = await surfer.page();
    await page.goto(`${url}/board`);
    const card = page.locator(`[data-card="${job!.id}"]`);
    await card.waitFor();
    await card.dragTo(page.getByRole("region", { name: /^Offer,/ }));
    await page.getByRole("alert").getByText("cannot go from To apply to Offer").waitFor();
    expect((await jobOf(url, job!.id)).status).toBe("JOB_STATUS_APPROVED");
    await page.context().close();
  });

  it("keeps dates, people and notes", async () => {
    const [job] = await pending(url, 1, { orderBy: "create_time desc" });
    const page = await surfer.page();
    await page.goto(`${url}/jobs/${job!.id}/course`);
    await page.getByRole("region", { name: "Appointments" }).getByRole("button", { name: "Add" }).click();
    await page.getByLabel("Title").fill("First talk");
    await page.getByLabel("Begin").fill("2031-05-06T14:30");
    await page.getByLabel("Address, room or link").fill("https://meet.example/x");
    await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
    await page.getByRole("button", { name: "First talk" }).waitFor();
    await page.getByText("6 May 2031, 14:30").first().waitFor();
    await page.getByRole("region", { name: "Contacts" }).getByRole("button", { name: "Add" }).click();
    await page.getByRole("textbox", { name: "Name" }).fill("Ines Okafor");
    await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
    await page.getByRole("button", { name: "Ines Okafor" }).waitFor();
    await page.getByRole("textbox", { name: "Notes" }).fill("They like tests.");
    await page.getByRole("button", { name: "Save" }).click();
    await expect.poll(async () => (await jobOf(url, job!.id)).notes).toBe("They like tests.");
    const course = await call<{ appointments: { startTime: string }[] }>(url, "InterviewsService/GetCourse", { jobId: job!.id });
    expect(new Date(course.appointments[0]!.startTime).toISOString()).toBe(new Date("2031-05-06T14:30").toISOString());
    await page.context().close();
  });

  it("answers a survey from pasted text, and keeps what a person makes of it", async () => {
    const [job] = await pending(url, 1);
    await call(url, "JobsService/ReviewJob", { jobId: job!.id, decision: "REVIEW_DECISION_APPROVE" });
    const page = await surfer.page();
    await page.goto(`${url}/surveys?job=${job!.id}`);
    await page.getByRole("textbox", { name: "Questions" }).fill("1. When plans change, I\na) get upset\nb) adapt and help others");
    await page.getByRole("button", { name: "Suggest answers" }).click();
    const answers = page.getByRole("textbox", { name: /Suggested answers/ });
    await answers.waitFor();
    await page.getByText("by rules").waitFor();
    await answers.fill("b, as always");
    await page.getByRole("button", { name: "Save" }).click();
    await expect
      .poll(async () => (await call<{ surveys: { answers: string }[] }>(url, "SurveysService/ListSurveys", { jobId: job!.id })).surveys[0]?.answers)
      .toBe("b, as always");
    await page.context().close();
  });
});
