/**
 * A whole realm in one line, for tests: AS, TGS and V on free ports of loopback, real gRPC between them,
 * stores in memory, and a clock that moves only when the test turns it.
 *
 *   await using realm = await createTestRealm({ users: { alice: "secret" } });
 *   const alice = await realm.login("alice");
 *   realm.advance("8h");
 */
import { profileEtypes } from "../client/client-etypes.js";
import { type KdcAddresses, KerberosClient, type KerberosClientOptions } from "../client/index.js";
import { checkOptionNames, type OptionNames } from "../errors/unknown-options.js";
import { formatKeytab } from "../formats/keytab.js";
import { passwordPrincipal, randomKeyPrincipal } from "../protocol/new-principal.js";
import type { RealmPolicy } from "../protocol/policy.js";
import { type Principal, principalInRealm } from "../protocol/principal.js";
import type { PrincipalEntry } from "../protocol/principal-entry.js";
import type { ProfileName } from "../protocol/profile.js";
import type { ServiceKeys } from "../protocol/ticket.js";
import { createMemoryRealm, FIRST_SERVICE } from "../realm/create-realm.js";
import type { Realm } from "../realm/realm.js";
import type { Timer } from "../rpc/timer.js";
import type { LogRecord } from "../services/exchange-log.js";
import { type RunningRealm, runRealm } from "../services/run-realm.js";
import type { RunningServer } from "../services/server.js";
import { parseSpan } from "./span.js";
import { TicketForge } from "./ticket-forge.js";
import { TurnedTimers } from "./turned-timers.js";

/** Options of a test realm. */
export interface TestRealmOptions {
  /** `TEST.EXAMPLE` by default. */
  readonly realm?: string;
  /** `standard` by default. */
  readonly profile?: ProfileName;
  /** Passwords by name: `{ alice: "secret" }`. */
  readonly users?: Readonly<Record<string, string>>;
  /** Services with random keys; V, `v/localhost`, is always there. */
  readonly services?: readonly string[];
  /** The time at the start, in milliseconds since the epoch; the system's by default. */
  readonly now?: number;
  /**
   * Overrides of the policy, which is 10 h of life, renewable for 7 d, and 5 min of clock skew; in
   * milliseconds.
   */
  readonly policy?: Partial<RealmPolicy>;
}

const OPTIONS: OptionNames<TestRealmOptions> = {
  realm: true,
  profile: true,
  users: true,
  services: true,
  now: true,
  policy: true,
};

/** Starts a realm; end it with `await using` or `close`. */
export async function createTestRealm(options: TestRealmOptions = {}): Promise<TestRealm> {
  checkOptionNames("createTestRealm", options, OPTIONS);
  const { realm = "TEST.EXAMPLE", profile = "standard", policy = {}, now = Date.now() } = options;
  const made = new TestRealm(await createMemoryRealm({ realm, profile }, policy, now), now);
  for (const name of options.services ?? []) await made.addService(name);
  for (const [name, password] of Object.entries(options.users ?? {})) await made.addUser(name, password);
  await made.start();
  return made;
}

/** A running realm; `createTestRealm` makes one. */
export class TestRealm implements AsyncDisposable {
  /** Every line that the servers logged. */
  readonly log: LogRecord[] = [];
  /** Makes forged tickets, expired ones among them. */
  readonly forge = new TicketForge(this);
  readonly #realm: Realm;
  readonly #passwords = new Map<Principal, string>();
  readonly #clients: KerberosClient[] = [];
  #running: RunningRealm | undefined;
  #now: number;
  readonly #timers = new TurnedTimers(() => this.#now);
  readonly #onTurned = new Set<() => void>();

  /** @internal Use `createTestRealm`. */
  constructor(realm: Realm, now: number) {
    this.#realm = realm;
    this.#now = now;
  }

