/**
 * A realm for lessons: real servers on free ports of loopback, a temporary folder, the users alice and
 * mallory, and every key in the hands of whoever made it.
 *
 * Each server is run by itself, so that one can end and begin again as a process would: what it had in memory
 * is gone, what it wrote to the folder is there.
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { type KdcAddresses, KerberosClient, type KerberosClientOptions } from "../../client/index.js";
import type { LongTermKey } from "../../protocol/keys.js";
import { krbtgtOf, type Principal, principalInRealm } from "../../protocol/principal.js";
import { currentKeys } from "../../protocol/principal-entry.js";
import type { ProfileName } from "../../protocol/profile.js";
import { createRealm, FIRST_SERVICE } from "../../realm/create-realm.js";
import { writeKeytab } from "../../realm/keytab.js";
import { openRealm } from "../../realm/open-realm.js";
import { addPasswordPrincipal, purgeKeys } from "../../realm/principal-keys.js";
import { existingPrincipal } from "../../realm/principals.js";
import { changeToRandomKeys } from "../../realm/random-keys.js";
import type { Realm } from "../../realm/realm.js";
import type { LogRecord } from "../../services/exchange-log.js";
import { type RunningRealm, runRealm } from "../../services/run-realm.js";
import { SCENES, type Scene, type SceneSettings } from "./scene.js";
import { makeTemporaryFolder, type TemporaryFolder } from "./temporary-folder.js";

/** A user of the realm, with what only the user and the KDC know. */
export interface LabUser {
  readonly principal: Principal;
  readonly password: string;
  /** The strongest of the keys made from the password. */
  readonly key: LongTermKey;
}

/** A server of the realm. */
export type LabPart = "as" | "tgs" | "v";

/** What a lab's realm is made from. */
export interface LabRealmOptions {
  readonly scene: Scene;
  /**
   * The time at the start, in milliseconds since the epoch; the clock then moves only when it is turned. By
   * default it runs with the system's.
   */
  readonly now?: number | undefined;
  /** The users' passwords; random ones by default. */
  readonly passwords?: Readonly<Partial<Record<"alice" | "mallory", string>>> | undefined;
}

/** A running realm, and all its secrets. */
export interface LabRealm extends AsyncDisposable {
  readonly scene: Scene;
  readonly profile: ProfileName;
  readonly realm: string;
  readonly users: Readonly<Record<"alice" | "mallory", LabUser>>;
  /** V's own principal, `v/localhost`. */
  readonly service: Principal;
  readonly kdc: KdcAddresses;
  /** Where V listens. */
  readonly address: string;
  /** The current key that tickets are sealed under: K_tgs and K_v. They change with `newKeys`. */
  readonly keys: { readonly krbtgt: LongTermKey; readonly service: LongTermKey };
  /** The time of servers and clients, in milliseconds since the epoch. */
  readonly now: number;
  /** The database behind AS and TGS, as an operator has it. */
  readonly database: Realm;
  /** What the servers logged. */
  readonly log: readonly LogRecord[];
  /** Turns the clock of servers and clients by so many milliseconds; backwards if negative. */
  turn(ms: number): void;
  /** A client with the realm's clock and the scene's encryption types, not logged in. The realm closes it. */
  client(options?: KerberosClientOptions): KerberosClient;
  /** Adds a user, as anybody may who can sign up. Throws RealmError as `addPasswordPrincipal`. */
  addUser(name: string, password?: string): Promise<LabUser>;
  /** Gives the TGS or V new random keys; the old ones open nothing any more. */
  newKeys(of: "krbtgt" | "service"): Promise<void>;
  /** Ends a server and starts it again at the same address, as a process that ended and began again. */
  restart(part: LabPart): Promise<void>;
  /**
   * Starts another V with the same keytab and folder, which shares no memory with the first.
   * @returns its address.
   */
  secondService(): Promise<string>;
  /** Ends clients and servers and removes the folder. */
  close(): Promise<void>;
}

/** Makes a realm and starts its servers. End it with `await using` or `close`. */
export async function startLabRealm(options: LabRealmOptions): Promise<LabRealm> {
  const folder = await makeTemporaryFolder();
  const started = new StartedLabRealm(options, folder);
  try {
    await started.start();
    return started;
  } catch (error) {
    await started.close();
    throw error;
  }
}

class StartedLabRealm implements LabRealm {
  readonly scene: Scene;
  readonly profile: ProfileName;
  readonly log: LogRecord[] = [];
  readonly #settings: SceneSettings;
  readonly #options: LabRealmOptions;
  readonly #folder: TemporaryFolder;
  readonly #running = new Map<LabPart, RunningRealm>();
  readonly #others: RunningRealm[] = [];
  readonly #clients: KerberosClient[] = [];
  #database: Realm | undefined;
  #users: LabRealm["users"] | undefined;
  #keys: LabRealm["keys"] | undefined;
  #turned = 0;

