/** The body of a POST: JSON of a bounded length, whose top is an object. */
import type { IncomingMessage } from "node:http";
import { LabRefusal } from "./lab-refusal.js";

/** The longest body, in bytes: a message of 64 KiB in hex, and some words. */
const BODY_BYTES = 256 * 1024;

/** What a page asks with. Values are checked by whoever reads them. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** @throws LabRefusal if the body is something else, or too long. */
export async function jsonBody(request: IncomingMessage): Promise<JsonObject> {
  // A form of another page can't send this type without asking first.
  if (!/^application\/json\s*(?:;|$)/i.test(request.headers["content-type"] ?? ""))
    throw new LabRefusal("NOT_JSON", "expected a body of type application/json");
  const chunks: Buffer[] = [];
  let length = 0;
  // The request outlives what is thrown here: the refusal travels on its connection.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > BODY_BYTES) throw new LabRefusal("TOO_LONG", `the body is longer than ${BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  let body: unknown;
  try {
    body = JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    throw new LabRefusal("BAD_REQUEST", "the body is not JSON");
  }
  if (typeof body !== "object" || body === null || Array.isArray(body))
    throw new LabRefusal("BAD_REQUEST", "the body is not a JSON object");
  return body as JsonObject;
}
