/**
 * The listener for those who watch over the servers: `/metrics` for Prometheus, `/livez` and `/readyz` for
 * whoever starts processes and sends them clients. It is apart from the servers: it answers while they are
 * full, and says of no principal or peer anything.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { hostPort, listenError } from "../../services/listen.js";
import { type MetricsSnapshot, metricsPage } from "../../services/metrics/prometheus.js";

/** What the page shows. */
export interface PageSource {
  /** The figures of each process. */
  readonly snapshots: () => Promise<readonly MetricsSnapshot[]>;
  /** Why clients should go elsewhere; undefined: the servers are ready. */
  readonly unready: () => string | undefined;
}

/** Where the page is. */
export interface PageAddress {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

/** Connections at a time: a few scrapers and probes. */
const CONNECTIONS = 64;
/** How long a request may take to come whole, in milliseconds. */
const REQUEST_MS = 5_000;

/** A page that is served. */
export class MetricsPage implements AsyncDisposable {
  /** `host:port`, with the actual port. */
  readonly address: string;
  readonly #server: Server;

  private constructor(server: Server, address: string) {
    this.#server = server;
    this.address = address;
  }

  /**
   * Listens.
   * @throws ListenError if it can't listen there.
   */
  static open({ host, port }: PageAddress, source: PageSource): Promise<MetricsPage> {
    const server = createServer(
      { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS, maxHeaderSize: 8_192 },
      (request, response) => void answer(request, response, source),
    );
    server.maxConnections = CONNECTIONS;
    return new Promise((resolve, reject) => {
      server.once("error", (error) => reject(listenError(host, port, error)));
      server.listen(port, host, () => {
        const bound = (server.address() as AddressInfo).port;
        resolve(new MetricsPage(server, hostPort(host, bound)));
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }
}

/** Answers a request; never rejects. */
async function answer(request: IncomingMessage, response: ServerResponse, source: PageSource): Promise<void> {
  const { status, contentType, text } = await answerTo(request, source).catch((error: unknown) => ({
    status: 500,
    contentType: PLAIN,
    text: `${String(error)}\n`,
  }));
  response.writeHead(status, {
    "content-type": contentType,
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
  });
  response.end(request.method === "HEAD" ? undefined : text);
}

interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

const PLAIN = "text/plain; charset=utf-8";

async function answerTo({ method, url, headers }: IncomingMessage, source: PageSource): Promise<Answer> {
  if (method !== "GET" && method !== "HEAD") return said(405, "GET only");
  switch (url?.replace(/\?.*$/, "")) {
    case "/metrics":
      return { status: 200, ...(await metricsPage(await source.snapshots(), headers.accept)) };
    case "/livez":
      return said(200, "ok");
    case "/readyz": {
      const unready = source.unready();
      return unready === undefined ? said(200, "ok") : said(503, unready);
    }
    default:
      return said(404, "here are /metrics, /livez and /readyz");
  }
}

function said(status: number, text: string): Answer {
  return { status, contentType: PLAIN, text: `${text}\n` };
}
