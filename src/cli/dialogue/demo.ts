/** The demonstration: the dialogue over real servers, explained, and three attempts that are refused. */
import { fromBinary } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import {
  GetNoteRequestSchema,
  GetNoteResponseSchema,
  KerberosClient,
  KrbError,
  PutNoteRequestSchema,
  PutNoteResponseSchema,
  profileEtypes,
} from "../../client/index.js";
import { ApplicationServiceClient } from "../../gen/kerberos/v1/application_service_grpc.js";
import { AccessRequestSchema } from "../../gen/kerberos/v1/application_service_pb.js";
import { type CapturedCall, captureCalls } from "../../lab/capture.js";
import type { KeySymbol, Party } from "../../lab/dialogue.js";
import { explainCall, type KeyRings } from "../../lab/explain.js";
import { makeAccessReq } from "../../protocol/access-exchange.js";
import type { Credentials } from "../../protocol/credentials.js";
import { formatDuration } from "../../protocol/duration.js";
import type { Key } from "../../protocol/keys.js";
import { isProfileName, type ProfileName } from "../../protocol/profile.js";
import { CommandError, UsageError } from "../frame/command.js";
import { columns, printJson, printLine } from "../screen/output.js";
import { weakNames } from "../screen/weakness.js";
import {
  messageLines,
  type PrintableMessage,
  printableMessage,
  type TextStyle,
  titleLines,
  wantsColour,
} from "./render.js";
import { startThrowawayRealm, type ThrowawayRealm } from "./throwaway-realm.js";

/** What the demonstration is asked for. */
export interface DemoChoice {
  readonly full: boolean;
  readonly showKeys: boolean;
  readonly profile: string;
  readonly json: boolean;
}

/** An attempt that was refused. */
interface Refusal {
  readonly attempt: string;
  readonly how: string;
  readonly reason: string;
  readonly code: number;
  readonly text: string;
}

/** Runs the demonstration and prints it. */
export async function runDemo(choice: DemoChoice): Promise<void> {
  const { profile: name } = choice;
  if (!isProfileName(name)) throw new UsageError("--profile: expected textbook or standard");
  grpc.setLogVerbosity(grpc.logVerbosity.NONE);
  const realm = await startThrowawayRealm(name);
  try {
    const { calls, credentials, note } = await talk(realm, name);
    const rings = ringsOf(realm);
    const messages = calls
      .flatMap((call) => explainCall(call, rings, choice))
      .map((message) => printableMessage(message, choice.full));
    const refusals = await attack(realm, name, calls, credentials);
    if (choice.json) printFacts(realm, name, messages, refusals, note);
    else
      printText(realm, name, messages, refusals, note, rings, { colour: wantsColour(), full: choice.full });
  } finally {
    await realm.close();
  }
}

/** alice logs in, gets a ticket for V, stores a note and reads it. */
async function talk(realm: ThrowawayRealm, name: ProfileName) {
  const { interceptor, calls } = captureCalls();
  using client = new KerberosClient({
    kdc: realm.kdc,
    etypes: profileEtypes(name),
    interceptors: [interceptor],
  });
  await client.login(realm.alice, realm.password);
  const credentials = await client.serviceTicket(realm.service);
  const v = { principal: realm.service, address: realm.address };
  const put = { request: PutNoteRequestSchema, response: PutNoteResponseSchema };
  await client.access(v, put, { name: "first", text: "sealed all the way" });
  const get = { request: GetNoteRequestSchema, response: GetNoteResponseSchema };
  const { note } = await client.access(v, get, { name: "first" });
  return { calls, credentials, note: note?.text };
}

/** The keys each party begins with. AS and TGS read one database; each has here the keys that it works with. */
function ringsOf({ keys: { alice, krbtgt, service } }: ThrowawayRealm): KeyRings {
  const ring = (...keys: [KeySymbol, Key][]) => new Map(keys);
  return new Map<Party, Map<KeySymbol, Key>>([
    ["C", ring(["K_c", alice.key])],
    ["AS", ring(["K_c", alice.key], ["K_tgs", krbtgt.key])],
    ["TGS", ring(["K_tgs", krbtgt.key], ["K_v", service.key])],
    ["V", ring(["K_v", service.key])],
  ]);
}

