/**
 * Where times are compared, half of what can go wrong goes wrong. Requests and replies whose times lie on the
 * edges of every limit and far beyond them, sealed under the right keys, against models that are written
 * from RFC 4120 and not from the code: the same verdict, for the same reason, and the same times granted.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { KdcOption } from "../../src/gen/kerberos/v1/kdc_pb.js";
import { TicketFlag } from "../../src/gen/kerberos/v1/sealed_pb.js";
import { makeAccessReq, verifyAccessReq } from "../../src/protocol/access-exchange.js";
import { replayRecord } from "../../src/protocol/ap-exchange.js";
import { issueTgt, makeAsReq, openAsRep } from "../../src/protocol/as-exchange.js";
import { Challenger, MAX_CHALLENGE_AGE_MS } from "../../src/protocol/challenge.js";
import type { Credentials } from "../../src/protocol/credentials.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { toTimestamp } from "../../src/protocol/kerberos-time.js";
import { KeyUsage } from "../../src/protocol/key-usage.js";
import { randomKey } from "../../src/protocol/keys.js";
import { KrbError } from "../../src/protocol/krb-error.js";
import { issueServiceTicket, makeTgsReq, verifyTgsReq } from "../../src/protocol/tgs-exchange.js";
import { makeTicket } from "../../src/protocol/ticket.js";
import {
  asContext,
  DAY,
  HOUR,
  keyOf,
  longTermKeyOf,
  makeRealm,
  NOW,
  reseal,
  SKEW,
  servicePolicy,
} from "../support/entries.js";
import { PATIENCE, TIMES, tried } from "./runs.js";

const MIN = -62_135_596_800_000;
const MAX = 253_402_300_799_999;
const YEAR = 365 * DAY;

const STEPS = [
  0,
  1,
  999,
  1000,
  SKEW - 1,
  SKEW,
  SKEW + 1,
  HOUR,
  10 * HOUR,
  DAY,
  7 * DAY,
  YEAR,
  2 ** 31 * 1000,
];
const SIGNED = [...STEPS, ...STEPS.slice(1).map((step) => -step)];

/** A time near the present, on an edge or beside it, or an absurd one that is still a time. */
const time = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(fc.constantFrom(...SIGNED), fc.constantFrom(...SIGNED), fc.integer({ min: -1, max: 1 }))
      .map(([a, b, c]) => NOW + a + (Math.abs(b) <= SKEW + 1 ? b : 0) + c),
  },
  { weight: 1, arbitrary: fc.constantFrom(MIN, MAX, 0, -1, 1, 2 ** 31 * 1000, 2 ** 32 * 1000, NOW - 1) },
  { weight: 1, arbitrary: fc.integer({ min: NOW - 2 * DAY, max: NOW + 2 * DAY }) },
);
/** The present and its neighbourhood: what a fresh message says. */
const fresh = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(NOW, NOW + SKEW, NOW - SKEW, NOW + 1) },
  { weight: 1, arbitrary: time },
);
const life = fc.constantFrom(0, 1, 999, 1000, SKEW, HOUR, 10 * HOUR, 7 * DAY, YEAR);
const perhaps = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });
const rarely = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
const options = fc.subarray([KdcOption.RENEWABLE, KdcOption.RENEWABLE_OK]);

const realm = makeRealm(20);

/** What a verdict is compared as: the reason of a refusal, or the times granted. */
type Verdict = string | { endtime: number; renewTill: number | undefined };

function verdictOf(run: () => Verdict): Verdict {
  try {
    return run();
  } catch (error) {
    if (error instanceof KrbError) return error.reason;
    throw error;
  }
}

const leastOf = (...values: (number | undefined)[]) =>
  Math.min(...values.filter((value) => value !== undefined));

