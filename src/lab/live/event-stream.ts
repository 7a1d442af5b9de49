/**
 * What happens in the lab, told to its pages as it happens: server-sent events, a line of JSON each. A page
 * that comes, or comes back, is first told how everything stands; so no event is kept.
 */
import type { ServerResponse } from "node:http";
import { LabRefusal } from "./lab-refusal.js";

/** Pages at a time: a few tabs. */
const PAGES = 8;
/** What a page may leave unread before it is let go, in bytes. It comes back and is told all. */
const UNREAD_BYTES = 16 * 1024 * 1024;

/** The pages that listen. */
export class EventStream {
  readonly #pages = new Set<ServerResponse>();

  /**
   * Adds a page.
   * @param first how everything stands, as an event.
   * @throws LabRefusal where too many listen.
   */
  add(page: ServerResponse, first: LabEvent): void {
    if (this.#pages.size >= PAGES)
      throw new LabRefusal("TOO_MANY_PAGES", `${PAGES} pages of this lab are open: close one of them`);
    page.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
    page.write(`retry: 1000\n\n${textOf(first)}`);
    this.#pages.add(page);
    page.on("close", () => this.#pages.delete(page));
  }

  /** Tells all pages. */
  tell(event: LabEvent): void {
    const text = textOf(event);
    for (const page of this.#pages) {
      page.write(text);
      if (page.writableLength > UNREAD_BYTES) page.destroy();
    }
  }

  /** Lets all pages go. */
  close(): void {
    for (const page of this.#pages) page.end();
    this.#pages.clear();
  }
}

/** Something that happened: its kind, and what belongs to it as JSON. */
export interface LabEvent {
  readonly event: string;
  readonly data: unknown;
}

function textOf({ event, data }: LabEvent): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
