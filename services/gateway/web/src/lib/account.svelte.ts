/** Whether somebody has to sign in first, and what shows the server that a call comes from this app. */

import { forgetAnswers } from "./memory";

const FORGERY_COOKIE = "__Host-aerie-csrf";
const LOGOUT = "/auth/logout";

/** What the server wants to see beside the session's cookie; none where nobody signs in. */
export function forgeryToken(cookies = document.cookie): string | undefined {
  const pairs = cookies.split(";").map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(`${FORGERY_COOKIE}=`))?.slice(FORGERY_COOKIE.length + 1) || undefined;
}

/** Headers of a call that changes something. */
export function proof(): Record<string, string> {
  const token = forgeryToken();
  return token ? { "x-csrf-token": token } : {};
}

class Account {
  /** Whether the server does not know who this is. */
  isMissing = $state(false);
  /** Address where signing in begins; empty where the server signs nobody in. */
  login = $state("");

  /** A call was refused because nobody is signed in. What was kept of whoever was is forgotten. */
  missing(login: string): void {
    this.isMissing = true;
    this.login = isOwn(login) ? login : "";
    void forgetAnswers();
  }

  /** Where to sign in, coming back to the page that is open. */
  get way(): string {
    return `${this.login}?to=${encodeURIComponent(location.pathname + location.search)}`;
  }

  /** Whether this browser has a session that can be ended. */
  get isSignedIn(): boolean {
    return forgeryToken() !== undefined;
  }

  /** Ends the session and forgets what was kept; a server that cannot be reached is an error, since the session goes on. */
  async leave(): Promise<void> {
    const response = await fetch(LOGOUT, { method: "POST", headers: { "content-type": "application/json", ...proof() }, body: "{}" });
    if (!response.ok && response.status !== 401) {
      throw new Error(`${response.status}`);
    }
    await forgetAnswers();
    location.assign("/");
  }
}

/** An address of this server: what an answer says is followed nowhere else. */
function isOwn(address: string): boolean {
  return /^\/[a-z]/.test(address);
}

export const account = new Account();
