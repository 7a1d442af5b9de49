/** Requests that come again: the same is answered the same, another with the same proof is a replay. */
import { create, toBinary } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { beforeEach, expect, test } from "vitest";
import {
  type AuthenticateRequest,
  AuthenticateRequestSchema,
  type AuthenticateResponse,
  AuthenticateResponseSchema,
} from "../../src/gen/kerberos/v1/authentication_service_pb.js";
import { makeAsReq } from "../../src/protocol/as-exchange.js";
import { toTimestamp } from "../../src/protocol/kerberos-time.js";
import { type Key, randomKey } from "../../src/protocol/keys.js";
import { encTimestampOf } from "../../src/protocol/pre-authentication.js";
import type { HandlerContext } from "../../src/rpc/server-runtime.js";
import { authenticationService } from "../../src/services/as.js";
import type { LogRecord } from "../../src/services/exchange-log.js";
import { LookAside } from "../../src/services/look-aside.js";
import { LoginAttempts } from "../../src/store/attempts/login-attempts.js";
import { HOUR, keyOf, makeRealm, NOW, named, principalsBy, SKEW } from "../support/entries.js";

const realm = makeRealm(20);
const entries = new Map([realm.alice, realm.krbtgt].map((entry) => [entry.principal, entry]));
let now = NOW;
let log: LogRecord[] = [];
let attempts: LoginAttempts;
let service: ReturnType<typeof authenticationService>;

beforeEach(() => {
  now = NOW;
  log = [];
  attempts = LoginAttempts.inMemory("a secret");
  service = authenticationService({
    principals: principalsBy(async (principal) => entries.get(principal)),
    attempts,
    policy: realm.policy,
    clock: () => now,
    log: (record) => void log.push(record),
  });
});

const request = (key: Key = keyOf(realm.alice)) =>
  makeAsReq(realm.alice.principal, { etypes: [20] }, key, NOW);

async function send(asked: AuthenticateRequest): Promise<AuthenticateResponse> {
  const [metadata, headers, trailers] = [new grpc.Metadata(), new grpc.Metadata(), new grpc.Metadata()];
  const context = { metadata, headers, trailers, peer: "192.0.2.1:1" } as HandlerContext;
  return (await service.authenticate(asked, context)) as AuthenticateResponse;
}

const results = () => log.map(({ result }) => result);

test("the same request gets the same answer, and is one login in the log", async () => {
  const asked = request();
  const first = await send(asked);
  now += HOUR / 60;
  expect(await send(structuredClone(asked))).toEqual(first);
  expect(results()).toEqual(["OK", "REPEATED"]);
  expect(log[1]).toMatchObject({ level: "info", client: named("alice"), endtime: undefined });
  expect(attempts.of(named("alice"))).toMatchObject({ failures: 0, lastLogin: NOW });
});

test("of copies that come together one is a login", async () => {
  const asked = request();
  const answers = await Promise.all(Array.from({ length: 50 }, () => send(structuredClone(asked))));
  for (const answer of answers) expect(answer).toEqual(answers[0]);
  expect(results().filter((result) => result === "OK")).toHaveLength(1);
});

test.each<[string, Partial<AuthenticateRequest>]>([
  ["the end", { till: toTimestamp(NOW + HOUR) }],
  ["the types", { etypes: [20, 19] }],
  ["the server", { server: `krbtgt/${realm.policy.realm}@${realm.policy.realm}` }],
])("the same proof in a request altered in %s is a replay", async (_, changes) => {
  const asked = request();
  await send(asked);
  await expect(send({ ...asked, ...changes })).rejects.toMatchObject({
    reason: "KRB_AP_ERR_REPEAT",
    details: { field: "padata" },
  });
  expect(results()).toEqual(["OK", "KRB_AP_ERR_REPEAT"]);
  expect(await send(asked)).toBeDefined();
});

test("a request that was refused is looked at again, and counts once", async () => {
  const wrong = request(randomKey(keyOf(realm.alice).etype));
  for (let i = 0; i < 30; i++)
    await expect(send(wrong)).rejects.toMatchObject({ reason: "KDC_ERR_PREAUTH_FAILED" });
  expect(attempts.of(named("alice")).failures).toBe(1);
});

test("an answer ends when its request's time does, whichever way the clock goes", async () => {
  const asked = request();
  await send(asked);
  now = NOW + SKEW;
  expect(await send(asked)).toBeDefined();
  now = NOW + 2 * SKEW + 1;
  await expect(send(asked)).rejects.toMatchObject({ reason: "KRB_AP_ERR_SKEW" });
  now = NOW - HOUR;
  await expect(send(asked)).rejects.toMatchObject({ reason: "KRB_AP_ERR_SKEW" });
});

test("a clock that is turned back far has no answer last longer", () => {
  const lookAside = new LookAside();
  const asked = request();
  const proof = encTimestampOf(asked.padata)!;
  lookAside.keep(proof, asked, create(AuthenticateResponseSchema), NOW);
  expect(lookAside.find(proof, asked, SKEW, NOW - 2 * SKEW)).toBeDefined();
  expect(lookAside.find(proof, asked, SKEW, NOW - 2 * SKEW - 1)).toBeUndefined();
});

test("answers are bounded by bytes, the oldest goes first", () => {
  const response = create(AuthenticateResponseSchema, { ticket: new Uint8Array(488) });
  const asked = Array.from({ length: 20 }, () => request());
  const proofs = asked.map(({ padata }) => encTimestampOf(padata)!);
  // Two headers, 24 bytes of the record and 16 of the answer.
  const size = 40 + proofs[0]!.length + toBinary(AuthenticateRequestSchema, asked[0]!).length + 488;
  const lookAside = new LookAside(10 * Math.ceil(size / 8) * 8);
  asked.forEach((one, i) => {
    lookAside.keep(proofs[i]!, one, response, NOW);
  });
  expect(lookAside.load).toEqual({
    entries: 10,
    bytes: lookAside.load.maxBytes,
    maxBytes: expect.any(Number),
  });
  const found = asked.map((one, i) => lookAside.find(proofs[i]!, one, SKEW, NOW) !== undefined);
  expect(found).toEqual(asked.map((_, i) => i >= 10));
});