  /** @internal Use `createTestRealm`. */
  async start(): Promise<void> {
    this.#running = await runRealm({
      realm: this.#realm,
      ports: { as: 0, tgs: 0, v: 0 },
      clock: () => this.#now,
      log: (record) => void this.log.push(record),
    });
  }

  /** The policy of the realm. */
  get policy(): RealmPolicy {
    return this.#realm.policy;
  }

  /** The time of servers and clients, in milliseconds since the epoch. */
  get now(): number {
    return this.#now;
  }

  /**
   * Turns the clock by `"8h"`, `"301s"` or a number of milliseconds; backwards if negative, as in `"-1h"`.
   */
  advance(span: string | number): void {
    this.#now += parseSpan(span);
    this.#timers.turned();
    for (const told of this.#onTurned) told();
  }

  /**
   * Timers by the realm's clock, which `advance` wakes: for `ticketInterceptor(client, service, { timer })`,
   * whose streams are then renewed when the test turns the clock.
   */
  get timer(): Timer {
    return this.#timers.timer;
  }

  /**
   * Has somebody told whenever the clock is turned.
   * @internal
   * @returns what ends that.
   */
  onTurned(told: () => void): () => void {
    this.#onTurned.add(told);
    return () => void this.#onTurned.delete(told);
  }

  /** Where AS and TGS listen. */
  get kdc(): KdcAddresses {
    return { as: this.#servers().address("as"), tgs: this.#servers().address("tgs") };
  }

  /** V: its principal and address, as `KerberosClient.access` takes them. */
  get v(): { principal: Principal; address: string } {
    return { principal: this.principal(FIRST_SERVICE), address: this.#servers().address("v") };
  }

  /** The running servers: AS, TGS, V. */
  get servers(): readonly RunningServer[] {
    return [...this.#servers().servers.values()];
  }

  /** The principal that a name stands for; a name without a realm is in this one. */
  principal(name: string): Principal {
    return principalInRealm(name, this.policy.realm);
  }

  /** Adds a user with a password. `etypes` may be ones that the realm does not permit. */
  async addUser(name: string, password: string, etypes = this.policy.keyEtypes): Promise<void> {
    const principal = this.principal(name);
    const { iterations } = this.policy;
    const entry = await passwordPrincipal(principal, password, etypes, this.#now, iterations);
    await this.#realm.principals.create(entry);
    this.#passwords.set(principal, password);
  }

  /**
   * Adds a service with random keys and returns them as its keytab would hold them. `etypes` as in `addUser`.
   */
  async addService(name: string, etypes = this.policy.keyEtypes): Promise<ServiceKeys> {
    const entry = randomKeyPrincipal(this.principal(name), etypes, this.#now);
    await this.#realm.principals.create(entry);
    return { principal: entry.principal, keys: entry.keys };
  }

  /** The keys of a principal, as its keytab would hold them. */
  async keys(name: string): Promise<ServiceKeys> {
    const { principal, keys } = await this.entry(name);
    return { principal, keys };
  }

  /** The bytes of a keytab file with all the keys of these principals. */
  async keytab(...names: readonly string[]): Promise<Uint8Array> {
    const found = await Promise.all(names.map((name) => this.keys(name)));
    return formatKeytab(
      found.flatMap(({ principal, keys }) =>
        keys.map(({ kvno, key }) => ({ principal, kvno, key, timestamp: this.#now })),
      ),
    );
  }

  /** The database entry of a principal. Throws RangeError if there is none. */
  async entry(name: string): Promise<PrincipalEntry> {
    const entry = await this.#realm.principals.get(this.principal(name));
    if (entry === undefined) throw new RangeError(`name: no principal ${name} in the test realm`);
    return entry;
  }

  /** Changes the entry of a principal: disables it, makes it expire, gives it other keys. */
  async change(name: string, change: (entry: PrincipalEntry) => PrincipalEntry): Promise<void> {
    await this.#realm.principals.change(this.principal(name), change);
  }

  /** Deletes a principal. */
  async remove(name: string): Promise<void> {
    await this.#realm.principals.delete(this.principal(name));
  }

  /** A client of this realm, with the realm's clock, not logged in. The realm closes it. */
  client(options: KerberosClientOptions = {}): KerberosClient {
    const etypes = profileEtypes(this.#realm.settings.profile);
    const client = new KerberosClient({ kdc: this.kdc, clock: () => this.#now, etypes, ...options });
    this.#clients.push(client);
    return client;
  }

  /**
   * A client logged in as one of the users of `createTestRealm` or `addUser`.
   * @param password by default the one given there; another, to see it refused.
   */
  async login(
    name: string,
    password = this.#passwordOf(name),
    options: KerberosClientOptions = {},
  ): Promise<KerberosClient> {
    const client = this.client(options);
    await client.login(this.principal(name), password);
    return client;
  }

  /** Stops servers and clients. */
  async close(): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.#servers().stop(0);
    await this.#realm.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #servers(): RunningRealm {
    if (this.#running === undefined)
      throw new TypeError("realm: not started; createTestRealm makes one that is");
    return this.#running;
  }

  #passwordOf(name: string): string {
    const password = this.#passwords.get(this.principal(name));
    if (password === undefined) throw new RangeError(`name: no user ${name} in the test realm`);
    return password;
  }
}
