/** A realm with servers that a test's commands can use: alice and bob with their passwords, and V. */
import { mkdirSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll } from "vitest";
import { settingsFileOf } from "../../src/realm/realm-directory.js";
import { DEFAULT_SETTINGS, formatSettings } from "../../src/realm/realm-settings.js";
import { createTestRealm, type TestRealm, type TestRealmOptions } from "../../src/testing/index.js";
import { InProcess } from "./in-process.js";

export const PASSWORDS = { alice: "a horse of another colour", bob: "apple" } as const;
/** The moment at which everything begins. */
export const NOON = Date.UTC(2026, 2, 1, 12);

/** A shell whose commands find the servers of a realm, by the realm's clock; valid while tests run. */
export interface Served {
  readonly shell: InProcess;
  readonly realm: TestRealm;
  /** Logs in, in place of any other login. */
  login(name: keyof typeof PASSWORDS, options?: string): Promise<void>;
}

/** Starts a realm before the tests of a file and ends it after them. */
export function served(options: TestRealmOptions = {}): Served {
  let realm: TestRealm;
  const shell = new InProcess();
  beforeAll(async () => {
    realm = await createTestRealm({
      realm: "EXAMPLE.TEST",
      profile: "textbook",
      users: PASSWORDS,
      now: NOON,
      ...options,
    });
    shell.now = () => realm.now;
    // What a client learns from the realm's folder on its machine.
    const settings = {
      ...DEFAULT_SETTINGS,
      realm: realm.policy.realm,
      profile: options.profile ?? "textbook",
    };
    mkdirSync(shell.env.TESSERA_REALM_DIR!, { mode: 0o700 });
    writeFileSync(settingsFileOf(shell.env.TESSERA_REALM_DIR!), formatSettings(settings));
    shell.env.TESSERA_KDC = `${realm.kdc.as},${realm.kdc.tgs}`;
  });
  afterAll(async () => {
    await realm.close();
    shell.remove();
  });
  return {
    shell,
    get realm() {
      return realm;
    },
    login: async (name, more = "") => {
      const { code, stderr } = await shell.run(`kinit ${more} --password-stdin ${name}`, PASSWORDS[name]);
      if (code !== 0) throw new Error(stderr);
    },
  };
}
