/**
 * One realm that a page plays with: a client that does what it is asked to, its messages held on the way, a
 * clock that stands still until it is turned.
 *
 * Invariant: one step is under way at a time.
 */
import type { KerberosClient } from "../../client/index.js";
import { WhoAmIRequestSchema, WhoAmIResponseSchema } from "../../gen/kerberos/v1/operations_pb.js";
import type { Credentials } from "../../protocol/credentials.js";
import { isoTime } from "../../protocol/kerberos-time.js";
import { annotate } from "../bytes/annotate.js";
import { DIALOGUE } from "../dialogue.js";
import { firstKeysOf } from "../realm/first-keys.js";
import { type LabRealm, startLabRealm } from "../realm/lab-realm.js";
import type { Scene } from "../realm/scene-name.js";
import type { TranscriptAbout } from "../transcript/make-transcript.js";
import type { Transcript } from "../transcript/transcript.js";
import { changeByte, changeField } from "./change-message.js";
import { type Held, Interception } from "./interception.js";
import { LabRefusal } from "./lab-refusal.js";
import { liveMessages, transcriptOf } from "./live-messages.js";
import type { ClientStep, LiveMessage, LiveOutcome, LiveState } from "./live-state.js";
import { failureOf } from "./outcome.js";

/** How long a message may be held, in milliseconds. */
const PATIENCE_MS = 24 * 3_600_000;
/** How far the clock may be turned from where it began, in milliseconds: ten years. */
const FARTHEST_MS = 10 * 365 * 24 * 3_600_000;
/** How many calls and outcomes are kept. Whoever wants more starts the realm anew. */
const MOST_CALLS = 100;
const MOST_OUTCOMES = 50;

/** A realm, and what is done with it. */
export class LiveRealm implements AsyncDisposable {
  readonly interception: Interception;
  /** Told whenever something changed. */
  onChange: () => void = () => {};
  readonly #realm: LabRealm;
  readonly #outcomes: LiveOutcome[] = [];
  readonly #began: number;
  #client: KerberosClient | undefined;
  #tgt: Credentials | undefined;
  #ticket: Credentials | undefined;
  #running: ClientStep | "again" | null = null;
  /** What is under way; never rejects. */
  #step: Promise<void> = Promise.resolve();

  private constructor(realm: LabRealm, holds: boolean) {
    this.#realm = realm;
    this.#began = realm.now;
    this.interception = new Interception({ now: () => realm.now, onChange: () => this.onChange() });
    this.interception.holds = holds;
  }

  /**
   * Starts a realm.
   * @param now the time at which its clock stands, in milliseconds since the epoch.
   * @param holds whether messages are held.
   */
  static async start(scene: Scene, now: number, holds: boolean): Promise<LiveRealm> {
    return new LiveRealm(await startLabRealm({ scene, now }), holds);
  }