test("the AS: proof, policy, ends and renewals", { timeout: PATIENCE }, () => {
  const key = keyOf(realm.alice);
  const input = fc.record({
    proof: fresh,
    from: rarely(time),
    till: perhaps(time),
    renewTill: perhaps(time),
    options,
    expiresAt: rarely(time),
    passwordExpiresAt: rarely(time),
    maxLife: perhaps(life),
    maxRenewableLife: perhaps(life),
  });
  const property = fc.property(input, (it) => {
    const { expiresAt, passwordExpiresAt, maxLife, maxRenewableLife } = it;
    const alice = { ...realm.alice, expiresAt, passwordExpiresAt, maxLife, maxRenewableLife };
    const wish = { etypes: [20], till: it.till, renewTill: it.renewTill, options: it.options };
    const request = makeAsReq(alice.principal, wish, key, it.proof);
    if (it.from !== undefined) request.from = toTimestamp(it.from);
    const context = asContext({ ...realm, alice });
    const got = verdictOf(() => {
      const { response, ticket } = issueTgt(request, context, NOW);
      // The client takes what an honest AS gives.
      const { credentials } = openAsRep(response, request, key, NOW);
      assert.equal(credentials.endtime, ticket.endtime);
      assert.equal(ticket.starttime, NOW);
      assert.equal(ticket.flags.includes(TicketFlag.RENEWABLE), ticket.renewTill !== undefined);
      return { endtime: ticket.endtime, renewTill: ticket.renewTill };
    });
    assert.deepEqual(got, model(it));
  });

  /** RFC 4120 §3.1.3. */
  function model(it: {
    proof: number;
    from: number | undefined;
    till: number | undefined;
    renewTill: number | undefined;
    options: readonly KdcOption[];
    expiresAt: number | undefined;
    passwordExpiresAt: number | undefined;
    maxLife: number | undefined;
    maxRenewableLife: number | undefined;
  }): Verdict {
    if (it.proof < NOW - SKEW || it.proof > NOW + SKEW) return "KRB_AP_ERR_SKEW";
    if (it.expiresAt !== undefined && it.expiresAt <= NOW) return "KDC_ERR_NAME_EXP";
    if (it.passwordExpiresAt !== undefined && it.passwordExpiresAt <= NOW) return "KDC_ERR_KEY_EXPIRED";
    if (it.from !== undefined && it.from > NOW + SKEW) return "KDC_ERR_CANNOT_POSTDATE";
    const permitted = NOW + leastOf(realm.policy.maxLife, it.maxLife);
    const endtime = leastOf(permitted, it.till);
    if (endtime <= NOW) return "KDC_ERR_NEVER_VALID";
    const isInstead =
      it.options.includes(KdcOption.RENEWABLE_OK) && it.till !== undefined && it.till > permitted;
    if (!it.options.includes(KdcOption.RENEWABLE) && !isInstead) return { endtime, renewTill: undefined };
    const wished = it.renewTill ?? (isInstead ? it.till : undefined);
    const renewTill = leastOf(wished, NOW + leastOf(realm.policy.maxRenewableLife, it.maxRenewableLife));
    return { endtime, renewTill: renewTill > endtime ? renewTill : undefined };
  }
  tried("AS times", property, TIMES);
});

/** A ticket of any times and flags, under the service's real key. */
const ticketTimes = fc.record({
  authtime: fc.oneof(
    { weight: 2, arbitrary: fc.constantFrom(NOW, NOW - HOUR) },
    { weight: 1, arbitrary: time },
  ),
  starttime: fc.oneof(
    { weight: 2, arbitrary: fc.constantFrom(NOW, NOW - HOUR) },
    { weight: 1, arbitrary: time },
  ),
  endtime: fc.oneof(
    { weight: 2, arbitrary: fc.constantFrom(NOW + HOUR, NOW + 1) },
    { weight: 1, arbitrary: time },
  ),
  renewTill: perhaps(time),
  isInvalid: fc.nat(9).map((n) => n === 0),
});
type TicketTimes = typeof ticketTimes extends fc.Arbitrary<infer T> ? T : never;

function credentialsOf(server: typeof realm.service, times: TicketTimes): Credentials {
  const { authtime, starttime, endtime, renewTill, isInvalid } = times;
  const contents = {
    client: realm.alice.principal,
    server: server.principal,
    sessionKey: randomKey(etypeOf(20)),
    flags: [
      ...(isInvalid ? [TicketFlag.INVALID] : []),
      ...(renewTill === undefined ? [] : [TicketFlag.RENEWABLE]),
    ],
    authtime,
    starttime,
    endtime,
    renewTill,
    addresses: [],
    authorizationData: [],
  };
  return { ...contents, key: contents.sessionKey, ticket: makeTicket(contents, longTermKeyOf(server)) };
}

/** RFC 4120 §3.2.3: what a service says of the times of an AP-REQ; undefined: they are good. */
function refusalOfApReq(ctime: number, { starttime, endtime, isInvalid }: TicketTimes): string | undefined {
  if (ctime < NOW - SKEW || ctime > NOW + SKEW) return "KRB_AP_ERR_SKEW";
  if (starttime > NOW + SKEW || isInvalid) return "KRB_AP_ERR_TKT_NYV";
  if (endtime < NOW - SKEW) return "KRB_AP_ERR_TKT_EXPIRED";
  return undefined;
}

