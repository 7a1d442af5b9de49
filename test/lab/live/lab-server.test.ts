/** The lab's server: whom it lets in, what it serves, what it refuses and by which word. */
import type { IncomingMessage } from "node:http";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { ReadableError } from "../../../src/errors/readable-error.js";
import { LabRefusal } from "../../../src/lab/live/lab-refusal.js";
import { type LabContents, LabServer } from "../../../src/lab/live/lab-server.js";
import { ListenError } from "../../../src/services/listen.js";
import * as http from "./http-requests.js";
import { cookieOf, type HttpRequest } from "./http-requests.js";

const html = { contentType: "text/html; charset=utf-8", content: "<!doctype html><title>lab</title>" };

/** What the page asked, in order. */
let asked: unknown[];
let server: LabServer;
beforeEach(async () => {
  asked = [];
  server = await start();
});
afterEach(() => server[Symbol.asyncDispose]());

function start(): Promise<LabServer> {
  const contents: LabContents = {
    files: { "/": html },
    now: () => ({ held: null }),
    requests: {
      echo: (body) => {
        asked.push(body);
        return body;
      },
      refuse: () => {
        throw new LabRefusal("NOT_NOW", "nothing is held");
      },
      fail: () => Promise.reject(new Error("a defect")),
      tell: () => Promise.reject(new ReadableError("the folder is somebody else's")),
    },
    exports: {
      "/export.json": () => ({ contentType: "application/json", content: "[]", saveAs: "transcript.json" }),
    },
  };
  return LabServer.open(0, contents);
}

/** Where a lab is: a path that nobody can guess. */
const placeOf = (lab: LabServer) => new URL(lab.url).pathname;
const inside = (lab: LabServer, path: string) => placeOf(lab) + path.slice(1);
/** Asks for a path below the lab's own. */
const ask = (lab: LabServer, path: string, options?: HttpRequest) =>
  http.ask(lab.address, inside(lab, path), options);
const open = (lab: LabServer, path: string, options?: HttpRequest) =>
  http.open(lab.address, inside(lab, path), options);
const tokenPath = (lab: LabServer) => `/${new URL(lab.url).search}`;
const login = async (lab: LabServer) => cookieOf(await ask(lab, tokenPath(lab)));

/** A POST as the page sends it. */
function post(cookie: string, body: string, headers: Record<string, string> = {}): HttpRequest {
  const own = { cookie, origin: `http://${server.address}`, "content-type": "application/json" };
  return { method: "POST", headers: { ...own, ...headers }, body };
}

describe("the token", () => {
  it("is exchanged for a cookie that no script reads and no other site sends", async () => {
    const answer = await ask(server, tokenPath(server));
    expect([answer.status, answer.headers.location, answer.text]).toEqual([303, placeOf(server), ""]);
    const port = server.address.split(":")[1];
    expect(answer.headers["set-cookie"]).toEqual([
      expect.stringMatching(
        new RegExp(`^tessera-lab-${port}=[\\w-]{43}; HttpOnly; SameSite=Strict; Path=${placeOf(server)}$`),
      ),
    ]);
    const page = await ask(server, "/", { headers: { cookie: cookieOf(answer) } });
    expect([page.status, page.text]).toEqual([200, html.content]);
  });

  it("opens nothing a second time, but leads its own browser on", async () => {
    const cookie = await login(server);
    const again = await ask(server, tokenPath(server));
    expect([again.status, again.headers["set-cookie"]]).toEqual([403, undefined]);
    expect(again.text).toMatch(/^tessera lab: the token was used before.* \(TOKEN_USED\)\n$/);
    const own = await ask(server, tokenPath(server), { headers: { cookie } });
    expect([own.status, own.headers.location]).toEqual([303, placeOf(server)]);
  });

  it.each(["", "x", "A".repeat(43)])("is not %j", async (token) => {
    const { status, text } = await ask(server, `/?token=${token}`);
    expect([status, text]).toEqual([403, expect.stringContaining("(WRONG_TOKEN)")]);
  });

  it("is needed for whatever there is", async () => {
    for (const path of ["/", "/events", "/export.json", "/nothing"]) {
      const { status, text } = await ask(server, path);
      expect([status, text]).toEqual([401, expect.stringContaining("(NO_TOKEN)")]);
    }
    const { status, text } = await ask(server, "/api/echo", post("", "{}"));
    expect([status, JSON.parse(text)]).toMatchObject([401, { error: { reason: "NO_TOKEN" } }]);
  });
});

