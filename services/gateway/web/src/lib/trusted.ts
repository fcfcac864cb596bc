/** The addresses of scripts that the app starts by itself. The server's policy lets no other text become one. */

interface ScriptPolicy {
  createScriptURL(text: string): unknown;
}

interface PolicyFactory {
  createPolicy(name: string, rules: { createScriptURL(text: string): string }): ScriptPolicy;
}

/** The service worker, and the worker that reads PDF. */
const OWN = /^\/(sw\.js|assets\/pdf\.worker[\w.-]*\.js)$/;

let policy: ScriptPolicy | undefined;

/** An address that a browser accepts as that of a worker; what is not one of ours is an error. */
export function scriptAddress(text: string): string {
  const path = new URL(text, location.origin);
  if (path.origin !== location.origin || !OWN.test(path.pathname)) {
    throw new TypeError(`not a script of ours: ${text}`);
  }
  const types = (globalThis as { trustedTypes?: PolicyFactory }).trustedTypes;
  policy ??= types?.createPolicy("aerie-worker", { createScriptURL: (address) => address });
  // Browsers take the trusted object where the types of TypeScript ask for a text.
  return (policy?.createScriptURL(path.pathname) ?? path.pathname) as string;
}