test("the TGS: authenticator, TGT, renewals, and what each limit leaves", { timeout: PATIENCE }, () => {
  const input = fc.record({
    tgt: ticketTimes,
    ctime: fresh,
    till: perhaps(time),
    renewTill: perhaps(time),
    options: fc.subarray([KdcOption.RENEWABLE, KdcOption.RENEWABLE_OK, KdcOption.RENEW]),
    clientExpires: rarely(time),
    serviceExpires: rarely(time),
    tgtsFrom: rarely(time),
    clientLife: perhaps(life),
    serviceLife: perhaps(life),
    serviceRenewable: perhaps(life),
  });
  type Input = typeof input extends fc.Arbitrary<infer T> ? T : never;
  const property = fc.property(input, (it) => {
    const renew = it.options.includes(KdcOption.RENEW);
    const tgt = credentialsOf(realm.krbtgt, it.tgt);
    const wish = { etypes: [20], till: it.till, renewTill: it.renewTill, options: it.options };
    const target = renew ? realm.krbtgt : realm.service;
    const { request } = makeTgsReq(tgt, target.principal, wish, it.ctime);
    const client = {
      ...realm.alice,
      expiresAt: it.clientExpires,
      tgtsFrom: it.tgtsFrom ?? 0,
      maxLife: it.clientLife,
    };
    const limits = { maxLife: it.serviceLife, maxRenewableLife: it.serviceRenewable };
    const service = { ...target, ...limits, expiresAt: it.serviceExpires };
    const got = verdictOf(() => {
      const verified = verifyTgsReq(request, realm.krbtgt, realm.policy, NOW);
      const { ticket } = issueServiceTicket(verified, { client, service, policy: realm.policy }, NOW);
      assert.equal(ticket.authtime, it.tgt.authtime);
      return { endtime: ticket.endtime, renewTill: ticket.renewTill };
    });
    assert.deepEqual(got, model(it, renew));
  });

  /** RFC 4120 §3.3.3. */
  function model(it: Input, renew: boolean): Verdict {
    const refusal = refusalOfApReq(it.ctime, it.tgt);
    if (refusal !== undefined) return refusal;
    const { tgt } = it;
    if (tgt.endtime - tgt.starttime > realm.policy.maxLife) return "KDC_ERR_POLICY";
    if (it.clientExpires !== undefined && it.clientExpires <= NOW) return "KDC_ERR_CLIENT_REVOKED";
    if (tgt.authtime < (it.tgtsFrom ?? 0)) return "KDC_ERR_TGT_REVOKED";
    if (renew && (tgt.renewTill === undefined || tgt.renewTill <= NOW)) return "KDC_ERR_BADOPTION";
    if (it.serviceExpires !== undefined && it.serviceExpires <= NOW) return "KDC_ERR_SERVICE_EXP";
    if (it.till !== undefined && it.till <= NOW) return "KDC_ERR_NEVER_VALID";
    if (renew) {
      const endtime = leastOf(NOW + tgt.endtime - tgt.starttime, tgt.renewTill, it.till);
      if (endtime <= NOW) return "KDC_ERR_NEVER_VALID";
      const renewTill = leastOf(tgt.renewTill, it.renewTill);
      return { endtime, renewTill: renewTill > endtime ? renewTill : undefined };
    }
    const permitted = leastOf(
      tgt.endtime,
      NOW + leastOf(realm.policy.maxLife, it.clientLife, it.serviceLife),
    );
    const endtime = leastOf(permitted, it.till);
    if (endtime <= NOW) return "KDC_ERR_NEVER_VALID";
    const isInstead =
      it.options.includes(KdcOption.RENEWABLE_OK) && it.till !== undefined && it.till > permitted;
    const isAsked = it.options.includes(KdcOption.RENEWABLE) || isInstead;
    if (!isAsked || tgt.renewTill === undefined) return { endtime, renewTill: undefined };
    const wished = it.renewTill ?? (isInstead ? it.till : undefined);
    const ofService = it.serviceRenewable === undefined ? undefined : NOW + it.serviceRenewable;
    const renewTill = leastOf(wished, tgt.renewTill, ofService);
    return { endtime, renewTill: renewTill > endtime ? renewTill : undefined };
  }
  tried("TGS times", property, TIMES);
});

