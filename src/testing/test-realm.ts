/**
 * A whole realm in one line, for tests: AS, TGS and V on free ports of loopback, real gRPC between them, stores in
 * memory, and a clock that only the test turns.
 *
 *   await using realm = await createTestRealm({ users: { alice: "secret" } });
 *   const alice = await realm.login("alice");
 *   realm.advance("8h");
 */
import { randomBytes } from "node:crypto";
import { profileEtypes } from "../client/client-etypes.js";
import { type KdcAddresses, KerberosClient, type KerberosClientOptions } from "../client/index.js";
import { formatKeytab } from "../formats/keytab.js";
import { parseDuration } from "../protocol/duration.js";
import { passwordPrincipal, randomKeyPrincipal } from "../protocol/new-principal.js";
import type { RealmPolicy } from "../protocol/policy.js";
import { krbtgtOf, type Principal, principalInRealm } from "../protocol/principal.js";
import type { PrincipalEntry } from "../protocol/principal-entry.js";
import { type ProfileName, profile } from "../protocol/profile.js";
import type { ServiceKeys } from "../protocol/ticket.js";
import type { LogRecord } from "../services/exchange-log.js";
import { startAs, startTgs, startV } from "../services/realm-servers.js";
import type { RunningServer } from "../services/server.js";
import { MasterKey } from "../store/master-key.js";
import { MemoryReplayCache } from "../store/memory-replay-cache.js";
import { openMemoryStore } from "../store/memory-store.js";
import { NotesStore } from "../store/notes-store.js";
import { PrincipalStore } from "../store/principal-store.js";
import { TicketForge } from "./ticket-forge.js";

/** What a test realm may be told. */
export interface TestRealmOptions {
  /** `TEST.EXAMPLE` by default. */
  readonly realm?: string;
  /** `standard` by default. */
  readonly profile?: ProfileName;
  /** Passwords by name: `{ alice: "secret" }`. */
  readonly users?: Readonly<Record<string, string>>;
  /** Services with random keys; V, `v/localhost`, is always there. */
  readonly services?: readonly string[];
  /** The present at the start, in milliseconds since the epoch; the system's by default. */
  readonly now?: number;
  /** Limits other than the usual ones: 10 h of life, 7 d renewable, 5 min of skew. Milliseconds. */
  readonly policy?: Partial<RealmPolicy>;
}

/** The principal's name of V in a test realm. */
const V_NAME = "v/localhost";

/** Starts a realm. Dispose of it with `await using` or `close`. */
export async function createTestRealm(options: TestRealmOptions = {}): Promise<TestRealm> {
  const realm = new TestRealm(options);
  await realm.start(options);
  return realm;
}

/** A realm that runs; `createTestRealm` makes one. */
export class TestRealm implements AsyncDisposable {
  readonly policy: RealmPolicy;
  /** Every line the servers logged. */
  readonly log: LogRecord[] = [];
  /** Makes forged and expired tickets. */
  readonly forge = new TicketForge(this);
  readonly #profile: ProfileName;
  readonly #principals = new PrincipalStore(openMemoryStore(), new MasterKey(randomBytes(32)));
  readonly #notes = new NotesStore(openMemoryStore());
  readonly #passwords = new Map<Principal, string>();
  readonly #clients: KerberosClient[] = [];
  readonly #servers: RunningServer[] = [];
  #now: number;

