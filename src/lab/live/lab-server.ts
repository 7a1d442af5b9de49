/**
 * The lab's server: HTTP on loopback for one browser. It serves the page, tells it what happens, takes what
 * the page asks as POSTs of JSON, and gives files to keep. What they mean is the caller's.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ReadableError } from "../../errors/readable-error.js";
import { hostPort, listenError } from "../../services/listen.js";
import { Door } from "./door.js";
import { EventStream, type LabEvent } from "./event-stream.js";
import { type JsonObject, jsonBody } from "./json-body.js";
import { LabRefusal } from "./lab-refusal.js";

/** A file as it is served. */
export interface ServedFile {
  readonly contentType: string;
  readonly content: string | Uint8Array;
  /** The name under which a browser keeps it; undefined: it is shown. */
  readonly saveAs?: string;
}

/** What the server serves. */
export interface LabContents {
  /** The page's files by their paths from where the lab is; `/` is the page. */
  readonly files: Readonly<Record<string, ServedFile>>;
  /** How everything stands, for a page that comes. */
  now(): unknown;
  /** What a page may ask, by the paths below `/api/`. */
  readonly requests: Readonly<Record<string, (body: JsonObject) => unknown>>;
  /** Files made when they are asked for, by their paths. */
  readonly exports: Readonly<Record<string, () => ServedFile>>;
}

const HOST = "127.0.0.1";
const CONNECTIONS = 64;
/** How long a request may take to come whole, in milliseconds. */
const REQUEST_MS = 10_000;

/** Nothing but what this server itself serves; nobody frames the page; no form leads anywhere. */
const HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
} as const;

/** A lab that is served. */
export class LabServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #port: number;
  readonly #door: Door;
  readonly #events = new EventStream();
  readonly #contents: LabContents;

  private constructor(server: Server, contents: LabContents) {
    this.#server = server;
    this.#contents = contents;
    this.#port = (server.address() as AddressInfo).port;
    this.#door = new Door(this.#port);
    server.on("request", (request, response) => void this.#answer(request, response));
  }

  /**
   * Listens on loopback.
   * @param port 0: any free port.
   * @throws ListenError if it can't listen there.
   */
  static open(port: number, contents: LabContents): Promise<LabServer> {
    const server = createServer({
      requestTimeout: REQUEST_MS,
      headersTimeout: REQUEST_MS,
      maxHeaderSize: 16_384,
    });
    server.maxConnections = CONNECTIONS;
    return new Promise((resolve, reject) => {
      server.once("error", (error) => reject(listenError(HOST, port, error)));
      server.listen(port, HOST, () => resolve(new LabServer(server, contents)));
    });
  }

  /** `host:port`. */
  get address(): string {
    return hostPort(HOST, this.#port);
  }

  /** The address to open, with the token in it. */
  get url(): string {
    return `http://${this.address}${this.#door.path}?token=${this.#door.token}`;
  }

  /** Tells the pages of something that happened. */
  tell(event: LabEvent): void {
    this.#events.tell(event);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#events.close();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  /** Answers a request; never rejects. */
  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    const url = request.url ?? "/";
    try {
      const { pathname, searchParams } = urlOf(url, this.address);
      const path = this.#inside(pathname);
      const method = request.method ?? "";
      if (method !== "GET" && method !== "POST") throw new LabRefusal("WRONG_METHOD", "GET and POST only");
      const token = searchParams.get("token") ?? undefined;
      const admission = this.#door.admit({ method, headers: request.headers, token });
      if (admission.by === "token") response.setHeader("set-cookie", admission.setCookie);
      // The token leaves the address bar, the history and what is copied from them.
      if (token !== undefined) response.writeHead(303, { location: this.#door.path }).end();
      else if (path === undefined) throw new LabRefusal("NO_SUCH_PAGE", `${pathname}: there is no such page`);
      else if (path.startsWith("/api/")) await this.#answerRequest(request, response, path.slice(5));
      else if (method !== "GET") throw new LabRefusal("WRONG_METHOD", `${path}: GET only`);
      else if (path === "/events") this.#events.add(response, { event: "now", data: this.#contents.now() });
      else send(response, 200, this.#fileAt(path));
    } catch (error) {
      refuse(response, error, this.#inside(url)?.startsWith("/api/") === true);
    }
  }

  /** A path below the lab's own, from there; undefined for any other. */
  #inside(path: string): string | undefined {
    const { path: own } = this.#door;
    return path.startsWith(own) ? path.slice(own.length - 1) : undefined;
  }

  async #answerRequest(request: IncomingMessage, response: ServerResponse, name: string): Promise<void> {
    const { requests } = this.#contents;
    if (!Object.hasOwn(requests, name))
      throw new LabRefusal("NO_SUCH_PAGE", `/api/${name}: there is no such request`);
    if (request.method !== "POST") throw new LabRefusal("WRONG_METHOD", `/api/${name}: POST only`);
    const answer = await requests[name]!(await jsonBody(request));
    send(response, 200, json(answer ?? {}));
  }

  #fileAt(path: string): ServedFile {
    const { files, exports } = this.#contents;
    if (Object.hasOwn(files, path)) return files[path]!;
    if (Object.hasOwn(exports, path)) return exports[path]!();
    throw new LabRefusal("NO_SUCH_PAGE", `${path}: there is no such page`);
  }
}

function urlOf(url: string, address: string): URL {
  if (!URL.canParse(url, `http://${address}`)) throw new LabRefusal("NO_SUCH_PAGE", "that is no path");
  return new URL(url, `http://${address}`);
}

function refusalOf(error: unknown): LabRefusal {
  if (error instanceof LabRefusal) return error;
  if (error instanceof ReadableError) return new LabRefusal("FAILED", error.text);
  return new LabRefusal("INTERNAL", `the lab failed: ${String(error)}`);
}

/** What was refused, in one line: as JSON for the page's script, as text for whoever sees it in a browser. */
function refuse(response: ServerResponse, error: unknown, asJson: boolean): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { reason, text, status } = refusalOf(error);
  // What is left of a body that was not read would be taken for the next request.
  response.setHeader("connection", "close");
  const plain = { contentType: "text/plain; charset=utf-8", content: `tessera lab: ${text} (${reason})\n` };
  send(response, status, asJson ? json({ error: { reason, text } }) : plain);
}

function json(value: unknown): ServedFile {
  return { contentType: "application/json; charset=utf-8", content: JSON.stringify(value) };
}

function send(response: ServerResponse, status: number, { contentType, content, saveAs }: ServedFile): void {
  response.writeHead(status, {
    "content-type": contentType,
    "content-length": Buffer.byteLength(content),
    ...(saveAs !== undefined && { "content-disposition": `attachment; filename="${saveAs}"` }),
  });
  response.end(content);
}