test("a service: authenticator and ticket", { timeout: PATIENCE }, () => {
  const input = fc.record({ ticket: ticketTimes, ctime: fresh });
  const property = fc.property(input, ({ ticket, ctime }) => {
    const { request } = makeAccessReq(credentialsOf(realm.service, ticket), new Uint8Array(3), ctime);
    const got = verdictOf(() => {
      const { verified } = verifyAccessReq(request, servicePolicy(realm), NOW);
      // The replay cache remembers it for as long as it would be accepted.
      assert.equal(replayRecord(verified, SKEW).expiry, ctime + SKEW);
      return "accepted";
    });
    assert.equal(got, refusalOfApReq(ctime, ticket) ?? "accepted");
  });
  tried("AP times", property, TIMES);
});

test("the client: what a KDC may grant, and no more than was asked", { timeout: PATIENCE }, () => {
  const key = keyOf(realm.alice);
  const input = fc.record({
    till: perhaps(time.filter((at) => at > NOW)),
    asksRenewable: fc.boolean(),
    renewTill: perhaps(time),
    authtime: fresh,
    starttime: fresh,
    endtime: time,
    granted: perhaps(time),
    flags: fc.subarray([TicketFlag.RENEWABLE, TicketFlag.FORWARDABLE], { minLength: 0 }),
  });
  const property = fc.property(input, (it) => {
    const wish = {
      etypes: [20],
      till: it.till,
      renewTill: it.renewTill,
      options: it.asksRenewable ? [KdcOption.RENEWABLE] : [],
    };
    const request = makeAsReq(realm.alice.principal, wish, key, NOW);
    const { response } = issueTgt(request, asContext(realm), NOW);
    const encPart = reseal(response.encPart, { key, usage: KeyUsage.AS_REP }, "encAsRepPart", (part) => {
      part.authtime = toTimestamp(it.authtime);
      part.starttime = toTimestamp(it.starttime);
      part.endtime = toTimestamp(it.endtime);
      const own = part.flags.filter((flag) => flag !== TicketFlag.RENEWABLE);
      part.flags = [...own, ...it.flags].toSorted((a, b) => a - b);
      delete part.renewTill;
      if (it.granted !== undefined) part.renewTill = toTimestamp(it.granted);
    });
    const got = verdictOf(() => {
      const { credentials } = openAsRep({ ...response, encPart }, request, key, NOW);
      return { endtime: credentials.endtime, renewTill: credentials.renewTill };
    });
    const isRenewable = it.flags.includes(TicketFlag.RENEWABLE);
    const isGood =
      it.authtime <= it.starttime &&
      it.starttime < it.endtime &&
      (it.till === undefined || it.endtime <= it.till) &&
      !it.flags.includes(TicketFlag.FORWARDABLE) &&
      isRenewable === (it.granted !== undefined) &&
      (!isRenewable || it.asksRenewable) &&
      (it.granted === undefined || it.renewTill === undefined || it.granted <= it.renewTill);
    const times = { endtime: it.endtime, renewTill: it.granted };
    assert.deepEqual(got, isGood ? times : "KRB_AP_ERR_MODIFIED");
  });
  tried("client times", property, TIMES);
});

test("a challenge: good for a minute, by its maker's clock alone", { timeout: PATIENCE }, () => {
  const [mine, other] = [new Challenger(), new Challenger()];
  const age = fc.oneof(
    fc.constantFrom(
      0,
      1,
      0.5,
      -0.5,
      -1,
      MAX_CHALLENGE_AGE_MS - 1,
      MAX_CHALLENGE_AGE_MS,
      MAX_CHALLENGE_AGE_MS + 1,
    ),
    fc.integer({ min: -2 * MAX_CHALLENGE_AGE_MS, max: 2 * MAX_CHALLENGE_AGE_MS }),
  );
  const property = fc.property(fc.nat(), age, fc.nat(400), (made, more, bit) => {
    const challenge = mine.make(made);
    const now = made + more;
    const isYoung = Math.floor(now) >= made && Math.floor(now) - made <= MAX_CHALLENGE_AGE_MS;
    assert.equal(mine.isGood(challenge, now), isYoung);
    assert(!other.isGood(challenge, now));
    challenge[(bit >>> 3) % challenge.length]! ^= 1 << (bit & 7);
    assert(!mine.isGood(challenge, now));
  });
  tried("challenge age", property, TIMES);
});