describe("two labs at once", () => {
  it("on free ports are two, and neither takes the other's token or cookie", async () => {
    const other = await start();
    onTestFinished(() => other[Symbol.asyncDispose]());
    const foreign = await ask(other, tokenPath(server));
    expect([foreign.status, foreign.text]).toEqual([403, expect.stringContaining("(WRONG_TOKEN)")]);
    const [cookie, others] = [await login(server), await login(other)];
    const { status, text } = await ask(other, "/", { headers: { cookie } });
    expect([status, text]).toEqual([401, expect.stringContaining("(NO_TOKEN)")]);
    // A browser sends the cookies of all ports to each.
    const both = { headers: { cookie: `${cookie}; ${others}` } };
    expect((await ask(server, "/", both)).status).toBe(200);
    expect((await ask(other, "/", both)).status).toBe(200);
  });

  it("on one port are one, and a line", async () => {
    const port = Number(server.address.split(":")[1]);
    const second = LabServer.open(port, { files: {}, now: () => ({}), requests: {}, exports: {} });
    await expect(second).rejects.toThrow(ListenError);
    await expect(second).rejects.toThrow(`127.0.0.1:${port} is in use`);
  });
});

describe("a request from elsewhere", () => {
  it.each(["evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1:1", "[::1]:80"])(
    "is refused when it takes the lab for %j (DNS rebinding)",
    async (host) => {
      const cookie = await login(server);
      const { status, text } = await ask(server, "/", { headers: { host, cookie } });
      expect([status, text]).toEqual([421, expect.stringContaining("(WRONG_HOST)")]);
    },
  );

  it("is let in by the name localhost", async () => {
    const host = server.address.replace("127.0.0.1", "localhost");
    expect((await ask(server, tokenPath(server), { headers: { host } })).status).toBe(303);
  });

  it.each(["cross-site", "same-site"])("is refused when a %s page made it", async (site) => {
    const headers = { "sec-fetch-site": site };
    const { status, text } = await ask(server, tokenPath(server), { headers });
    expect([status, text]).toEqual([403, expect.stringContaining("(FOREIGN_ORIGIN)")]);
    // It has not used the token up.
    expect((await ask(server, tokenPath(server))).status).toBe(303);
  });

  it.each(["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1"])(
    "is refused with the origin %s, even with the cookie",
    async (origin) => {
      const cookie = await login(server);
      const answer = await ask(server, "/api/echo", post(cookie, "{}", { origin }));
      expect([answer.status, JSON.parse(answer.text)]).toMatchObject([
        403,
        { error: { reason: "FOREIGN_ORIGIN" } },
      ]);
      const events = await ask(server, "/events", { headers: { cookie, origin } });
      expect(events.status).toBe(403);
      expect(asked).toEqual([]);
    },
  );

  it("is refused when it changes something and does not say where it comes from", async () => {
    const headers = { cookie: await login(server), "content-type": "application/json" };
    const { status } = await ask(server, "/api/echo", { method: "POST", headers, body: "{}" });
    expect([status, asked]).toEqual([403, []]);
  });
});

describe("what the page asks", () => {
  it("is a POST of JSON, answered in JSON", async () => {
    const cookie = await login(server);
    const { status, text } = await ask(server, "/api/echo", post(cookie, '{"at":7}'));
    expect([status, JSON.parse(text), asked]).toEqual([200, { at: 7 }, [{ at: 7 }]]);
  });

  it.each([
    ["a refusal", "refuse", "{}", 409, "NOT_NOW"],
    ["a defect", "fail", "{}", 500, "INTERNAL"],
    ["an error that says why", "tell", "{}", 500, "FAILED"],
    ["something unknown", "constructor", "{}", 404, "NO_SUCH_PAGE"],
    ["what is not JSON", "echo", "{", 400, "BAD_REQUEST"],
    ["a list", "echo", "[]", 400, "BAD_REQUEST"],
    ["too much", "echo", `{"hex":"${"00".repeat(200_000)}"}`, 413, "TOO_LONG"],
  ])("is answered with its reason: %s", async (_, name, body, status, reason) => {
    const cookie = await login(server);
    const answer = await ask(server, `/api/${name}`, post(cookie, body));
    expect([answer.status, JSON.parse(answer.text)]).toMatchObject([status, { error: { reason } }]);
  });

  it("is no form of HTML", async () => {
    const cookie = await login(server);
    const form = post(cookie, "{}", { "content-type": "text/plain" });
    const { status, text } = await ask(server, "/api/echo", form);
    expect([status, JSON.parse(text)]).toMatchObject([415, { error: { reason: "NOT_JSON" } }]);
  });

  it.each([
    ["GET", "/api/echo"],
    ["POST", "/"],
    ["PUT", "/api/echo"],
  ])("is not %s %s", async (method, path) => {
    const { headers = {} } = post(await login(server), "");
    const { status, text } = await ask(server, path, { method, headers });
    expect([status, text]).toEqual([405, expect.stringContaining("WRONG_METHOD")]);
  });
});

