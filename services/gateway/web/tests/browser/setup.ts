import type { TestProject } from "vitest/node";
import { Server } from "./world";

declare module "vitest" {
  export interface ProvidedContext {
    demo: string;
  }
}

/** One demo for all tests that do not stop the server. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = new Server("demo");
  await server.start();
  project.provide("demo", server.url);
  return () => server.end();
}
