/**
 * The golden vectors of docs/protocol.md: what we make is what is written there, and what is written there is
 * read.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fromBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  AccessRequestSchema,
  AccessResponseSchema,
} from "../../src/gen/kerberos/v1/application_service_pb.js";
import {
  AuthenticateRequestSchema,
  AuthenticateResponseSchema,
} from "../../src/gen/kerberos/v1/authentication_service_pb.js";
import { EncryptedDataSchema } from "../../src/gen/kerberos/v1/encryption_pb.js";
import { KdcReqBodySchema } from "../../src/gen/kerberos/v1/kdc_pb.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { Key, keyFromPassword } from "../../src/protocol/keys.js";
import { decodeBlob } from "../../src/protocol/strict-decode.js";
import { type CanonicalVector, makeCanonicalVectors } from "../support/canonical-vectors.js";
import { makeRefusedVectors, readers } from "../support/exchange-refusals.js";
import { ETYPES, makeExchangeVector } from "../support/exchange-vectors.js";
import { refusalOf } from "./refusal.js";

const folder = new URL("../vectors/exchange/", import.meta.url);
const text = (value: unknown) => `${JSON.stringify(value, undefined, 1)}\n`;
const stored = (name: string) => readFileSync(new URL(name, folder), "utf8");
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));

/** Every file of the folder, made anew. */
const MAKERS: Readonly<Record<string, () => unknown>> = {
  ...Object.fromEntries(ETYPES.map((etype) => [`etype${etype}.json`, () => makeExchangeVector(etype)])),
  "refused.json": makeRefusedVectors,
  "canonical.json": makeCanonicalVectors,
};

// A change of the wire is made on purpose: TESSERA_WRITE_VECTORS=1 writes the files anew.
if (process.env.TESSERA_WRITE_VECTORS === "1") {
  if (!existsSync(folder)) mkdirSync(folder);
  for (const [name, make] of Object.entries(MAKERS)) writeFileSync(new URL(name, folder), text(await make()));
}

test.each(Object.entries(MAKERS))("%s is what we make, byte for byte", async (name, make) => {
  expect(text(await make())).toBe(stored(name));
});

describe.each(ETYPES)("the exchange of encryption type %i", (number) => {
  type Vector = Awaited<ReturnType<typeof makeExchangeVector>>;
  const vector = JSON.parse(stored(`etype${number}.json`)) as Vector;
  const etype = etypeOf(number);
  const key = (name: string) => new Key(etype, bytes(vector.keys[name]!));

  test("has the client's key from its password", async () => {
    const { password, salt, s2kparams } = vector.input;
    const made = await keyFromPassword(etype, password, { salt, params: bytes(s2kparams) });
    expect(made.exportBytes()).toEqual(bytes(vector.keys.client!));
  });

  test.each(vector.seals)("$what opens to its plaintext", ({ key: name, usage, cipher, plaintext }) => {
    const opened = Buffer.from(key(name).cipher.decrypt(usage, bytes(cipher))).toString("hex");
    expect(opened.startsWith(plaintext)).toBe(true);
    expect(opened.slice(plaintext.length)).toMatch(/^(00){0,7}$/);
  });

  test.each(vector.checksums)(
    "the checksum of $what is right",
    ({ key: name, usage, covered, checksum, type }) => {
      expect(type).toBe(etype.checksumType);
      expect(key(name).cipher.verifyChecksum(usage, bytes(covered), bytes(checksum))).toBe(true);
    },
  );

  test("carries in its messages what was sealed and covered", () => {
    const { messages, seals, checksums } = vector;
    for (const { what, cipher } of seals) expect(messages[what.slice(-1) as "1"]).toContain(cipher);
    for (const { what, covered } of checksums) expect(messages[what.slice(-1) as "1"]).toContain(covered);
    expect(fromBinary(AuthenticateRequestSchema, bytes(messages[1])).client).toBe(vector.input.client);
    expect(fromBinary(AuthenticateResponseSchema, bytes(messages[2])).client).toBe(vector.input.client);
    expect(fromBinary(AccessRequestSchema, bytes(messages[5])).ticket.length).toBeGreaterThan(0);
    expect(fromBinary(AccessResponseSchema, bytes(messages[6])).apRep.length).toBeGreaterThan(0);
  });
});

describe.each(ETYPES)("messages of encryption type %i that must be refused", async (number) => {
  const all = JSON.parse(stored("refused.json")) as Awaited<ReturnType<typeof makeRefusedVectors>>;
  const rows = all.filter(({ etype }) => etype === number);
  const vector = JSON.parse(stored(`etype${number}.json`)) as Awaited<ReturnType<typeof makeExchangeVector>>;
  const read = await readers(number);

  test.each(Object.entries(vector.messages))("(%s) unaltered is read", (message, good) => {
    expect(() => read[message]!(bytes(good))).not.toThrow();
  });

  test.each(rows)("($message) $what: $reason", ({ message, bytes: altered, reason, field }) => {
    const refusal = refusalOf(() => read[message]!(bytes(altered)));
    expect({ reason: refusal.reason, field: refusal.details.field }).toEqual({ reason, field });
  });
});

describe("canonical form", () => {
  const schemas = { KdcReqBody: KdcReqBodySchema, EncryptedData: EncryptedDataSchema };
  const rows = JSON.parse(stored("canonical.json")) as CanonicalVector[];

  test.each(rows)("$message, $what: $canonical", ({ message, bytes: encoded, canonical }) => {
    const read = () => decodeBlob(schemas[message], bytes(encoded), "blob");
    if (canonical) expect(read).not.toThrow();
    else expect(refusalOf(read)).toMatchObject({ reason: "KRB_ERR_GENERIC", details: { field: "blob" } });
  });
});