describe("what is served", () => {
  it("loads nothing from elsewhere, is framed nowhere and kept by no cache", async () => {
    const { headers } = await ask(server, "/", { headers: { cookie: await login(server) } });
    expect(headers).toMatchObject({
      "content-security-policy": expect.stringMatching(
        /^default-src 'none'; script-src 'self'; .*frame-ancestors 'none'$/,
      ),
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cross-origin-resource-policy": "same-origin",
      "cache-control": "no-store",
    });
    expect(headers["content-security-policy"]).not.toContain("unsafe");
  });

  it("is below a path that nobody can guess, and nowhere else", async () => {
    expect(placeOf(server)).toMatch(/^\/[\w-]{43}\/$/);
    const headers = { cookie: await login(server) };
    for (const path of ["/", "/events", "/export.json", "/api/echo"]) {
      const { status, text } = await http.ask(server.address, path, { headers });
      expect([status, text]).toEqual([404, expect.stringContaining("(NO_SUCH_PAGE)")]);
    }
  });

  it("is kept under its name where it is an export", async () => {
    const { headers } = await ask(server, "/export.json", {
      headers: { cookie: await login(server) },
    });
    expect(headers["content-disposition"]).toBe('attachment; filename="transcript.json"');
  });

  it.each(["/nothing", "/constructor", "//", "/../package.json"])("is not %s", async (path) => {
    const { status, text } = await ask(server, path, { headers: { cookie: await login(server) } });
    expect([status, text]).toEqual([404, expect.stringContaining("(NO_SUCH_PAGE)")]);
  });
});

describe("the events", () => {
  /** What has come until there are so many events. */
  async function read(stream: IncomingMessage, count: number): Promise<string[]> {
    let text = "";
    for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
      text += String(chunk);
      if (text.match(/^data: /gm)?.length === count) break;
    }
    return text.match(/^(?:event|data): .*$/gm) ?? [];
  }

  it("begin with how everything stands, and tell every page", async () => {
    const headers = { cookie: await login(server) };
    const pages = [await open(server, "/events", { headers })];
    pages.push(await open(server, "/events", { headers }));
    for (const page of pages) {
      expect(page.headers["content-type"]).toBe("text/event-stream; charset=utf-8");
      expect(await read(page, 1)).toEqual(["event: now", 'data: {"held":null}']);
    }
    server.tell({ event: "turned", data: { text: "two\nlines" } });
    for (const page of pages)
      expect(await read(page, 1)).toEqual(["event: turned", 'data: {"text":"two\\nlines"}']);
    for (const page of pages) page.destroy();
  });

  it("go to eight pages at most", async () => {
    const headers = { cookie: await login(server) };
    const pages = await Promise.all(Array.from({ length: 8 }, () => open(server, "/events", { headers })));
    const { status, text } = await ask(server, "/events", { headers });
    expect([status, text]).toEqual([503, expect.stringContaining("(TOO_MANY_PAGES)")]);
    for (const page of pages) page.destroy();
  });

  it("end with the lab", async () => {
    const lab = await start();
    const page = await open(lab, "/events", { headers: { cookie: await login(lab) } });
    const ended = new Promise((resolve) => page.once("close", resolve));
    page.on("error", () => {}).resume();
    await lab[Symbol.asyncDispose]();
    await ended;
  });
});
