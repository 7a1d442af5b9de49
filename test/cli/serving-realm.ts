/** A realm in a folder of its own for each test, and servers that a test starts in its own process. */
import { afterEach, beforeEach } from "vitest";
import type { Outcome } from "./command.js";
import { InProcess, type Running } from "./in-process.js";

/** What `serve` says in JSON when it is ready. */
export interface Ready {
  readonly ready: boolean;
  readonly realm: string;
  readonly profile: string;
  readonly service?: string;
  readonly addresses: Readonly<Record<string, string>>;
  readonly tls: boolean;
  /** Where figures are shown, if they are. */
  readonly metrics: string;
}

/** A shell with a realm, and with servers once they were started. */
export class ServingShell extends InProcess {
  #running: Running | undefined;

  /** The servers that were started last. */
  get running(): Running {
    if (this.#running === undefined) throw new TypeError("running: expected servers that were started");
    return this.#running;
  }

  /** Starts servers by the words of a command line. */
  begin(line: string): Running {
    this.#running = this.start(line.split(" ").filter((word) => word !== ""));
    return this.#running;
  }

  /** Starts servers on free ports; from then on commands find them. */
  async serve(words = ""): Promise<Ready> {
    const { firstLine } = this.begin(`serve --as-port 0 --tgs-port 0 --v-port 0 ${words}`);
    const ready = JSON.parse(await firstLine) as Ready;
    this.env.TESSERA_KDC = `${ready.addresses.as},${ready.addresses.tgs}`;
    return ready;
  }

  /** Ends the servers, if there are any that have not ended. */
  async end(): Promise<Outcome> {
    this.running.end();
    return this.running.outcome;
  }

  /** Ends what was started and removes the folder. */
  async close(): Promise<void> {
    if (this.#running !== undefined) await this.end();
    this.remove();
  }
}

/** A shell for each test. */
export interface ServingTests {
  readonly shell: ServingShell;
}

/** Makes a realm before each test, and in it what these command lines make, each with its stdin. */
export function servingTests(...lines: readonly (readonly [line: string, stdin?: string])[]): ServingTests {
  let shell: ServingShell;
  beforeEach(async () => {
    shell = new ServingShell();
    for (const [line, stdin] of [["realm create"] as const, ...lines]) await shell.run(line, stdin);
  });
  afterEach(() => shell.close());
  return {
    get shell() {
      return shell;
    },
  };
}
