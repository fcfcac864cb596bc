/** What each page is made of, loaded when it is first visited, and what stands in the navigation. */

import type { Component } from "svelte";
import type { IconName } from "./components/icons";
import type { PageName } from "./lib/routes";
import { t } from "./strings";

type Loader = () => Promise<{ default: Component<Record<string, string>> }>;

/** The page of each route. */
export const PAGES: Record<PageName, Loader> = {
  home: () => import("./pages/Home.svelte") as ReturnType<Loader>,
  start: () => import("./pages/Start.svelte") as ReturnType<Loader>,
  review: () => import("./pages/Review.svelte") as ReturnType<Loader>,
  board: () => import("./pages/Board.svelte") as ReturnType<Loader>,
  job: () => import("./pages/Job.svelte") as ReturnType<Loader>,
  mail: () => import("./pages/Mail.svelte") as ReturnType<Loader>,
  surveys: () => import("./pages/Surveys.svelte") as ReturnType<Loader>,
  insights: () => import("./pages/Insights.svelte") as ReturnType<Loader>,
  settings: () => import("./pages/Settings.svelte") as ReturnType<Loader>,
  missing: () => import("./pages/Missing.svelte") as ReturnType<Loader>,
};

/** The navigation, in order. */
export const NAVIGATION: { page: PageName; address: string; label: string; icon: IconName }[] = [
  { page: "home", address: "/", label: t.nav.home, icon: "home" },
  { page: "review", address: "/review", label: t.nav.review, icon: "review" },
  { page: "board", address: "/board", label: t.nav.board, icon: "board" },
  { page: "surveys", address: "/surveys", label: t.nav.surveys, icon: "survey" },
  { page: "insights", address: "/insights", label: t.nav.insights, icon: "chart" },
  { page: "settings", address: "/settings", label: t.nav.settings, icon: "settings" },
];
