/**
 * The workbench of whoever solves a challenge with a few lines of code: the product's own messages, seals and
 * calls under one roof. `tessera challenge start` writes a `bench.mjs` that leads here into the learner's
 * folder. It is for lessons and no door of the package: what is here may change with any version.
 */
import { readFileSync } from "node:fs";
import {
  create,
  type DescMessage,
  fromBinary,
  type Message,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import { AnySchema, anyUnpack } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import { KerberosClient } from "../../client/index.js";
import type { EncryptedData } from "../../gen/kerberos/v1/encryption_pb.js";
import type { Key } from "../../protocol/keys.js";
import { KrbError } from "../../protocol/krb-error.js";
import { type PartKind, type PartOf, seal, unseal } from "../../protocol/sealed-part.js";
import { fromServiceError } from "../../rpc/status.js";
import type { World } from "./world.js";

export { create, fromBinary, toBinary } from "@bufbuild/protobuf";
export { fileCache, KerberosClient } from "../../client/index.js";
export { parseKeytab } from "../../formats/keytab.js";
export * from "../../gen/kerberos/v1/application_service_pb.js";
export * from "../../gen/kerberos/v1/authentication_service_pb.js";
export * from "../../gen/kerberos/v1/encryption_pb.js";
export * from "../../gen/kerberos/v1/kdc_pb.js";
export * from "../../gen/kerberos/v1/operations_pb.js";
export * from "../../gen/kerberos/v1/sealed_pb.js";
export * from "../../gen/kerberos/v1/ticket_granting_service_pb.js";
export { makeAccessReq, openAccessRep } from "../../protocol/access-exchange.js";
export { makeCallApReq } from "../../protocol/call-binding.js";
export { etypeByName, etypeOf } from "../../protocol/etypes.js";
export { KeyUsage } from "../../protocol/key-usage.js";
export { defaultStringToKey, Key, keyFromPassword, randomKey } from "../../protocol/keys.js";
export { KrbError } from "../../protocol/krb-error.js";
export { parsePrincipal } from "../../protocol/principal.js";
export { makeTgsReq, openTgsRep } from "../../protocol/tgs-exchange.js";
export { makeTicket, openTicket } from "../../protocol/ticket.js";

/** The paths of the three calls of the dialogue. */
export const METHODS = {
  authenticate: "/kerberos.v1.AuthenticationService/Authenticate",
  grantTicket: "/kerberos.v1.TicketGrantingService/GrantTicket",
  access: "/kerberos.v1.ApplicationService/Access",
} as const;

/** The bytes of a file that holds base64. Throws the system's error. */
export function readBase64(path: string): Uint8Array {
  return Buffer.from(readFileSync(path, "utf8"), "base64");
}

/** The world of a challenge: its `realm.json`. Throws the system's error. */
export function readWorld(path: string): World {
  return JSON.parse(readFileSync(path, "utf8")) as World;
}

/** A client of that realm, not logged in. Close it at the end, or end the process. */
export function clientOf({ kdc, etypes }: World): KerberosClient {
  return new KerberosClient({ kdc, etypes });
}

/**
 * The part of that kind in something sealed; undefined: this key, under this usage, does not open it as one.
 * Kinds are `encTicketPart`, `encAsRepPart`, `encTgsRepPart`, `authenticator`, `encApRepPart`,
 * `encRequestPart`, `encResponsePart`, `encTimestamp`.
 */
export function open<K extends PartKind>(key: Key, usage: number, kind: K, data: EncryptedData) {
  const closed = () => new KrbError("KRB_AP_ERR_BAD_INTEGRITY", "closed");
  return unlessRefused(() => unseal({ key, usage }, kind, data, closed));
}

function unlessRefused<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof KrbError) return undefined;
    throw error;
  }
}

/** Seals a part; `kvno` is the version of a long-term key, 0 for any other. */
export function close<K extends PartKind>(
  key: Key,
  usage: number,
  kind: K,
  part: PartOf<K>,
  kvno = 0,
): EncryptedData {
  return seal({ key, usage, kvno }, kind, part);
}

/** An operation of V, as it goes into `makeAccessReq`. */
export function packed<S extends DescMessage>(schema: S, init: MessageInitShape<S>): Uint8Array {
  const value = toBinary(schema, create(schema, init));
  return toBinary(AnySchema, create(AnySchema, { typeUrl: `type.googleapis.com/${schema.typeName}`, value }));
}

/** V's answer, as it comes out of `openAccessRep`; undefined: it is of another type, perhaps a refusal. */
export function unpacked(schema: DescMessage, bytes: Uint8Array): Message | undefined {
  return anyUnpack(fromBinary(AnySchema, bytes), schema);
}

/**
 * One unary call, in plaintext, of bytes as they are.
 * @param address `host:port`.
 * @param method `/package.Service/Method`.
 * @param headers metadata; the names of those with bytes end in `-bin`.
 * @returns the response's bytes.
 * @throws KrbError with the reason of a refusal; RpcError for whatever else ends a call.
 */
export function call(
  address: string,
  method: string,
  request: Uint8Array,
  headers: Readonly<Record<string, Uint8Array | string>> = {},
): Promise<Uint8Array> {
  const metadata = new grpc.Metadata();
  for (const [name, value] of Object.entries(headers))
    metadata.set(name, typeof value === "string" ? value : Buffer.from(value));
  const client = new grpc.Client(address, grpc.credentials.createInsecure());
  const same = (bytes: Uint8Array) => Buffer.from(bytes);
  return new Promise((resolve, reject) => {
    const options = { deadline: Date.now() + CALL_MS };
    client.makeUnaryRequest(method, same, same, request, metadata, options, (error, response) => {
      client.close();
      if (error !== null) reject(fromServiceError(error));
      else resolve(Uint8Array.from(response!));
    });
  });
}

const CALL_MS = 10_000;
