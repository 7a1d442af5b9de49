/** The servers' log: one line an exchange, names and numbers, and never a secret. */
import { inspect } from "node:util";
import { toBinary } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { EchoRequestSchema, EchoResponseSchema } from "../../src/client/index.js";
import { AuthenticateRequestSchema } from "../../src/gen/kerberos/v1/authentication_service_pb.js";
import type { Key } from "../../src/protocol/keys.js";
import type { LogRecord } from "../../src/services/exchange-log.js";
import { asReq, PASSWORDS, startRealm } from "../support/realm.js";
import { AUTHENTICATE, Wire } from "../support/wire.js";
import { standBetween } from "../support/wire-middle.js";

const NOW = Date.UTC(2026, 2, 1, 12);
const ECHO = { request: EchoRequestSchema, response: EchoResponseSchema };

test("each exchange is one line: when, who, from where, what, and how it ended", async () => {
  await using realm = await startRealm({ now: NOW });
  const alice = await realm.login("alice", PASSWORDS.alice);
  await alice.access(realm.v, ECHO, { text: "hello" });
  const common = {
    level: "info",
    time: "2026-03-01T12:00:00.000Z",
    client: "alice@TEST.EXAMPLE",
    result: "OK",
    endtime: "2026-03-01T22:00:00.000Z",
    weak: ["des-cbc-md5"],
    peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    ms: expect.any(Number),
  };
  const name = expect.stringMatching(/^[\w-]{12}$/);
  expect(realm.log).toEqual([
    {
      ...common,
      tgt: name,
      exchange: "AS",
      server: "krbtgt/TEST.EXAMPLE@TEST.EXAMPLE",
      etypes: { reply: 3, ticket: 3, session: 3 },
    },
    {
      ...common,
      tgt: name,
      ticket: name,
      exchange: "TGS",
      server: "v/localhost@TEST.EXAMPLE",
      etypes: { reply: 3, ticket: 3, session: 3 },
    },
    {
      ...common,
      ticket: name,
      exchange: "V",
      server: "v/localhost@TEST.EXAMPLE",
      operation: "EchoRequest",
      etypes: { session: 3 },
    },
  ]);
  const [as, tgs, v] = realm.log as [LogRecord, LogRecord, LogRecord];
  expect([v.ticket, tgs.tgt]).toEqual([tgs.ticket, as.tgt]);
  expect(tgs.ticket).not.toBe(tgs.tgt);
});

test("in a standard realm nothing is called weak", async () => {
  await using realm = await startRealm({ profile: "standard" });
  const alice = await realm.login("alice", PASSWORDS.alice);
  await alice.access(realm.v, ECHO, { text: "hello" });
  expect(realm.log.map(({ weak }) => weak)).toEqual([undefined, undefined, undefined]);
});

test("a refusal stands in the log with its number and details; an unknown client as that", async () => {
  await using realm = await startRealm({ now: NOW });
  const client = realm.client();
  await client.login(realm.principal("nobody"), "secret").catch(() => {});
  await client.login(realm.principal("alice"), "wrong").catch(() => {});
  using wire = new Wire(realm.kdc.as);
  await wire.call(
    AUTHENTICATE,
    toBinary(AuthenticateRequestSchema, await asReq(realm, "alice", {}, NOW - 600_000)),
  );
  expect(realm.log).toMatchObject([
    { level: "warn", result: "KDC_ERR_C_PRINCIPAL_UNKNOWN", code: 6, client: "nobody@TEST.EXAMPLE" },
    { level: "warn", result: "KDC_ERR_PREAUTH_FAILED", code: 24, client: "alice@TEST.EXAMPLE" },
    {
      level: "warn",
      result: "KRB_AP_ERR_SKEW",
      code: 37,
      client: "alice@TEST.EXAMPLE",
      compared: { offset_ms: "-600000", limit_ms: "300000", side: "client is behind" },
    },
  ]);
});