  /** @internal Use `createTestRealm`. */
  constructor(options: TestRealmOptions) {
    this.#profile = options.profile ?? "standard";
    const { permitted, keyEtypes } = profile(this.#profile);
    this.policy = {
      realm: options.realm ?? "TEST.EXAMPLE",
      permittedEtypes: permitted,
      keyEtypes,
      maxLife: parseDuration("10h"),
      maxRenewableLife: parseDuration("7d"),
      clockSkew: parseDuration("5m"),
      ...options.policy,
    };
    this.#now = options.now ?? Date.now();
  }

  /** @internal Use `createTestRealm`. */
  async start(options: TestRealmOptions): Promise<void> {
    const { policy } = this;
    const { keyEtypes } = policy;
    await this.#principals.create(randomKeyPrincipal(krbtgtOf(policy.realm), keyEtypes, this.#now));
    for (const name of [V_NAME, ...(options.services ?? [])]) await this.addService(name);
    for (const [name, password] of Object.entries(options.users ?? {})) await this.addUser(name, password);
    const clock = () => this.#now;
    const log = (record: LogRecord) => void this.log.push(record);
    const listen = { host: "127.0.0.1", port: 0 };
    const replayCache = () =>
      new MemoryReplayCache({ skew: policy.clockSkew, startedAt: this.#now, restart: "fresh" });
    const kdc = { principals: this.#principals, policy, clock, log };
    const v = await this.keys(V_NAME);
    this.#servers.push(
      await startAs(kdc, listen),
      await startTgs({ ...kdc, replayCache: replayCache() }, listen),
      await startV(
        {
          serviceKeys: () => v,
          permittedEtypes: policy.permittedEtypes,
          clockSkew: policy.clockSkew,
          replayCache: replayCache(),
          notes: this.#notes,
          clock,
          log,
        },
        listen,
      ),
    );
  }

  /** The present of servers and clients, in milliseconds since the epoch. */
  get now(): number {
    return this.#now;
  }

  /** Turns the clock: `"8h"`, `"301s"`, or milliseconds; backwards if negative, as `"-1h"`. */
  advance(span: string | number): void {
    if (typeof span === "number") this.#now += span;
    else this.#now += span.startsWith("-") ? -parseDuration(span.slice(1)) : parseDuration(span);
  }

  /** Where AS and TGS listen. */
  get kdc(): KdcAddresses {
    const [as, tgs] = this.#servers;
    return { as: as!.address, tgs: tgs!.address };
  }

  /** V: its principal and address, as `KerberosClient.access` takes them. */
  get v(): { principal: Principal; address: string } {
    return { principal: this.principal(V_NAME), address: this.#servers[2]!.address };
  }

  /** The running servers: AS, TGS, V. */
  get servers(): readonly RunningServer[] {
    return this.#servers;
  }

  /** The principal of a name, in this realm unless it says another. */
  principal(name: string): Principal {
    return principalInRealm(name, this.policy.realm);
  }

  /** Adds a user with a password. */
  async addUser(name: string, password: string, etypes = this.policy.keyEtypes): Promise<void> {
    const principal = this.principal(name);
    await this.#principals.create(await passwordPrincipal(principal, password, etypes, this.#now));
    this.#passwords.set(principal, password);
  }

  /** Adds a service with random keys and gives them, as its keytab would. */
  async addService(name: string, etypes = this.policy.keyEtypes): Promise<ServiceKeys> {
    await this.#principals.create(randomKeyPrincipal(this.principal(name), etypes, this.#now));
    return this.keys(name);
  }

  /** The keys of a principal, as its keytab would hold them. */
  async keys(name: string): Promise<ServiceKeys> {
    const { principal, keys } = await this.entry(name);
    return { principal, keys };
  }

  /** The bytes of a keytab file with all keys of these principals. */
  async keytab(...names: readonly string[]): Promise<Uint8Array> {
    const found = await Promise.all(names.map((name) => this.keys(name)));
    return formatKeytab(
      found.flatMap(({ principal, keys }) =>
        keys.map(({ kvno, key }) => ({ principal, kvno, key, timestamp: this.#now })),
      ),
    );
  }

  /** The database's entry of a principal. Throws when there is none. */
  async entry(name: string): Promise<PrincipalEntry> {
    const entry = await this.#principals.get(this.principal(name));
    if (entry === undefined) throw new RangeError(`name: no principal ${name} in the test realm`);
    return entry;
  }

  /** Changes a principal: disable it, let it expire, give it other keys. */
  async change(name: string, change: (entry: PrincipalEntry) => PrincipalEntry): Promise<void> {
    await this.#principals.change(this.principal(name), change);
  }

  /** Deletes a principal. */
  async remove(name: string): Promise<void> {
    await this.#principals.delete(this.principal(name));
  }

  /** A client of this realm, by the realm's clock, logged in as nobody. The realm closes it. */
  client(options: KerberosClientOptions = {}): KerberosClient {
    const etypes = profileEtypes(this.#profile);
    const client = new KerberosClient({ kdc: this.kdc, clock: () => this.#now, etypes, ...options });
    this.#clients.push(client);
    return client;
  }

  /**
   * A client logged in as one of the users of `createTestRealm` or `addUser`.
   * @param password another than the one given there, to see it refused.
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
    await Promise.all(this.#servers.map((server) => server.stop(0)));
    await this.#principals.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #passwordOf(name: string): string {
    const password = this.#passwords.get(this.principal(name));
    if (password === undefined) throw new RangeError(`name: no user ${name} in the test realm`);
    return password;
  }
}
