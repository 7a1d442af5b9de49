/** Requests to a lab's server with any headers, which `fetch` would not send. */
import { type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";

/** An answer, whole. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** What is asked. */
export interface HttpRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/**
 * Sends a request and gives its answer. `address` is `host:port`, and the Host unless headers say another.
 */
export async function ask(address: string, path: string, options: HttpRequest = {}): Promise<HttpAnswer> {
  const response = await open(address, path, options);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text: Buffer.concat(chunks).toString(),
  };
}

/** Sends a request and gives its answer as soon as the headers are there. */
export function open(address: string, path: string, options: HttpRequest = {}): Promise<IncomingMessage> {
  const { method = "GET", headers = {}, body } = options;
  const [host, port] = address.split(":");
  return new Promise((resolve, reject) => {
    const sent = request({ host, port, path, method, headers, agent: false }, resolve);
    sent.on("error", reject).end(body);
  });
}

/** The cookie that an answer sets, as a request brings it. */
export function cookieOf({ headers }: HttpAnswer): string {
  return headers["set-cookie"]![0]!.split(";")[0]!;
}