describe("the correlation id", () => {
  async function idsOf(given: string | undefined) {
    await using realm = await startRealm();
    using wire = new Wire(realm.kdc.as);
    const metadata = new grpc.Metadata();
    if (given !== undefined) metadata.set("x-correlation-id", given);
    const good = await wire.call(
      AUTHENTICATE,
      toBinary(AuthenticateRequestSchema, await asReq(realm)),
      metadata,
    );
    const bad = await wire.call(
      AUTHENTICATE,
      toBinary(AuthenticateRequestSchema, { ...(await asReq(realm)), padata: [] }),
      metadata,
    );
    expect([good.code, bad.code]).toEqual(["OK", "UNAUTHENTICATED"]);
    // A refused call has no initial metadata of its own: everything comes at once, at the end.
    const returned = [good, bad].map(
      ({ headers, trailers }) => headers.get("x-correlation-id")[0] ?? trailers.get("x-correlation-id")[0],
    );
    expect(returned).toEqual(realm.log.map(({ id }) => id));
    return returned;
  }

  test.each(["7f3a", "A.b_c-9", "x".repeat(64)])("is the caller's: %s", async (given) => {
    expect(await idsOf(given)).toEqual([given, given]);
  });

  test.each(["x".repeat(65), "a b", "{}", "a;b", "../x"])("is never %j", async (given) => {
    const [one, other] = await idsOf(given);
    expect([one, other]).not.toContain(given);
    expect(one).toBeUndefined();
    expect(other).toMatch(/^[0-9a-f]{16}$/);
  });

  test("is a fresh one where the caller gives none, and only a refusal bears it", async () => {
    const [answered, refused] = await idsOf(undefined);
    expect(answered).toBeUndefined();
    expect(refused).toMatch(/^[0-9a-f]{16}$/);
    expect((await idsOf(undefined))[1]).not.toBe(refused);
  });
});

test.each(["textbook", "standard"] as const)(
  "a whole session leaves no secret in the log (%s)",
  async (profile) => {
    await using realm = await startRealm({ profile });
    const secrets: [string, string | Uint8Array][] = Object.entries(PASSWORDS);
    const blobs: [string, Uint8Array][] = [];
    await using middle = await standBetween(realm, {
      authenticate: async (request, pass) => {
        const response = await pass(request);
        blobs.push(
          ["padata", request.padata[0]!.value],
          ["TGT", response.ticket],
          ["AS reply", response.encPart],
        );
        return response;
      },
      grantTicket: async (request, pass) => {
        const response = await pass(request);
        blobs.push(["authenticator", request.authenticator], ["ticket", response.ticket]);
        return response;
      },
      access: async (request, pass) => {
        blobs.push(["AP authenticator", request.authenticator], ["request", request.request]);
        return pass(request);
      },
    });
    const keys: [string, Key][] = [];
    for (const name of ["alice", "bob", "v/localhost", "krbtgt/TEST.EXAMPLE"])
      for (const { key } of (await realm.keys(name)).keys) keys.push([name, key]);
    const client = realm.client({ kdc: middle.kdc });
    const session = async () => {
      const tgt = await client.login(realm.principal("alice"), PASSWORDS.alice, {
        renewableLife: 86_400_000,
      });
      keys.push(["the TGT's session key", tgt.key]);
      const ticket = await client.serviceTicket(realm.v.principal);
      keys.push(["V's session key", ticket.key]);
      await client.access(middle.v, ECHO, { text: "the secret that was said" });
      await client.access(middle.v, ECHO, { text: "x".repeat(4097) }).catch(() => {});
      await client.renew();
    };
    await session();
    await client.login(realm.principal("alice"), PASSWORDS.bob).catch(() => {});
    await client.login(realm.principal("nobody"), PASSWORDS.bob).catch(() => {});
    await client.serviceTicket(realm.principal("bob")).catch(() => {});
    expect(realm.log.length).toBeGreaterThan(7);

    secrets.push(["what was said", "the secret that was said"]);
    for (const [name, key] of keys) secrets.push([`key of ${name}`, key.exportBytes()]);
    for (const [name, blob] of blobs) secrets.push([name, blob.subarray(blob.length - 24)]);
    const log = [
      JSON.stringify(realm.log),
      inspect(realm.log, { depth: null, maxArrayLength: null, maxStringLength: null }),
    ].join("\n");
    for (const [name, secret] of secrets)
      for (const form of typeof secret === "string" ? [secret] : spelled(secret))
        expect(log.includes(form), `${name} in the log`).toBe(false);
  },
);

/** Bytes as they might come into a line. */
function spelled(bytes: Uint8Array): string[] {
  const buffer = Buffer.from(bytes);
  const list = [...bytes].join(",");
  return [
    buffer.toString("hex"),
    buffer.toString("hex").toUpperCase(),
    buffer.toString("hex").replace(/..(?!$)/g, "$& "),
    buffer.toString("base64").replace(/=+$/, ""),
    buffer.toString("base64url"),
    list,
    list.replaceAll(",", ", "),
  ];
}
