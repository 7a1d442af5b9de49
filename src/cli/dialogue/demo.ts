/** The demonstration: a dialogue with real servers, explained, and three attempts that are refused. */
import { fromBinary } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import {
  GetNoteRequestSchema,
  GetNoteResponseSchema,
  KrbError,
  PutNoteRequestSchema,
  PutNoteResponseSchema,
} from "../../client/index.js";
import { ApplicationServiceClient } from "../../gen/kerberos/v1/application_service_grpc.js";
import { AccessRequestSchema } from "../../gen/kerberos/v1/application_service_pb.js";
import { type AttackReport, attackRealm, runAttack } from "../../lab/attacks/run-attack.js";
import { attackNamed } from "../../lab/attacks/table.js";
import { type CapturedCall, captureCalls } from "../../lab/capture.js";
import { explainCall } from "../../lab/explain.js";
import { firstKeysOf } from "../../lab/realm/first-keys.js";
import { type LabRealm, startLabRealm } from "../../lab/realm/lab-realm.js";
import { makeAccessReq } from "../../protocol/access-exchange.js";
import type { Credentials } from "../../protocol/credentials.js";
import { isProfileName } from "../../protocol/profile.js";
import { CommandError, UsageError } from "../frame/command.js";
import { unexpectedText } from "../lab/attack-text.js";
import type { Screen } from "../screen/screen.js";
import { demonstrationFacts, demonstrationLines, type RefusedAttempt } from "./demo-text.js";
import { printableMessage } from "./render.js";

/** What `tessera demo` was asked for. */
export interface DemoChoice {
  readonly full: boolean;
  readonly showKeys: boolean;
  readonly profile: string;
  readonly json: boolean;
}

/** Runs the demonstration and prints it. */
export async function runDemo(choice: DemoChoice, screen: Screen): Promise<void> {
  const { profile, full } = choice;
  if (!isProfileName(profile)) throw new UsageError("--profile: expected textbook or standard");
  grpc.setLogVerbosity(grpc.logVerbosity.NONE);
  const realm = await startLabRealm({ scene: profile });
  try {
    const { calls, credentials, note } = await talk(realm);
    const rings = firstKeysOf(realm);
    const messages = calls
      .flatMap((call) => explainCall(call, rings, choice))
      .map((message) => printableMessage(message, full));
    const refusals = await attack(realm, calls, credentials);
    const lesson = await pasteBlocks(realm);
    const demonstration = { realm, profile, messages, refusals, lesson, note, rings };
    if (choice.json) screen.printJson(demonstrationFacts(demonstration));
    else screen.printStyled(demonstrationLines(demonstration, { colour: screen.hasColour, full }));
  } finally {
    await realm.close();
  }
}

/** Logs alice in, gets a ticket for V, stores a note and reads it. */
async function talk(realm: LabRealm) {
  const { interceptor, calls } = captureCalls();
  const client = realm.client({ interceptors: [interceptor] });
  const { principal, password } = realm.users.alice;
  await client.login(principal, password);
  const credentials = await client.serviceTicket(realm.service);
  const v = { principal: realm.service, address: realm.address };
  const put = { request: PutNoteRequestSchema, response: PutNoteResponseSchema };
  await client.access(v, put, { name: "first", text: "sealed all the way" });
  const get = { request: GetNoteRequestSchema, response: GetNoteResponseSchema };
  const { note } = await client.access(v, get, { name: "first" });
  return { calls, credentials, note: note?.text };
}

/** Makes three attempts that must be refused. */
async function attack(
  realm: LabRealm,
  calls: readonly CapturedCall[],
  credentials: Credentials,
): Promise<RefusedAttempt[]> {
  const stranger = realm.client();
  const { alice } = realm.users;
  using v = new ApplicationServiceClient(realm.address, grpc.credentials.createInsecure());
  const captured = calls.find(({ path }) => path.endsWith("/Access"))!;
  const replay = fromBinary(AccessRequestSchema, captured.request);
  const ticket = Uint8Array.from(credentials.ticket);
  ticket[ticket.length - 1]! ^= 1;
  const tampered = makeAccessReq({ ...credentials, ticket }, new Uint8Array(16), realm.now);
  return [
    await refused("wrong password", "message (1) with a proof under a key other than K_c", () =>
      stranger.login(alice.principal, `${alice.password}?`),
    ),
    await refused("replayed authenticator", "the bytes of message (5), sent again", () => v.access(replay)),
    await refused("tampered ticket", "one bit of Ticket_v flipped, the authenticator fresh", () =>
      v.access(tampered.request),
    ),
  ];
}

/** Cut and paste: where the keys are of DES_ECB, and here. */
async function pasteBlocks(realm: LabRealm): Promise<AttackReport[]> {
  const attack = attackNamed("cut-and-paste");
  const reports = [await runAttack(attack, "textbook-ecb"), await attackRealm(attack, realm)];
  const unexpected = reports.find(({ asExpected }) => !asExpected);
  if (unexpected !== undefined) throw new CommandError(unexpectedText(unexpected));
  return reports;
}

async function refused(attempt: string, how: string, run: () => Promise<unknown>): Promise<RefusedAttempt> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof KrbError)) throw error;
    return { attempt, how, reason: error.reason, code: error.code, text: error.message };
  }
  throw new CommandError(`${attempt}: it was accepted, but must be refused`);
}
