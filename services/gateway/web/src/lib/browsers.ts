/** What a browser is called by people, out of what it calls itself. */

const BROWSERS: readonly [RegExp, string][] = [
  [/\bEdg(?:A|iOS)?\//, "Edge"],
  [/\bOPR\//, "Opera"],
  [/\b(?:Firefox|FxiOS)\//, "Firefox"],
  [/\b(?:\w*Chrome|CriOS)\//, "Chrome"],
  [/\bVersion\/\S+ .*\bSafari\//, "Safari"],
];
const SYSTEMS: readonly [RegExp, string][] = [
  [/\biPhone\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bAndroid\b/, "Android"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b|\bMacintosh\b/, "macOS"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bLinux\b/, "Linux"],
];
const MOST = 80;

/** The browser and the system it runs on; an unknown browser keeps its own words, cut, and has no system. */
export function browserOf(userAgent: string): { browser: string; system: string } {
  const browser = BROWSERS.find(([sign]) => sign.test(userAgent))?.[1];
  if (!browser) {
    return { browser: userAgent.slice(0, MOST), system: "" };
  }
  return { browser, system: SYSTEMS.find(([sign]) => sign.test(userAgent))?.[1] ?? "" };
}
