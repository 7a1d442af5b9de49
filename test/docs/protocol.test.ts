/**
 * docs/protocol.md says what the code does: refusals with their numbers and codes, key usages, types, limits.
 */
import { readFileSync } from "node:fs";
import * as grpc from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import type { KerberosClient } from "../../src/client/index.js";
import { EncryptionType } from "../../src/gen/kerberos/v1/encryption_pb.js";
import {
  EchoRequestSchema,
  EchoResponseSchema,
  ServerTimeRequestSchema,
  ServerTimeResponseSchema,
  WhoAmIRequestSchema,
  WhoAmIResponseSchema,
} from "../../src/gen/kerberos/v1/operations_pb.js";
import { SealedPartSchema } from "../../src/gen/kerberos/v1/sealed_pb.js";
import { etypeOf, ITERATIONS } from "../../src/protocol/etypes.js";
import { MAX_ETYPES } from "../../src/protocol/kdc-request.js";
import { KeyUsage } from "../../src/protocol/key-usage.js";
import { KrbErrorCode } from "../../src/protocol/krb-error.js";
import { CALL_LIMITS } from "../../src/rpc/call-limits.js";
import { MAX_MESSAGE_BYTES, SERVER_OPTIONS } from "../../src/rpc/server-options.js";
import { GRPC_CODE } from "../../src/rpc/status.js";
import { PASSWORDS, startRealm } from "../support/realm.js";
import { standBetween } from "../support/wire-middle.js";

const page = readFileSync(new URL("../../docs/protocol.md", import.meta.url), "utf8");
const words = page.replaceAll(/\s+/g, " ");

/** The rows of the table that begins with `heading`, cell by cell. */
function table(heading: string): string[][] {
  const lines = page.split("\n");
  const start = lines.findIndex((line) => line.startsWith(`| ${heading} |`));
  expect(start, heading).toBeGreaterThan(-1);
  const end = lines.findIndex((line, at) => at > start && !line.startsWith("|"));
  return lines.slice(start + 2, end).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

test("every refusal has its number and its gRPC code, and there is no other", () => {
  const listed = table("reason | number").map(([reason, number, code]) => [reason, Number(number), code]);
  // An unknown client is refused as a wrong password is.
  const expected = Object.entries(KrbErrorCode)
    .filter(([reason]) => reason !== "KDC_ERR_C_PRINCIPAL_UNKNOWN")
    .map(([reason, number]) => [reason, number, grpc.status[GRPC_CODE[reason as keyof typeof GRPC_CODE]]]);
  expect(listed).toEqual(expected);
});

test("every kind of sealed part has its key usages", () => {
  const rows = table("what is sealed");
  const kinds = rows.map(([, kind]) => kind!.replaceAll("`", ""));
  expect(new Set(kinds)).toEqual(new Set(SealedPartSchema.fields.map(({ name }) => name)));
  const usages = rows.flatMap(([, , , usage]) => usage!.match(/\d+/g)!.map(Number));
  const ofMessages: number[] = [KeyUsage.REQUEST_MESSAGE_CHECKSUM, KeyUsage.RESPONSE_MESSAGE_CHECKSUM];
  expect(usages.toSorted((a, b) => a - b)).toEqual(
    Object.values(KeyUsage).filter((usage) => !ofMessages.includes(usage)),
  );
});

describe("encryption types", () => {
  test.each(table("etype | number"))("%s", (name, number, key, _, checksum) => {
    const etype = Number(number!.replace("−", "-"));
    const row = etypeOf(etype);
    expect(EncryptionType[etype]).toBe(name);
    expect(row.keySize).toBe(Number(key));
    const [type, size] = checksum!.match(/[−\d]+(?= |,|$)/g)!.filter((text) => /^−?\d+$/.test(text));
    expect([row.checksumType, row.checksumSize]).toEqual([Number(type!.replace("−", "-")), Number(size)]);
  });
});

test("limits", () => {
  expect(words).toContain(`at most ${MAX_MESSAGE_BYTES / 1024} KiB`);
  expect(words).toContain(`${SERVER_OPTIONS["grpc.max_concurrent_streams"]} concurrent calls`);
  expect(words).toContain(`${CALL_LIMITS.unaryMs / 1000} s for a unary call`);
  expect(words).toContain(`${MAX_ETYPES} encryption types`);
  expect(words).toContain(`fewer than ${ITERATIONS.least.toLocaleString("en")} iterations`);
  expect(words).toContain(ITERATIONS.most.toLocaleString("en"));
});

describe("sizes", () => {
  const vector = (etype: number) => {
    const file = new URL(`../vectors/exchange/etype${etype}.json`, import.meta.url);
    return JSON.parse(readFileSync(file, "utf8")) as { messages: Record<string, string> };
  };
  test.each([20, 3])("of the six messages of encryption type %i", (etype) => {
    const sizes = Object.values(vector(etype).messages).map((hex) => hex.length / 2);
    expect(words).toContain(`${sizes.slice(0, 5).join(", ")} and ${sizes[5]}`);
  });

  const WHO_AM_I = { request: WhoAmIRequestSchema, response: WhoAmIResponseSchema };
  const ECHO = { request: EchoRequestSchema, response: EchoResponseSchema };
  const SERVER_TIME = { request: ServerTimeRequestSchema, response: ServerTimeResponseSchema };
  type V = Parameters<KerberosClient["access"]>[0];
  const OPERATIONS: [string, (client: KerberosClient, v: V) => Promise<unknown>][] = [
    ["a WhoAmI", (client, v) => client.access(v, WHO_AM_I, {})],
    ["an Echo of five letters", (client, v) => client.access(v, ECHO, { text: "hello" })],
    ["a ServerTime", (client, v) => client.access(v, SERVER_TIME, {})],
  ];
  test.each(OPERATIONS)("of request and response of %s at encryption type 20", async (name, call) => {
    const written = words
      .match(new RegExp(`(\\d+) and (\\d+)(?: bytes)? for ${name}\\b`))!
      .slice(1)
      .map(Number);
    await using realm = await startRealm({ profile: "standard", realm: "EXAMPLE.TEST" });
    const seen: number[] = [];
    await using middle = await standBetween(realm, {
      access: async (message, pass) => {
        const answer = await pass(message);
        seen.push(message.request.length, answer.response.length);
        return answer;
      },
    });
    const client = realm.client();
    await client.login(realm.principal("alice"), PASSWORDS.alice);
    await call(client, middle.v);
    // The sequence number, which is random, takes up to four bytes less.
    for (const [at, size] of seen.entries()) expect(Math.abs(size - written[at]!)).toBeLessThan(5);
  });
});
