import type { TestProject } from "vitest/node";
import { call, Server } from "./world";

declare module "vitest" {
  export interface ProvidedContext {
    demo: string;
  }
}

/** One demo for all tests that do not stop the server. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = new Server("demo");
  await server.start();
  // Decisions would change the order of the queue a moment later, between what a test asks for and what a page shows.
  const { rescoreTaskId } = await call<{ rescoreTaskId?: string }>(server.url, "ProfileService/UpdateProfile", {
    profile: { learnFromDecisions: false },
    updateMask: "learnFromDecisions",
  });
  if (rescoreTaskId) {
    // The stream ends with the task.
    const message = encodeURIComponent(JSON.stringify({ taskId: rescoreTaskId }));
    const stream = await fetch(`${server.url}/aerie.pipeline.v1.TasksService/WatchTask?message=${message}`, {
      headers: { accept: "text/event-stream" },
    });
    await stream.text();
  }
  project.provide("demo", server.url);
  return () => server.end();
}