  /** How everything stands. */
  now(): { readonly state: LiveState; readonly messages: readonly LiveMessage[] } {
    const { calls, held } = this.interception;
    const { messages, transcript } = liveMessages(calls, held, firstKeysOf(this.#realm), this.#about);
    const isHeld = messages.findIndex((message) => message.isHeld);
    const state = {
      scene: this.#realm.scene,
      realm: this.#realm.realm,
      isStarting: false,
      time: isoTime(this.#realm.now),
      turnedMs: this.#realm.now - this.#began,
      password: this.#realm.users.alice.password,
      holds: this.interception.holds,
      running: this.#running,
      held: isHeld < 0 ? null : isHeld,
      possible: this.#possible,
      outcomes: this.#outcomes,
      keys: transcript.keys,
    };
    return { state, messages };
  }

  /** What travelled, as a transcript. */
  transcript(): Transcript {
    return transcriptOf(this.interception.calls, firstKeysOf(this.#realm), this.#about);
  }

  /**
   * Begins a step of the client.
   * @param password what alice types; hers by default.
   * @throws LabRefusal NOT_NOW if it can't be taken now.
   */
  take(step: ClientStep, password = this.#realm.users.alice.password): void {
    this.#checkIdle();
    if (!this.#possible.includes(step))
      throw new LabRefusal("NOT_NOW", step === "ticket" ? "log in first" : "log in and get a ticket first");
    this.#begin(step, TITLES[step], () => this.#do(step, password));
  }

  /**
   * Sends the request of a call again: the bytes as they went on, or would have.
   * @param at the place of the call.
   */
  sendAgain(at: number): void {
    this.#checkIdle();
    const call = this.interception.calls[at];
    if (call === undefined) throw new LabRefusal("BAD_REQUEST", "no such request has travelled");
    const { path, request } = call;
    const { rfc, to, number } = DIALOGUE[path]!.request;
    const address = { AS: this.#realm.kdc.as, TGS: this.#realm.kdc.tgs, V: this.#realm.address }[to as "AS"];
    this.#begin("again", `message (${number}) sent again`, async () => {
      const bytes = request.is ?? request.was;
      await this.interception.sendAgain(address, path, bytes, Date.now() + PATIENCE_MS);
      return `${to} answered the ${rfc}`;
    });
  }

  /** Changes a byte of the held message. */
  changeByte(at: number, value: number): void {
    this.interception.change(changeByte(this.#held.bytes, at, value));
  }

  /** Changes a field of the held message. @param at where it begins. */
  changeField(at: number, text: string): void {
    const { bytes, call, direction } = this.#held;
    const tree = annotate(DIALOGUE[call.path]![direction].schema, bytes);
    this.interception.change(changeField(bytes, tree, at, text));
  }

  /** Takes all changes of the held message back. */
  restore(): void {
    this.interception.change(this.#held.was);
  }

  /** Lets the held message go on. */
  letGo(): void {
    if (this.#held) this.interception.letGo();
  }

  /** Loses the held message. */
  lose(): void {
    if (this.#held) this.interception.lose();
  }

  /** Whether messages are held from now on; where they are not, the one that is held goes on. */
  hold(holds: boolean): void {
    this.interception.holds = holds;
    if (!holds) this.interception.letGo();
    this.onChange();
  }

  /** Turns the clock of servers and client. */
  turn(ms: number): void {
    if (!Number.isSafeInteger(ms) || Math.abs(this.#realm.now + ms - this.#began) > FARTHEST_MS)
      throw new LabRefusal(
        "BAD_REQUEST",
        "the clock is turned by whole milliseconds, up to ten years in all",
      );
    this.#realm.turn(ms);
    this.onChange();
  }

  /** Ends what is under way, and the realm. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.interception.holds = false;
    this.interception.lose();
    this.#client?.close();
    await this.#step;
    await this.#realm.close();
  }

  get #held(): Held {
    const { held } = this.interception;
    if (held === undefined) throw new LabRefusal("NOT_NOW", "no message is held");
    return held;
  }

  get #about(): TranscriptAbout {
    const { scene, realm } = this.#realm;
    return { title: `A dialogue in the lab: ${scene}`, scene, realm };
  }

  get #possible(): readonly ClientStep[] {
    if (this.#running !== null) return [];
    if (this.#tgt === undefined) return ["login"];
    return this.#ticket === undefined ? ["login", "ticket"] : ["login", "ticket", "access"];
  }

  #checkIdle(): void {
    if (this.#running !== null)
      throw new LabRefusal(
        "NOT_NOW",
        "a call is under way: let its messages go, or lose one, before the next",
      );
    if (this.interception.calls.length >= MOST_CALLS)
      throw new LabRefusal("NOT_NOW", `${MOST_CALLS} calls have travelled: start the realm anew`);
  }

  /** Does something, and keeps what came of it. */
  #begin(running: ClientStep | "again", what: string, run: () => Promise<string>): void {
    this.#running = running;
    this.onChange();
    this.#step = run()
      .then((text): LiveOutcome => ({ what, verdict: "done", text }))
      .catch((error: unknown) => failureOf(what, error, this.interception.calls.at(-1)))
      .then((outcome) => {
        this.#outcomes.push(outcome);
        if (this.#outcomes.length > MOST_OUTCOMES) this.#outcomes.shift();
        this.#running = null;
        this.onChange();
      });
  }

  async #do(step: ClientStep, password: string): Promise<string> {
    const { service, address, users } = this.#realm;
    if (step === "login") {
      const client = this.#newClient();
      this.#tgt = await client.login(users.alice.principal, password);
      return `${this.#tgt.client} holds a ticket for ${this.#tgt.server} until ${isoTime(this.#tgt.endtime)}`;
    }
    if (step === "ticket") {
      const before = this.#ticket;
      this.#ticket = await this.#client!.serviceTicket(service);
      const { server, endtime } = this.#ticket;
      const whence = before === this.#ticket ? "still holds, in its cache," : "holds";
      return `the client ${whence} a ticket for ${server} until ${isoTime(endtime)}`;
    }
    const whoAmI = { request: WhoAmIRequestSchema, response: WhoAmIResponseSchema };
    const { client } = await this.#client!.access({ principal: service, address }, whoAmI, {});
    return `V knows who calls: ${client}`;
  }

  /** A client with no login: what the one before held is forgotten. */
  #newClient(): KerberosClient {
    this.#client?.close();
    this.#tgt = undefined;
    this.#ticket = undefined;
    const { transport } = this.interception;
    this.#client = this.#realm.client({ transport, timeoutMs: PATIENCE_MS });
    return this.#client;
  }
}

const TITLES: Readonly<Record<ClientStep, string>> = {
  login: "log in",
  ticket: "get a ticket for V",
  access: "call V",
};
