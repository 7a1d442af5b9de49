/** Messages of every kind of field that has a canonical form, for the property tests. */
import { create, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import fc from "fast-check";
import { AuthenticateRequestSchema } from "../../src/gen/kerberos/v1/authentication_service_pb.js";
import { EncryptedDataSchema } from "../../src/gen/kerberos/v1/encryption_pb.js";
import { KdcReqBodySchema } from "../../src/gen/kerberos/v1/kdc_pb.js";
import {
  AuthenticatorSchema,
  EncPrivPartSchema,
  EncTicketPartSchema,
} from "../../src/gen/kerberos/v1/sealed_pb.js";

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const text = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 12 }),
  fc.constantFrom("", "\u007F", "\u0080", "\uFEFFx", "\uFFFD", `\uFEFF${"é".repeat(100)}`, "x".repeat(200)),
);
const bytes = fc.uint8Array({ maxLength: 40 });
const optional = <T>(arb: fc.Arbitrary<T>) => fc.option(arb, { nil: undefined });
const time = fc.record({ seconds: int64, nanos: int32 });
const key = fc.record({ etype: int32, key: bytes });
const numbers = fc.array(int32, { maxLength: 4 });

/** A schema with messages of it. */
export interface CanonicalCase {
  readonly schema: DescMessage;
  readonly messages: fc.Arbitrary<MessageShape<DescMessage>>;
}

function caseOf(schema: DescMessage, init: fc.Arbitrary<object>): CanonicalCase {
  return { schema, messages: init.map((fields) => create(schema, withoutUndefined(fields) as never)) };
}

/** `create` takes an absent field for one that is not there, an undefined one for one that is. */
function withoutUndefined(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/**
 * Every kind of field: numbers, text, bytes, messages, lists of each, absent and present, with and without
 * default.
 */
export const CASES: readonly CanonicalCase[] = [
  caseOf(
    EncTicketPartSchema,
    fc.record({
      flags: numbers,
      key: optional(key),
      client: text,
      authtime: optional(time),
      endtime: optional(time),
      addresses: fc.array(text, { maxLength: 3 }),
      authorizationData: fc.array(fc.record({ type: int32, data: bytes }), { maxLength: 3 }),
      server: text,
    }),
  ),
  caseOf(
    AuthenticatorSchema,
    fc.record({
      client: text,
      ctime: optional(time),
      checksum: optional(fc.record({ type: int32, checksum: bytes })),
      seqNumber: uint32,
      nonce: bytes,
    }),
  ),
  caseOf(EncPrivPartSchema, fc.record({ userData: bytes, seqNumber: uint32, end: fc.boolean() })),
  caseOf(KdcReqBodySchema, fc.record({ server: text, options: numbers, nonce: bytes, etypes: numbers })),
  caseOf(EncryptedDataSchema, fc.record({ etype: int32, kvno: uint32, cipher: bytes })),
  caseOf(
    AuthenticateRequestSchema,
    fc.record({
      client: text,
      till: optional(time),
      nonce: bytes,
      etypes: numbers,
      padata: fc.array(fc.record({ type: int32, value: bytes }), { maxLength: 3 }),
    }),
  ),
];
