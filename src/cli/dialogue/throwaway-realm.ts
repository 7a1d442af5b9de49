/** A realm that lasts as long as the command: a temporary folder, three servers on free ports, one user. */
import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KdcAddresses } from "../../client/index.js";
import type { LongTermKey } from "../../protocol/keys.js";
import { krbtgtOf, type Principal } from "../../protocol/principal.js";
import { currentKeys } from "../../protocol/principal-entry.js";
import type { ProfileName } from "../../protocol/profile.js";
import { createRealm, FIRST_SERVICE } from "../../realm/create-realm.js";
import { openRealm } from "../../realm/open-realm.js";
import { addPasswordPrincipal } from "../../realm/principal-keys.js";
import { existingPrincipal } from "../../realm/principals.js";
import { runRealm } from "../../services/run-realm.js";

/** A running realm, and what whoever made it knows. */
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
  // The process may also end early, because nobody reads its output any more.
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
  profile: ProfileName,
  closers: (() => Promise<void>)[],
): Promise<Omit<ThrowawayRealm, "close">> {
  const realm = await openRealm(await createRealm(dir, { profile }, Date.now()));
  closers.push(() => realm.close());
  const password = randomBytes(12).toString("base64url");
  const { principal: alice } = await addPasswordPrincipal(realm, "alice", password, Date.now());
  const running = await runRealm({ realm, ports: { as: 0, tgs: 0, v: 0 } });
  closers.push(() => running.stop(1000));
  const keyOf = async (name: string) => currentKeys(await existingPrincipal(realm, name))[0]!;
  return {
    realm: realm.settings.realm,
    alice,
    password,
    service: (await existingPrincipal(realm, FIRST_SERVICE)).principal,
    kdc: { as: running.address("as"), tgs: running.address("tgs") },
    address: running.address("v"),
    keys: {
      alice: await keyOf(alice),
      krbtgt: await keyOf(krbtgtOf(realm.settings.realm)),
      service: await keyOf(FIRST_SERVICE),
    },
  };
}
