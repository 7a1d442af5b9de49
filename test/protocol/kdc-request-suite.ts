/** What AS, TGS and `readKdcRequest` itself refuse alike of the fields a client chose (RFC 4120 §5.4.1). */
import { create } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import { test } from "vitest";
import { KdcOption, type KdcReqBody } from "../../src/gen/kerberos/v1/kdc_pb.js";
import { toTimestamp } from "../../src/protocol/kerberos-time.js";
import type { KrbErrorName } from "../../src/protocol/krb-error.js";
import { NOW, SKEW } from "../support/entries.js";
import { expectRefusal } from "./refusal.js";

/** The fields that every request to a KDC has. */
export type KdcFields = Pick<KdcReqBody, "from" | "till" | "renewTill" | "nonce" | "etypes" | "options">;

/** A request that is good, altered and then read. */
export type RunAltered = (alter: (fields: KdcFields) => void) => unknown;

interface Vector {
  readonly name: string;
  readonly alter: (fields: KdcFields) => void;
  readonly code: KrbErrorName;
  readonly details?: Record<string, string>;
}

const { RENEWABLE, UNSPECIFIED } = KdcOption;
/** Numbers as a peer may send them: protobuf's enums are open, TypeScript's are not. */
const numbers = (...values: number[]) => values as never[];
const YEAR_10000 = () => toTimestamp(253_402_300_800_000);
const AGES = () => create(TimestampSchema, { seconds: 2n ** 63n - 1n });

/** Tests that a malformed field is refused by its name, which begins with `prefix`. */
export function testMalformedFields(prefix: string, run: RunAltered): void {
  const malformed = (name: string, field: string, alter: Vector["alter"]): Vector => ({
    name,
    alter,
    code: "KRB_ERR_GENERIC",
    details: { field: `${prefix}.${field}` },
  });
  const option = (name: string, ...options: number[]): Vector => ({
    name,
    alter: (f) => (f.options = numbers(RENEWABLE, ...options)),
    code: "KDC_ERR_BADOPTION",
    details: { option: String(options[0]) },
  });
  const vectors: Vector[] = [
    malformed("no nonce", "nonce", (f) => (f.nonce = new Uint8Array())),
    malformed("a nonce of 15 bytes", "nonce", (f) => (f.nonce = new Uint8Array(15))),
    malformed("a nonce of 17 bytes", "nonce", (f) => (f.nonce = new Uint8Array(17))),
    malformed("no encryption types", "etypes", (f) => (f.etypes = [])),
    {
      name: "33 encryption types",
      alter: (f) => (f.etypes = Array(33).fill(3)),
      code: "KRB_ERR_FIELD_TOOLONG",
      details: { field: `${prefix}.etypes`, length: "33", limit: "32" },
    },
    option("the reserved option", UNSPECIFIED),
    option("the option forwardable", 1),
    option("the option postdated", 6),
    option("a negative option", -1),
    option("an option of 2^31-1", 2 ** 31 - 1),
    malformed("an option twice", "options", (f) => (f.options = [RENEWABLE, RENEWABLE])),
    malformed("a start in the year 10000", "from", (f) => (f.from = YEAR_10000())),
    malformed("an end in the year 10000", "till", (f) => (f.till = YEAR_10000())),
    malformed("an absurd end", "till", (f) => (f.till = AGES())),
    malformed("a renewal in the year 10000", "renew_till", (f) => (f.renewTill = YEAR_10000())),
  ];
  test.each(vectors)("is refused with $name", ({ alter, code, details }) => {
    expectRefusal(() => run(alter), code, details);
  });
}

/**
 * Tests that what no ticket can be issued for is refused, of a client and a service with keys of etype 3
 * alone.
 */
export function testImpossibleWishes(run: RunAltered): void {
  const vectors: Vector[] = [
    {
      name: "a start beyond the skew",
      alter: (f) => (f.from = toTimestamp(NOW + SKEW + 1)),
      code: "KDC_ERR_CANNOT_POSTDATE",
      details: { from: "2026-03-01T12:05:00.001Z", server_time: "2026-03-01T12:00:00.000Z" },
    },
    {
      name: "an end now",
      alter: (f) => (f.till = toTimestamp(NOW)),
      code: "KDC_ERR_NEVER_VALID",
      details: { till: "2026-03-01T12:00:00.000Z", server_time: "2026-03-01T12:00:00.000Z" },
    },
    { name: "an end in 1969", alter: (f) => (f.till = toTimestamp(-1)), code: "KDC_ERR_NEVER_VALID" },
    {
      name: "only types that nobody concerned has a key of",
      alter: (f) => (f.etypes = [20, 19]),
      code: "KDC_ERR_ETYPE_NOSUPP",
      details: { asked: "20 19", held: "3" },
    },
    {
      name: "only types that this project does not have",
      alter: (f) => (f.etypes = numbers(17, 23)),
      code: "KDC_ERR_ETYPE_NOSUPP",
      details: { asked: "17 23", held: "3" },
    },
    {
      name: "the lesson type alone",
      alter: (f) => (f.etypes = [-1]),
      code: "KDC_ERR_ETYPE_NOSUPP",
      details: { asked: "-1", held: "3" },
    },
  ];
  test.each(vectors)("is refused with $name", ({ alter, code, details }) => {
    expectRefusal(() => run(alter), code, details);
  });
}