/** Three attempts, each of which must be refused. */
async function attack(
  realm: ThrowawayRealm,
  name: ProfileName,
  calls: readonly CapturedCall[],
  credentials: Credentials,
): Promise<Refusal[]> {
  using stranger = new KerberosClient({ kdc: realm.kdc, etypes: profileEtypes(name) });
  using v = new ApplicationServiceClient(realm.address, grpc.credentials.createInsecure());
  const captured = calls.find(({ path }) => path.endsWith("/Access"))!;
  const replay = fromBinary(AccessRequestSchema, captured.request);
  const ticket = Uint8Array.from(credentials.ticket);
  ticket[ticket.length - 1]! ^= 1;
  const tampered = makeAccessReq({ ...credentials, ticket }, new Uint8Array(16), Date.now());
  return [
    await refused("wrong password", "message (1) with a proof under another key than K_c", () =>
      stranger.login(realm.alice, `${realm.password}?`),
    ),
    await refused("replayed authenticator", "the bytes of message (5), sent once more", () =>
      v.access(replay),
    ),
    await refused("tampered ticket", "one bit of Ticket_v turned over, the authenticator fresh", () =>
      v.access(tampered.request),
    ),
  ];
}

async function refused(attempt: string, how: string, run: () => Promise<unknown>): Promise<Refusal> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof KrbError)) throw error;
    return { attempt, how, reason: error.reason, code: error.code, text: error.message };
  }
  throw new CommandError(`${attempt}: it was accepted, and must not be`);
}

function printFacts(
  { realm, alice, service, kdc, address }: ThrowawayRealm,
  profile: ProfileName,
  messages: readonly PrintableMessage[],
  refusals: readonly Refusal[],
  note: string | undefined,
): void {
  printJson({
    realm,
    profile,
    client: alice,
    service,
    addresses: { ...kdc, v: address },
    messages,
    refusals,
    note,
  });
}

function printText(
  realm: ThrowawayRealm,
  profile: ProfileName,
  messages: readonly PrintableMessage[],
  refusals: readonly Refusal[],
  note: string | undefined,
  rings: KeyRings,
  style: TextStyle,
): void {
  const print = (lines: readonly string[]) => {
    for (const line of lines) printLine(line);
  };
  const weak = weakNames(profile);
  print(titleLines(`Realm ${realm.realm} for a few seconds, profile ${profile}`, style));
  print(
    columns([
      ["C", realm.alice, "logs in with a password"],
      ["AS", realm.kdc.as, "authentication server: knows K_c and K_tgs"],
      ["TGS", realm.kdc.tgs, "ticket granting server: knows K_tgs and K_v"],
      ["V", realm.address, `${realm.service}: knows K_v from its keytab`],
    ]),
  );
  if (weak !== "") printLine(`Weak encryption, for learning: ${weak}`);
  printLine();
  print(titleLines("The six messages, as they travelled", style));
  print(messages.slice(0, 6).flatMap((message) => messageLines(message, style)));
  print(titleLines("The second call needs no other ticket", style));
  print(
    messages
      .slice(6)
      .map(
        ({ number, from, to, textbook, bytes, at }) =>
          `(${number}) ${from} → ${to}: ${textbook}, ${bytes} bytes, ${at.slice(11, 23)} UTC`,
      ),
  );
  printLine(`V answered with the note, under seal: ${JSON.stringify(note)}`);
  printLine();
  print(titleLines("Who holds which key in the end", style));
  print(keyTable(rings));
  printLine();
  print(titleLines("The times", style));
  print(timeTable(messages.slice(0, 6)));
  printLine();
  print(titleLines("Three attempts, refused", style));
  for (const { attempt, how, reason, code, text } of refusals) {
    printLine(`${attempt}: ${how}`);
    printLine(`    → ${reason} (${code}): ${text}`);
  }
  printLine();
  printLine("The realm is removed. Make one that stays: tessera realm create");
}

const KEY_ORDER: readonly KeySymbol[] = ["K_c", "K_tgs", "K_v", "K_c,tgs", "K_c,v", "Subkey_c", "Subkey_v"];

function keyTable(rings: KeyRings): string[] {
  const rows = [...rings].map(([party, ring]) => [
    party,
    ...KEY_ORDER.map((symbol) => (ring.has(symbol) ? "x" : "").padEnd(symbol.length)),
  ]);
  return columns([["", ...KEY_ORDER], ...rows, ["who listens", ""]]);
}

/** Every TS of the dialogue, once, with the message it stands in first. */
function timeTable(messages: readonly PrintableMessage[]): string[] {
  const rows = new Map<string, string[]>();
  for (const { number, clear, sealed } of messages) {
    const fields = [...clear, ...sealed.flatMap(({ contents }) => contents ?? [])];
    const start = fields.find(({ name }) => name === "starttime")?.value;
    for (const { symbol, value } of fields) {
      if (symbol === undefined || !symbol.startsWith("TS") || rows.has(symbol)) continue;
      const life =
        symbol.includes("+") && start !== undefined ? Date.parse(value) - Date.parse(start) : undefined;
      const note = life === undefined ? "" : `a life of ${formatDuration(Math.round(life / 1000) * 1000)}`;
      rows.set(symbol, [symbol, value, `in message (${number})${note === "" ? "" : `, ${note}`}`]);
    }
  }
  return columns([...rows.values()]);
}
