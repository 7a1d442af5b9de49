/** What challenges with a realm have in common: a user's note, a recorded call, a V of their own, the end. */
import * as grpc from "@grpc/grpc-js";
import {
  PutNoteRequestSchema,
  PutNoteResponseSchema,
  WhoAmIRequestSchema,
  WhoAmIResponseSchema,
} from "../../gen/kerberos/v1/operations_pb.js";
import { runRealm } from "../../services/run-realm.js";
import type { RunRealmOptions } from "../../services/run-realm-options.js";
import { captureCalls } from "../capture.js";
import { type LabRealm, type LabUser, startLabRealm } from "../realm/lab-realm.js";
import type { RealmChallenge, RunningChallenge, Stage } from "./challenge.js";

/** Ends something that was begun. */
export type Ending = () => Promise<void> | void;

/**
 * Starts the realm of a challenge and sets the stage in it; what was begun ends in reverse order, also where
 * the setting fails.
 * @param now where the realm's clock stands, in milliseconds since the epoch; by default it runs with the
 *   system's.
 */
export async function staged(
  { scene }: Pick<RealmChallenge, "scene">,
  stage: Stage,
  set: (realm: LabRealm, endings: Ending[]) => Promise<RunningChallenge["files"]>,
  now?: number,
): Promise<RunningChallenge> {
  const realm = await startLabRealm({ scene: stage.scene === "standard" ? "standard" : scene, now });
  const endings: Ending[] = [() => realm.close()];
  const close = async () => {
    for (const end of endings.splice(0).reverse()) await end();
  };
  try {
    return { files: await set(realm, endings), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * Starts a V at which Alice has left a note named flag, and gives its address. Its notes are in memory: those
 * of the realm's own V stand in clear in a temporary folder.
 */
export async function startVWithFlag(realm: LabRealm, endings: Ending[], flag: string): Promise<string> {
  const address = await startOwnV(realm, endings, { notes: "memory:" }, () => {});
  const { alice } = realm.users;
  const client = realm.client();
  await client.login(alice.principal, alice.password);
  const put = { request: PutNoteRequestSchema, response: PutNoteResponseSchema };
  await client.access({ principal: realm.service, address }, put, { name: "flag", text: flag });
  return address;
}

/** Has a user call V at an address, and gives what travelled there: a serialized AccessRequest. */
export async function recordCall(realm: LabRealm, user: LabUser, address: string): Promise<Uint8Array> {
  const { interceptor, calls } = captureCalls();
  using client = realm.client({ interceptors: [interceptor] });
  await client.login(user.principal, user.password);
  const whoAmI = { request: WhoAmIRequestSchema, response: WhoAmIResponseSchema };
  await client.access({ principal: realm.service, address }, whoAmI, {});
  return calls.at(-1)!.request;
}

/**
 * Starts another V with the realm's keytab, with a clock, a replay cache or notes of its own.
 * @param onAdmitted told of each call that is let in, with its client.
 * @returns its address.
 */
export async function startOwnV(
  realm: LabRealm,
  endings: Ending[],
  options: Pick<RunRealmOptions, "clock" | "replayCache" | "notes">,
  onAdmitted: (client: string) => void,
): Promise<string> {
  const running = await runRealm({
    directory: realm.database.directory,
    ports: { v: 0 },
    clock: () => realm.now,
    log: ({ client, result }) => {
      if (result === "OK") onAdmitted(String(client));
    },
    ...options,
  });
  endings.push(() => running.stop(0));
  return running.address("v");
}

/** How long a recording is left to grow old before there is a new one, in milliseconds. */
const RENEWED_EVERY = 60_000;

/** Does something now, and again every minute; what it throws later is told. */
export async function everyMinute(
  work: () => Promise<void>,
  endings: Ending[],
  told: (text: string) => void,
): Promise<void> {
  await work();
  const again = () => work().catch((error: unknown) => told(`no new recording: ${String(error)}`));
  const timer = setInterval(() => void again(), RENEWED_EVERY);
  timer.unref();
  endings.push(() => clearInterval(timer));
}

/** Has a server listen on a free port of loopback, and gives its address. */
export function listening(server: grpc.Server, endings: Ending[]): Promise<string> {
  endings.push(() => server.forceShutdown());
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(`127.0.0.1:${port}`),
    );
  });
}
