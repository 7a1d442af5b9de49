/**
 * The realm around a learner's TGS: AS and V on free ports, everything in memory but one file, with the keys
 * that a TGS needs. The clock is the system's, since the learner's server has no other.
 */
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { KerberosClient } from "../../client/index.js";
import type { Credentials } from "../../protocol/credentials.js";
import type { LongTermKey } from "../../protocol/keys.js";
import { passwordPrincipal, randomKeyPrincipal } from "../../protocol/new-principal.js";
import { krbtgtOf, type Principal, principalInRealm } from "../../protocol/principal.js";
import { currentKeys, type PrincipalEntry } from "../../protocol/principal-entry.js";
import { profile } from "../../protocol/profile.js";
import { createMemoryRealm, FIRST_SERVICE } from "../../realm/create-realm.js";
import type { Realm } from "../../realm/realm.js";
import { runRealm } from "../../services/run-realm.js";
import { makeTemporaryFolder } from "../realm/temporary-folder.js";

/** The realm of the exercise. */
const REALM = "EXERCISE.TEST";
/** A second service, so that a ticket can be for the wrong one. */
const SECOND_SERVICE = "archive/localhost";
/** How far clocks may be apart, in milliseconds. */
const CLOCK_SKEW = 300_000;
/** How long the principals have been there when the exercise begins, in milliseconds. */
const AGE = 24 * 3_600_000;
/** One encryption type, the strongest, so that the learner needs no other. */
const ETYPES = profile("standard").keyEtypes.slice(0, 1);

/** A service with its key. */
export interface ExerciseService {
  readonly principal: Principal;
  readonly key: LongTermKey;
}

/** A realm that lacks its TGS. */
export interface ExerciseRealm {
  readonly realm: string;
  /** How far clocks may be apart, in milliseconds. */
  readonly clockSkew: number;
  /** The encryption types that the realm permits, by their numbers: one. */
  readonly etypes: readonly number[];
  readonly krbtgt: ExerciseService;
  /** V, which runs. */
  readonly v: ExerciseService & { readonly address: string };
  /** A service that does not run; its tickets are looked into. */
  readonly archive: ExerciseService;
  /** Users; alice has a password. */
  readonly alice: Principal;
  readonly mallory: Principal;
  /** The file with the keys of TGS and services, for the learner's server. */
  readonly keysFile: string;
  /** The realm itself, for another TGS. */
  readonly whole: Realm;
  /** A ticket-granting ticket of alice's, from the AS. */
  login(): Promise<Credentials>;
  /**
   * A client that is not logged in, for a TGS at that address; the caller closes it.
   * @param timeoutMs how long a call may take, in milliseconds.
   */
  client(tgs: string, timeoutMs?: number): KerberosClient;
  /** Logs alice in with such a client. */
  loginWith(client: KerberosClient): Promise<Credentials>;
  /** Ends AS and V, and removes the file. */
  close(): Promise<void>;
}

/** Makes the realm and starts AS and V. */
export async function startExerciseRealm(): Promise<ExerciseRealm> {
  const begun = Date.now() - AGE;
  const limits = { keyEtypes: ETYPES, permittedEtypes: ETYPES, clockSkew: CLOCK_SKEW };
  const whole = await createMemoryRealm({ realm: REALM, profile: "standard" }, limits, begun);
  const password = randomUUID();
  const [alice, mallory, archive] = ["alice", "mallory", SECOND_SERVICE].map((name) =>
    principalInRealm(name, REALM),
  ) as [Principal, Principal, Principal];
  for (const user of [alice, mallory])
    await whole.principals.create(await passwordPrincipal(user, password, ETYPES, begun));
  await whole.principals.create(randomKeyPrincipal(archive, ETYPES, begun));
  const running = await runRealm({ realm: whole, ports: { as: 0, v: 0 } });
  const serviceOf = async (principal: Principal): Promise<ExerciseService> => {
    const entry = (await whole.principals.get(principal)) as PrincipalEntry;
    return { principal, key: currentKeys(entry)[0]! };
  };
  const krbtgt = await serviceOf(krbtgtOf(REALM));
  const v = { ...(await serviceOf(principalInRealm(FIRST_SERVICE, REALM))), address: running.address("v") };
  const second = await serviceOf(archive);
  const folder = await makeTemporaryFolder();
  const keysFile = join(folder.path, "keys.json");
  writeFileSync(keysFile, keysText([krbtgt, v, second]), { mode: 0o600 });
  const client = (tgs: string, timeoutMs?: number) =>
    new KerberosClient({
      kdc: { as: running.address("as"), tgs },
      etypes: { permitted: ETYPES, first: ETYPES[0]! },
      timeoutMs,
    });
  const loginWith = (logged: KerberosClient) => logged.login(alice, password);
  return {
    realm: REALM,
    clockSkew: CLOCK_SKEW,
    etypes: ETYPES,
    krbtgt,
    v,
    archive: second,
    alice,
    mallory,
    keysFile,
    whole,
    login: async () => {
      using forLogin = client(running.address("as"));
      return await loginWith(forLogin);
    },
    client,
    loginWith,
    close: async () => {
      folder.remove();
      await running.stop(0);
      await whole.close();
    },
  };
}

/** The file of keys: for each principal the version, the encryption type, and the key in hexadecimal. */
function keysText(services: readonly ExerciseService[]): string {
  const keys = services.map(({ principal, key: { kvno, key } }) => ({
    principal,
    kvno,
    etype: key.etype.etype,
    key: Buffer.from(key.exportBytes()).toString("hex"),
  }));
  return `${JSON.stringify({ keys }, null, 2)}\n`;
}
