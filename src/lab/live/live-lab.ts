/**
 * The lab behind a page: the realm of the chosen scene, and what of it has changed since the page was last
 * told.
 */
import { KIND_EXPLANATIONS } from "../bytes/byte-node.js";
import type { Scene } from "../realm/scene-name.js";
import { AttackRuns } from "./attack-runs.js";
import type { LabEvent } from "./event-stream.js";
import { LabRefusal } from "./lab-refusal.js";
import { LiveRealm } from "./live-realm.js";
import type { LiveNow } from "./live-state.js";

/** The lab behind a page. */
export class LiveLab implements AsyncDisposable {
  readonly #tell: (event: LabEvent) => void;
  /** Undefined while a realm is being started, or if it could not be. */
  #live: LiveRealm | undefined;
  #isStarting = false;
  #starting: Promise<void> = Promise.resolve();
  readonly attacks: AttackRuns;
  /** What the pages were told last: all of it, and each message as JSON. */
  #told: { readonly now: RealmNow; readonly messages: readonly string[] };

  private constructor(live: LiveRealm, tell: (event: LabEvent) => void) {
    this.#tell = tell;
    this.#live = live;
    this.attacks = new AttackRuns((attack) => tell({ event: "attack", data: attack }));
    this.#told = told(live.now());
  }

  /**
   * Starts a realm, whose messages are held.
   * @param tell told of all that happens.
   */
  static async start(scene: Scene, tell: (event: LabEvent) => void): Promise<LiveLab> {
    const live = await LiveRealm.start(scene, Date.now(), true);
    const lab = new LiveLab(live, tell);
    live.onChange = () => lab.#changed();
    return lab;
  }

  /** How everything stands. */
  now(): LiveNow {
    return { ...this.#told.now, attacks: this.attacks.all(), kinds: KIND_EXPLANATIONS };
  }

  /** The realm that is played with. Throws LabRefusal NOT_NOW while there is none. */
  get realm(): LiveRealm {
    if (this.#live === undefined) throw new LabRefusal("NOT_NOW", this.#isStarting ? STARTING : NOT_STARTED);
    return this.#live;
  }

  /** Ends the realm and starts one of that scene. */
  restart(scene: Scene): Promise<void> {
    if (this.#isStarting) throw new LabRefusal("NOT_NOW", STARTING);
    const before = this.#live;
    const { state } = this.#told.now;
    this.#live = undefined;
    this.#isStarting = true;
    // What still happens in the realm that ends is nobody's concern.
    if (before !== undefined) before.onChange = () => {};
    const starting = {
      ...state,
      scene,
      isStarting: true,
      running: null,
      held: null,
      possible: [],
      outcomes: [],
    };
    this.#tellAll({ state: starting, messages: [] });
    this.#starting = this.#replace(before, scene, state.holds)
      .finally(() => {
        this.#isStarting = false;
      })
      .catch((error: unknown) => {
        // Another may be started.
        this.#tellAll({ state: { ...starting, isStarting: false }, messages: [] });
        throw error;
      });
    return this.#starting;
  }

  async #replace(before: LiveRealm | undefined, scene: Scene, holds: boolean): Promise<void> {
    await before?.[Symbol.asyncDispose]();
    this.#live = await LiveRealm.start(scene, Date.now(), holds);
    this.#live.onChange = () => this.#changed();
    this.#tellAll(this.#live.now());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#starting.catch(() => {});
    await this.#live?.[Symbol.asyncDispose]();
    await this.attacks[Symbol.asyncDispose]();
  }

  #tellAll(now: RealmNow): void {
    this.#told = told(now);
    this.#tell({ event: "now", data: this.now() });
  }

  /** Tells what is not known yet: a message is told again where anything about it has changed. */
  #changed(): void {
    const before = this.#told.messages;
    this.#told = told(this.realm.now());
    const { now, messages } = this.#told;
    messages.forEach((text, at) => {
      if (text !== before[at]) this.#tell({ event: "message", data: { at, message: now.messages[at] } });
    });
    this.#tell({ event: "state", data: now.state });
  }
}

const STARTING = "the realm is being started";
const NOT_STARTED = "the realm could not be started: start it anew";

type RealmNow = ReturnType<LiveRealm["now"]>;

function told(now: RealmNow) {
  return { now, messages: now.messages.map((message) => JSON.stringify(message)) };
}
