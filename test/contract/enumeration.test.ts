/** A refused login does not tell who has an account. */
import { toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import {
  type AuthenticateRequest,
  AuthenticateRequestSchema,
} from "../../src/gen/kerberos/v1/authentication_service_pb.js";
import { makeAsReq } from "../../src/protocol/as-exchange.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { randomKey } from "../../src/protocol/keys.js";
import { connectRaw, frame } from "../rpc/raw-client.js";
import { PASSWORDS, startRealm, type TestRealm } from "../support/realm.js";
import { AUTHENTICATE, expectReply } from "../support/wire.js";
import { authenticate, NOW } from "../support/wire-refusals.js";

/**
 * What an attacker sees of a refused login: everything but the salt, which repeats the name that was sent.
 */
async function seen(realm: TestRealm, request: AuthenticateRequest) {
  using raw = connectRaw(Number(realm.kdc.as.split(":")[1]));
  const { stream, ended } = raw.call(AUTHENTICATE);
  stream.end(frame(toBinary(AuthenticateRequestSchema, request)));
  const {
    "x-correlation-id": id,
    date: _,
    "grpc-status-details-bin": details = "",
    ...headers
  } = (await ended).headers;
  const name = request.client.slice(0, request.client.indexOf("@"));
  const bytes = Buffer.from(details, "base64").toString("latin1").replaceAll(name, "?".repeat(name.length));
  return { headers, idLength: id?.length, details: bytes };
}

async function proofless(realm: TestRealm, name: string) {
  return makeAsReq(realm.principal(name), { etypes: realm.policy.keyEtypes }, undefined, NOW);
}

async function wrong(realm: TestRealm, name: string) {
  const [etype] = realm.policy.keyEtypes;
  return makeAsReq(
    realm.principal(name),
    { etypes: realm.policy.keyEtypes },
    randomKey(etypeOf(etype!)),
    NOW,
  );
}

test.each(["textbook", "standard"] as const)(
  "nobody learns who has an account: 100 unknown names, wrong passwords, disabled clients (%s)",
  async (profile) => {
    await using realm = await startRealm({ now: NOW, profile });
    await realm.addUser("blair", "a password that is right");
    await realm.addUser("casey", "a password that is right");
    await realm.change("casey", (entry) => ({ ...entry, disabled: true }));
    await realm.addUser("darcy", "a password that is right");
    await realm.change("darcy", (entry) => ({ ...entry, expiresAt: NOW, passwordExpiresAt: NOW }));
    for (const make of [proofless, wrong]) {
      const expected = await seen(realm, await make(realm, "blair"));
      expect(expected.headers).toMatchObject({ "grpc-status": "16" });
      expect(expected.details).toContain(make === wrong ? "PREAUTH_FAILED" : "PREAUTH_REQUIRED");
      expect(expected.details).toContain("TEST.EXAMPLE?????");
      for (const known of ["alice", "casey", "darcy"])
        expect(await seen(realm, await make(realm, known))).toEqual(expected);
      for (let at = 0; at < 100; at++) {
        const unknown = `u${String(at).padStart(4, "0")}`;
        expect(await seen(realm, await make(realm, unknown))).toEqual(expected);
      }
      expect(await seen(realm, await make(realm, "u0042"))).toEqual(expected);
    }
    expect(new Set(realm.log.map(({ result }) => result))).toEqual(
      new Set(["KDC_ERR_PREAUTH_REQUIRED", "KDC_ERR_PREAUTH_FAILED", "KDC_ERR_C_PRINCIPAL_UNKNOWN"]),
    );
  },
);

test("only someone who has the password learns that a client is disabled", async () => {
  await using realm = await startRealm({ now: NOW });
  await realm.change("alice", (entry) => ({ ...entry, disabled: true }));
  const before = await authenticate(realm, await wrong(realm, "alice"));
  expectReply(before, "UNAUTHENTICATED", "KDC_ERR_PREAUTH_FAILED");
  expect(before.text).not.toMatch(/disabled/);
  const client = realm.client();
  await expect(client.login(realm.principal("alice"), PASSWORDS.alice)).rejects.toMatchObject({
    reason: "KDC_ERR_CLIENT_REVOKED",
    message: "alice@TEST.EXAMPLE is disabled; ask the realm's operator",
  });
});