  constructor(options: LabRealmOptions, folder: TemporaryFolder) {
    this.scene = options.scene;
    this.#settings = SCENES[options.scene];
    this.profile = this.#settings.profile;
    this.#options = options;
    this.#folder = folder;
  }

  async start(): Promise<void> {
    const { passwords = {} } = this.#options;
    const directory = await createRealm(
      join(this.#folder.path, "realm"),
      { profile: this.profile },
      this.now,
    );
    this.#database = await openRealm(directory);
    const { keyEtypes } = this.database.policy;
    const own = this.#settings.keyEtypes;
    if (own.some((etype) => !keyEtypes.includes(etype)))
      for (const of of ["krbtgt", "service"] as const) await this.#changeKeys(of);
    this.#keys = await this.#currentKeys();
    const [alice, mallory] = await Promise.all([
      this.addUser("alice", passwords.alice),
      this.addUser("mallory", passwords.mallory),
    ]);
    this.#users = { alice, mallory };
    for (const part of ["as", "tgs", "v"] as const) await this.#run(part, 0);
  }

  get realm(): string {
    return this.database.settings.realm;
  }

  get database(): Realm {
    return started(this.#database);
  }

  get users(): LabRealm["users"] {
    return started(this.#users);
  }

  get keys(): LabRealm["keys"] {
    return started(this.#keys);
  }

  get service(): Principal {
    return principalOf(this, "service");
  }

  get kdc(): KdcAddresses {
    return { as: this.#address("as"), tgs: this.#address("tgs") };
  }

  get address(): string {
    return this.#address("v");
  }

  get now(): number {
    return (this.#options.now ?? Date.now()) + this.#turned;
  }

  turn(ms: number): void {
    if (!Number.isSafeInteger(ms)) throw new RangeError(`ms: expected whole milliseconds, got ${ms}`);
    this.#turned += ms;
  }

  client(options: KerberosClientOptions = {}): KerberosClient {
    const { clientEtypes } = this.#settings;
    const client = new KerberosClient({
      kdc: this.kdc,
      clock: () => this.now,
      etypes: clientEtypes,
      ...options,
    });
    this.#clients.push(client);
    return client;
  }

  async addUser(name: string, password = randomBytes(12).toString("base64url")): Promise<LabUser> {
    const etypes = this.#settings.keyEtypes;
    const entry = await addPasswordPrincipal(this.database, name, password, this.now, { etypes });
    return { principal: entry.principal, password, key: currentKeys(entry)[0]! };
  }

  async newKeys(of: "krbtgt" | "service"): Promise<void> {
    await this.#changeKeys(of);
    this.#keys = await this.#currentKeys();
    // V reads its keytab again when it notices the change; here it is to be seen at once.
    if (of === "service") await this.restart("v");
  }

  async restart(part: LabPart): Promise<void> {
    const port = Number(this.#address(part).split(":").at(-1));
    await this.#running.get(part)?.stop(0);
    await this.#run(part, port);
  }

  async secondService(): Promise<string> {
    const other = await this.#start("v", 0);
    this.#others.push(other);
    return other.address("v");
  }

  async close(): Promise<void> {
    for (const client of this.#clients.splice(0)) client.close();
    for (const other of this.#others.splice(0)) await other.stop(0);
    for (const running of this.#running.values()) await running.stop(0);
    this.#running.clear();
    await this.#database?.close();
    this.#folder.remove();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #address(part: LabPart): string {
    return started(this.#running.get(part)).address(part);
  }

  async #run(part: LabPart, port: number): Promise<void> {
    this.#running.set(part, await this.#start(part, port));
  }

  #start(part: LabPart, port: number): Promise<RunningRealm> {
    const directory = this.database.directory;
    return runRealm({
      ...(part === "v" ? { directory } : { realm: this.database }),
      ports: { [part]: port },
      clock: () => this.now,
      log: (record) => void this.log.push(record),
    });
  }

  async #changeKeys(of: "krbtgt" | "service"): Promise<void> {
    const { database } = this;
    const principal = principalOf(this, of);
    await changeToRandomKeys(database, principal, this.#settings.keyEtypes, this.now);
    const { entry } = await purgeKeys(database, principal, this.now);
    const { keytabFile } = started(database.directory);
    if (of === "service") await writeKeytab(keytabFile, principal, entry.keys, this.now);
  }

  async #currentKeys(): Promise<LabRealm["keys"]> {
    const keyOf = async (of: "krbtgt" | "service") =>
      currentKeys(await existingPrincipal(this.database, principalOf(this, of)))[0]!;
    return { krbtgt: await keyOf("krbtgt"), service: await keyOf("service") };
  }
}

function principalOf({ realm }: LabRealm, of: "krbtgt" | "service"): Principal {
  return of === "krbtgt" ? krbtgtOf(realm) : principalInRealm(FIRST_SERVICE, realm);
}

/** What there is once the realm has started. */
function started<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError("realm: closed, or not started");
  return value;
}
