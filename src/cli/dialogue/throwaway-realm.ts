/** A realm that ends with the command: a temporary folder, three servers on free ports, one user. */
import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KdcAddresses } from "../../client/index.js";
import type { LongTermKey } from "../../protocol/keys.js";
import { passwordPrincipal } from "../../protocol/new-principal.js";
import { krbtgtOf, type Principal, principalInRealm } from "../../protocol/principal.js";
import { currentKeys } from "../../protocol/principal-entry.js";
import { type ProfileName, profile } from "../../protocol/profile.js";
import { openPrincipals } from "../../realm/realm-directory.js";
import { KeytabFile } from "../../services/keytab-file.js";
import { startAs, startTgs, startV } from "../../services/realm-servers.js";
import type { RunningServer } from "../../services/server.js";
import { NotesStore } from "../../store/notes-store.js";
import { openReplayCache } from "../../store/open-replay-cache.js";
import { openStore } from "../../store/open-store.js";
import { createRealm, DEFAULT_SETTINGS, FIRST_SERVICE, policyOf } from "../realm.js";

/** A running realm and what its makers know. */
export interface ThrowawayRealm {
  readonly realm: string;
  readonly alice: Principal;
  readonly password: string;
  readonly service: Principal;
  readonly kdc: KdcAddresses;
  /** Where V listens. */
  readonly address: string;
  /** The strongest current key of each: K_c, K_tgs, K_v. */
  readonly keys: Readonly<Record<"alice" | "krbtgt" | "service", LongTermKey>>;
  /** Ends the servers and removes the folder. */
  close(): Promise<void>;
}

/** Makes a realm, its user alice and its servers. */
export async function startThrowawayRealm(name: ProfileName): Promise<ThrowawayRealm> {
  const folder = await mkdtemp(join(tmpdir(), "tessera-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const onSignal = (signal: NodeJS.Signals) => {
    remove();
    process.kill(process.pid, signal);
  };
  for (const signal of SIGNALS) process.once(signal, onSignal);
  // Also where the process ends early because nobody reads its output any more.
  process.once("exit", remove);
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const closeOne of closers.splice(0).reverse()) await closeOne();
    for (const signal of SIGNALS) process.removeListener(signal, onSignal);
    process.removeListener("exit", remove);
    remove();
  };
  try {
    return { ...(await startRealm(join(folder, "realm"), name, closers)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

async function startRealm(
  dir: string,
  name: ProfileName,
  closers: (() => Promise<void>)[],
): Promise<Omit<ThrowawayRealm, "close">> {
  const made = await createRealm(dir, { ...DEFAULT_SETTINGS, profile: name }, Date.now());
  const { realm, clockSkew } = made.settings;
  const alice = principalInRealm("alice", realm);
  const service = principalInRealm(FIRST_SERVICE, realm);
  const password = randomBytes(12).toString("base64url");
  const principals = await openPrincipals(made);
  closers.push(() => principals.close());
  await principals.create(await passwordPrincipal(alice, password, profile(name).keyEtypes, Date.now()));
  const replayCache = await openReplayCache(made.replayCache, { skew: clockSkew, startedAt: Date.now() });
  closers.push(() => replayCache.close());
  const notes = new NotesStore(await openStore(made.notes));
  closers.push(() => notes.close());
  const keytab = await KeytabFile.open(made.keytabFile);
  const policy = policyOf(made.settings);
  const common = { clock: Date.now, log: () => {} };
  const listen = { host: "127.0.0.1", port: 0 };
  const add = async (starting: Promise<RunningServer>) => {
    const server = await starting;
    closers.push(() => server.stop(1000));
    return server.address;
  };
  const as = await add(startAs({ ...common, principals, policy }, listen));
  const tgs = await add(startTgs({ ...common, principals, policy, replayCache }, listen));
  const { permittedEtypes } = policy;
  const serviceKeys = () => keytab.serviceKeys();
  const v = { ...common, serviceKeys, permittedEtypes, clockSkew, replayCache, notes };
  const address = await add(startV(v, listen));
  const keyOf = async (principal: Principal) => currentKeys((await principals.get(principal))!)[0]!;
  const keys = {
    alice: await keyOf(alice),
    krbtgt: await keyOf(krbtgtOf(realm)),
    service: await keyOf(service),
  };
  return { realm, alice, password, service, kdc: { as, tgs }, address, keys };
}
