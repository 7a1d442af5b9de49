/**
 * What others change in a realm's table, as PostgreSQL tells it by NOTIFY, and up to when all of it is known.
 *
 * Notifications come in the order of their commits. So when one that was sent from here comes back, whatever
 * was committed before it was sent has been told: such a beat goes out every quarter of the bound. Where no
 * beat comes back, for whatever reason, time passes, and what was read grows too old.
 *
 * Invariant: what was read before this connection began to listen is known only as of its reading.
 */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { ClientBase, Notification } from "pg";
import type { Changes } from "../key-value-store.js";
import { type PostgresServers, within } from "./servers.js";

/** How long until the next attempt to listen, in milliseconds. */
const RETRY_MS = 250;
/** Beats that may be on their way before the connection counts as dead. */
const BEATS_UNDERWAY = 4;

/** What it takes to follow changes. */
export interface ChangesOptions {
  readonly servers: PostgresServers;
  /** Where the table's changes are told. */
  readonly channel: string;
  /** How old what is kept may be, in milliseconds. */
  readonly staleness: number;
  /** How old it may be while the database can't be reached, in milliseconds. */
  readonly away: number;
  /** A clock in milliseconds that is never set. */
  readonly uptime: () => number;
  /** Told of each key that others may have changed; undefined: any of them. */
  readonly onChange: (key: string | undefined) => void;
}

/** Follows the changes of a table until it is closed. */
export class PostgresChanges implements Changes {
  readonly #options: ChangesOptions;
  readonly #ended = new AbortController();
  readonly #closing = once(this.#ended.signal, "abort");
  readonly #following: Promise<void>;
  /** Since when this process has been listening without a gap. */
  #since = Number.POSITIVE_INFINITY;
  /** Up to when everything that was committed has been told. */
  #knownTo = Number.NEGATIVE_INFINITY;

  constructor(options: ChangesOptions) {
    this.#options = options;
    this.#following = this.#follow();
  }

  now(): number {
    return this.#options.uptime();
  }

  mayUse(readAt: number): boolean {
    const { servers, staleness, away, uptime } = this.#options;
    const knownTo = readAt >= this.#since ? Math.max(readAt, this.#knownTo) : readAt;
    return uptime() - knownTo <= (servers.isAway ? away : staleness);
  }

  /** Stops listening. */
  async close(): Promise<void> {
    this.#ended.abort();
    await this.#following;
  }

  async #follow(): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      // Whatever goes wrong, the beats stop: that is what readers go by.
      await this.#listen().catch(() => {});
      this.#since = Number.POSITIVE_INFINITY;
      await delay(RETRY_MS, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  async #listen(): Promise<void> {
    const { servers, channel, staleness } = this.#options;
    const beats = new Beats(staleness / 4, this.#options.uptime);
    const { client, release } = await servers.acquire();
    let failure: unknown;
    const broken = new Promise<void>((resolve) => {
      client.once("end", () => {
        failure = Object.assign(new Error("the connection ended"), { code: "ECONNRESET" });
        resolve();
      });
    });
    const onNotification = (notification: Notification) => this.#hear(notification, channel, beats);
    client.on("notification", onNotification);
    try {
      await within(staleness, client.query(`LISTEN ${channel}; LISTEN ${beats.channel}`));
      this.#since = this.#options.uptime();
      await Promise.race([broken, this.#closing, beats.send(client, this.#ended.signal)]);
    } catch (error) {
      failure = error;
    } finally {
      client.off("notification", onNotification);
      release(failure);
    }
  }

  #hear({ channel, payload = "" }: Notification, ofTable: string, beats: Beats): void {
    if (channel === ofTable) this.#options.onChange(payload === "" ? undefined : payload);
    else if (channel === beats.channel) this.#knownTo = beats.back(payload) ?? this.#knownTo;
  }
}

/** Notifications to oneself. */
class Beats {
  readonly channel = `tessera_beat_${randomBytes(8).toString("hex")}`;
  readonly #period: number;
  readonly #uptime: () => number;
  readonly #underway = new Map<string, number>();
  #count = 0;

  constructor(period: number, uptime: () => number) {
    this.#period = period;
    this.#uptime = uptime;
  }

  /** Sends them until one fails to come back, or the signal. */
  async send(client: ClientBase, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.#underway.size >= BEATS_UNDERWAY)
        throw Object.assign(new Error("no beat has come back"), { code: "ECONNRESET" });
      const beat = String(this.#count++);
      this.#underway.set(beat, this.#uptime());
      await within(
        BEATS_UNDERWAY * this.#period,
        client.query("SELECT pg_notify($1, $2)", [this.channel, beat]),
      );
      await delay(this.#period, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  /** When the beat that has come back was sent. */
  back(beat: string): number | undefined {
    const sentAt = this.#underway.get(beat);
    this.#underway.delete(beat);
    return sentAt;
  }
}
