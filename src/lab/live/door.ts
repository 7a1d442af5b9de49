/**
 * Who may speak to the lab's server. Everybody on this machine can reach a port on loopback, and so can every
 * page that a browser on it shows; so each request must name this server as its host, come from this server's
 * own page, and carry the cookie that the token in the printed address was exchanged for.
 *
 * A browser sends a cookie to every port of a host, so to whatever server another user of the machine has
 * there. It does not send it to other paths: the lab is served below a path that nobody can guess, and its
 * cookie is for that path alone.
 *
 * Invariants. The token is taken once. What comes from elsewhere is refused before the token is looked at, so
 * that a stranger's page can't use it up. Secrets are compared in constant time.
 */
import { randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { LabRefusal } from "./lab-refusal.js";

/** What the door sees of a request. */
export interface Knock {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** The token in the address. */
  readonly token: string | undefined;
}

/** How a request was let in. */
export type Admission =
  /** It carries the cookie. */
  | { readonly by: "cookie" }
  /** It brought the token: the answer sets this cookie. */
  | { readonly by: "token"; readonly setCookie: string };

/** A secret of 256 bits, in characters that an address and a cookie may hold. */
const newSecret = (): string => randomBytes(32).toString("base64url");

/** The door of one lab. */
export class Door {
  readonly token = newSecret();
  /** Where the lab is; begins and ends with a slash. */
  readonly path = `/${newSecret()}/`;
  readonly #cookie = newSecret();
  readonly #port: number;
  #isTokenUsed = false;

  /** @param port where the server listens. The cookie's name has it. */
  constructor(port: number) {
    this.#port = port;
  }

  /** @throws LabRefusal unless the request comes from this lab's own page, or brings the token. */
  admit({ method, headers, token }: Knock): Admission {
    const { host = "" } = headers;
    if (host !== `127.0.0.1:${this.#port}` && host !== `localhost:${this.#port}`)
      throw new LabRefusal(
        "WRONG_HOST",
        `this is http://127.0.0.1:${this.#port}, and no other host's server`,
      );
    this.#checkOrigin(method, headers, `http://${host}`);
    if (isSame(this.#cookieIn(headers), this.#cookie)) return { by: "cookie" };
    if (token === undefined)
      throw new LabRefusal(
        "NO_TOKEN",
        "open the lab by the address that it printed: the token in it is missing",
      );
    if (!isSame(token, this.token))
      throw new LabRefusal(
        "WRONG_TOKEN",
        "the token is not this lab's: open the address that it printed last",
      );
    if (this.#isTokenUsed)
      throw new LabRefusal(
        "TOKEN_USED",
        "the token was used before, and opens the lab once: go on in that browser, or start the lab again",
      );
    this.#isTokenUsed = true;
    return {
      by: "token",
      setCookie: `${this.#cookieName}=${this.#cookie}; HttpOnly; SameSite=Strict; Path=${this.path}`,
    };
  }

  /** Browsers say which page asks: by Origin where something may change, by Sec-Fetch-Site always. */
  #checkOrigin(method: string, headers: IncomingHttpHeaders, own: string): void {
    const { origin } = headers;
    const site = headers["sec-fetch-site"];
    const isOwn =
      (origin === own || (origin === undefined && method === "GET")) &&
      (site === undefined || site === "same-origin" || site === "none");
    if (isOwn) return;
    throw new LabRefusal(
      "FOREIGN_ORIGIN",
      "another page asks: type the lab's address into the browser itself",
    );
  }

  get #cookieName(): string {
    return `tessera-lab-${this.#port}`;
  }

  #cookieIn({ cookie = "" }: IncomingHttpHeaders): string | undefined {
    const prefix = `${this.#cookieName}=`;
    return cookie
      .split(/;\s*/)
      .find((pair) => pair.startsWith(prefix))
      ?.slice(prefix.length);
  }
}

function isSame(given: string | undefined, expected: string): boolean {
  if (given === undefined) return false;
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
