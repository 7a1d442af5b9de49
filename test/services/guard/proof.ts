/**
 * AP-REQs one step below the client, so that a test can alter what it sends; tickets that no KDC would make.
 */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { sha256 } from "../../../src/crypto/hash.js";
import { type ApReq, ApReqSchema } from "../../../src/gen/kerberos/v1/application_service_pb.js";
import { type BoundCall, makeCallApReq } from "../../../src/protocol/call-binding.js";
import type { Credentials } from "../../../src/protocol/credentials.js";
import { etypeOf } from "../../../src/protocol/etypes.js";
import { randomKey } from "../../../src/protocol/keys.js";
import { KrbError } from "../../../src/protocol/krb-error.js";
import { makeTicket, type TicketContents } from "../../../src/protocol/ticket.js";
import { boundHost } from "../../../src/rpc/authority.js";
import { AP_REQ_METADATA } from "../../../src/rpc/metadata-names.js";
import { fromServiceError } from "../../../src/rpc/status.js";
import { CHAT } from "./chat.js";
import type { World } from "./world.js";

/** The call that `rawSay` makes. */
export const TEXT = "hello";
export const REQUEST = CHAT.say.requestSerialize({ text: TEXT });

/** A serialized AP-REQ for `rawSay`, with what is to be different. */
export async function makeProof(
  world: World,
  { credentials, now, ...facts }: Partial<BoundCall> & { credentials?: Credentials; now?: number } = {},
): Promise<Buffer> {
  const given = credentials ?? (await world.alice.serviceTicket(world.service));
  const call = {
    method: CHAT.say.path,
    authority: boundHost(world.address),
    protection: "authenticate" as const,
    requestSha256: sha256(REQUEST),
    ...facts,
  };
  return Buffer.from(makeCallApReq(given, call, undefined, now ?? world.realm.now).bytes);
}

/** The same AP-REQ with a change in what is in clear. */
export function alterProof(bytes: Buffer, change: (message: ApReq) => void): Buffer {
  const message = fromBinary(ApReqSchema, bytes);
  change(message);
  return Buffer.from(toBinary(ApReqSchema, message));
}

/** Credentials for a ticket that the realm's KDC did not make, under the service's true key. */
export function forge(world: World, changes: Partial<TicketContents> = {}, kvno?: number): Credentials {
  const { now } = world.realm;
  const contents: TicketContents = {
    client: world.realm.principal("alice"),
    server: world.service,
    sessionKey: randomKey(etypeOf(20)),
    flags: [],
    authtime: now,
    starttime: now,
    endtime: now + 3_600_000,
    renewTill: undefined,
    addresses: [],
    authorizationData: [],
    ...changes,
  };
  const [key] = world.keys.keys;
  const ticket = makeTicket(contents, kvno === undefined ? key! : { ...key!, kvno });
  return { ...contents, key: contents.sessionKey, ticket };
}

/** Calls `Say` with these values in the place of the AP-REQ; the answer's proof is not looked at. */
export function rawSay(world: World, values: readonly Buffer[], text = TEXT): Promise<string> {
  const metadata = new grpc.Metadata();
  for (const value of values) metadata.add(AP_REQ_METADATA, value);
  return world.client({ interceptors: [] }).say(text, {}, metadata);
}

/** How a call was refused: code, reason and details, as the client learns them. */
export async function refusalOf(call: Promise<unknown>): Promise<{
  code: string | undefined;
  reason: string | undefined;
  text: string;
  details: Readonly<Record<string, string>>;
}> {
  try {
    await call;
  } catch (error) {
    const known = fromServiceError(error);
    const code = grpc.status[(error as grpc.ServiceError).code];
    if (known instanceof KrbError)
      return { code, reason: known.reason, text: known.message, details: known.details };
    return { code, reason: undefined, text: known.message, details: {} };
  }
  throw new Error("the call was answered");
}
