import { describe, expect, test } from "vitest";
import { TicketFlag } from "../../src/gen/kerberos/v1/sealed_pb.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { randomKey } from "../../src/protocol/keys.js";
import type { KrbErrorName } from "../../src/protocol/krb-error.js";
import { AS_RULES, type AsFacts, applyRules, TGS_RULES, type TgsFacts } from "../../src/protocol/policy.js";
import { krbtgtOf } from "../../src/protocol/principal.js";
import { DAY, HOUR, makeEntry, makePolicy, NOW, named, REALM, SKEW } from "../support/entries.js";
import { expectRefusal } from "./refusal.js";

const policy = makePolicy();
const noTimes = { from: undefined, till: undefined, renewTill: undefined };

function asFacts(changes: Partial<AsFacts> = {}): AsFacts {
  const client = makeEntry("alice", [3], { passwordKeyed: true });
  return { client, server: krbtgtOf(REALM), times: noTimes, policy, now: NOW, ...changes };
}

function tgsFacts(changes: Partial<TgsFacts> = {}): TgsFacts {
  const tgt = {
    client: named("alice"),
    server: krbtgtOf(REALM),
    sessionKey: randomKey(etypeOf(3)),
    flags: [TicketFlag.RENEWABLE, TicketFlag.INITIAL, TicketFlag.PRE_AUTHENT],
    authtime: NOW,
    starttime: NOW,
    endtime: NOW + 10 * HOUR,
    renewTill: NOW + 7 * DAY,
    addresses: [],
    authorizationData: [],
  };
  return {
    tgt,
    client: makeEntry("alice"),
    server: named("notes/localhost"),
    service: makeEntry("notes/localhost"),
    renew: false,
    times: noTimes,
    policy,
    now: NOW,
    ...changes,
  };
}

const renewal: Partial<TgsFacts> = {
  renew: true,
  server: krbtgtOf(REALM),
  service: makeEntry(krbtgtOf(REALM)),
};
const tgtWith = (changes: Partial<TgsFacts["tgt"]>) => ({ tgt: { ...tgsFacts().tgt, ...changes } });

interface Row<Facts> {
  name: string;
  facts: Partial<Facts>;
  /** Undefined: permitted. */
  code?: KrbErrorName;
  details?: Record<string, string>;
}

const TIMES: Row<{ times: AsFacts["times"] }>[] = [
  { name: "from now", facts: { times: { ...noTimes, from: NOW } } },
  { name: "from long ago", facts: { times: { ...noTimes, from: 0 } } },
  { name: "from as far ahead as the skew", facts: { times: { ...noTimes, from: NOW + SKEW } } },
  {
    name: "from a millisecond beyond the skew",
    facts: { times: { ...noTimes, from: NOW + SKEW + 1 } },
    code: "KDC_ERR_CANNOT_POSTDATE",
    details: { from: "2026-03-01T12:05:00.001Z", server_time: "2026-03-01T12:00:00.000Z" },
  },
  { name: "till the next millisecond", facts: { times: { ...noTimes, till: NOW + 1 } } },
  {
    name: "till now",
    facts: { times: { ...noTimes, till: NOW } },
    code: "KDC_ERR_NEVER_VALID",
    details: { till: "2026-03-01T12:00:00.000Z" },
  },
  {
    name: "till the epoch",
    facts: { times: { ...noTimes, till: 0 } },
    code: "KDC_ERR_NEVER_VALID",
    details: { till: "1970-01-01T00:00:00.000Z" },
  },
  { name: "till before the epoch", facts: { times: { ...noTimes, till: -1 } }, code: "KDC_ERR_NEVER_VALID" },
  { name: "till 2038 and beyond", facts: { times: { ...noTimes, till: 2 ** 31 * 1000 } } },
  {
    name: "from the year 9999",
    facts: { times: { ...noTimes, from: 253_402_300_799_999 } },
    code: "KDC_ERR_CANNOT_POSTDATE",
  },
];

describe("the rules of the AS", () => {
  const rows: Row<AsFacts>[] = [
    { name: "an active client that asks for the TGS", facts: {} },
    {
      name: "a disabled client",
      facts: { client: makeEntry("alice", [3], { disabled: true }) },
      code: "KDC_ERR_CLIENT_REVOKED",
    },
    {
      name: "a client that expires in a millisecond",
      facts: { client: makeEntry("alice", [3], { expiresAt: NOW + 1 }) },
    },
    {
      name: "a client that expires now",
      facts: { client: makeEntry("alice", [3], { expiresAt: NOW }) },
      code: "KDC_ERR_NAME_EXP",
    },
    {
      name: "a client that expired at the epoch",
      facts: { client: makeEntry("alice", [3], { expiresAt: 0 }) },
      code: "KDC_ERR_NAME_EXP",
    },
    {
      name: "a password that expires in a millisecond",
      facts: { client: makeEntry("alice", [3], { passwordExpiresAt: NOW + 1 }) },
    },
    {
      name: "a password that expires now",
      facts: { client: makeEntry("alice", [3], { passwordExpiresAt: NOW }) },
      code: "KDC_ERR_KEY_EXPIRED",
    },
    {
      name: "another service",
      facts: { server: named("notes/localhost") },
      code: "KDC_ERR_POLICY",
      details: { rule: "as-serves-tgs-only", server: "notes/localhost@EXAMPLE.TEST" },
    },
    {
      name: "another realm's TGS",
      facts: { server: krbtgtOf("OTHER") },
      code: "KDC_ERR_POLICY",
      details: { rule: "as-serves-tgs-only" },
    },
    {
      name: "a TGS of this realm for another",
      facts: { server: named("krbtgt/OTHER") },
      code: "KDC_ERR_POLICY",
    },
    { name: "the client itself as the service", facts: { server: named("alice") }, code: "KDC_ERR_POLICY" },
    ...TIMES,
  ];
  test.each(rows)("decide on $name", ({ facts, code, details }) =>
    decide(() => applyRules(AS_RULES, asFacts(facts)), code, details),
  );

  test("refuse for the first cause in the order of the table", () => {
    const client = makeEntry("alice", [3], { disabled: true, expiresAt: 0, passwordExpiresAt: 0 });
    expectRefusal(
      () => applyRules(AS_RULES, asFacts({ client, server: named("x") })),
      "KDC_ERR_CLIENT_REVOKED",
    );
  });

  test("each refuse something in this list", () =>
    everyRuleRefuses(
      AS_RULES,
      rows.map(({ facts }) => asFacts(facts)),
    ));
});

describe("the rules of the TGS", () => {
  const rows: Row<TgsFacts>[] = [
    { name: "an active client that asks for a service", facts: {} },
    {
      name: "a TGT that lives as long as the realm permits",
      facts: tgtWith({ starttime: NOW - HOUR, endtime: NOW + 9 * HOUR }),
    },
    {
      name: "a TGT that lives a millisecond longer",
      facts: tgtWith({ endtime: NOW + 10 * HOUR + 1 }),
      code: "KDC_ERR_POLICY",
      details: { rule: "tgt-max-life", life_ms: "36000001", limit_ms: "36000000" },
    },
    {
      name: "a golden ticket of ten years",
      facts: tgtWith({ endtime: NOW + 3650 * DAY }),
      code: "KDC_ERR_POLICY",
      details: { rule: "tgt-max-life" },
    },
    { name: "a client deleted since", facts: { client: undefined }, code: "KDC_ERR_CLIENT_REVOKED" },
    {
      name: "a client disabled since",
      facts: { client: makeEntry("alice", [3], { disabled: true }) },
      code: "KDC_ERR_CLIENT_REVOKED",
    },
    {
      name: "a client that expires in a millisecond",
      facts: { client: makeEntry("alice", [3], { expiresAt: NOW + 1 }) },
    },
    {
      name: "a client that expires now",
      facts: { client: makeEntry("alice", [3], { expiresAt: NOW }) },
      code: "KDC_ERR_CLIENT_REVOKED",
    },
    {
      name: "a client whose password expired after the login",
      facts: { client: makeEntry("alice", [3], { passwordExpiresAt: 0 }) },
    },
    {
      name: "a login of the millisecond in which the client was made or got its password",
      facts: { ...tgtWith({ authtime: NOW }), client: makeEntry("alice", [3], { tgtsFrom: NOW }) },
    },
    {
      name: "a login of before the client was made or got its password",
      facts: { ...tgtWith({ authtime: NOW - 1 }), client: makeEntry("alice", [3], { tgtsFrom: NOW }) },
      code: "KDC_ERR_TGT_REVOKED",
      details: {
        authtime: new Date(NOW - 1).toISOString(),
        tgts_from: new Date(NOW).toISOString(),
      },
    },
    {
      name: "a service of another realm",
      facts: { server: named("notes/localhost@OTHER") },
      code: "KDC_ERR_WRONG_REALM",
      details: { asked: "OTHER", realm: REALM },
    },
    { name: "the TGS of another realm", facts: { server: krbtgtOf("OTHER") }, code: "KDC_ERR_WRONG_REALM" },
    {
      name: "a TGT for a TGT",
      facts: { server: krbtgtOf(REALM), service: makeEntry(krbtgtOf(REALM)) },
      code: "KDC_ERR_POLICY",
      details: { rule: "tgs-issues-no-tgt" },
    },
    { name: "the renewal of a renewable TGT", facts: renewal },
    {
      name: "the renewal of a service ticket",
      facts: { renew: true },
      code: "KDC_ERR_BADOPTION",
      details: { option: "renew" },
    },
    {
      name: "the renewal of a TGT without the flag",
      facts: { ...renewal, ...tgtWith({ flags: [TicketFlag.INITIAL] }) },
      code: "KDC_ERR_BADOPTION",
      details: { option: "renew" },
    },
    {
      name: "the renewal of a TGT without a time",
      facts: { ...renewal, ...tgtWith({ renewTill: undefined }) },
      code: "KDC_ERR_BADOPTION",
      details: { option: "renew" },
    },
    {
      name: "renewal a millisecond before it ends",
      facts: { ...renewal, ...tgtWith({ renewTill: NOW + 1 }) },
    },
    {
      name: "renewal when it ends",
      facts: { ...renewal, ...tgtWith({ renewTill: NOW }) },
      code: "KDC_ERR_BADOPTION",
      details: { option: "renew" },
    },
    {
      name: "an unknown service",
      facts: { service: undefined },
      code: "KDC_ERR_S_PRINCIPAL_UNKNOWN",
      details: { server: "notes/localhost@EXAMPLE.TEST" },
    },
    {
      name: "a user as the service",
      facts: { server: named("bob"), service: makeEntry("bob", [3], { passwordKeyed: true }) },
      code: "KDC_ERR_MUST_USE_USER2USER",
      details: { server: "bob@EXAMPLE.TEST" },
    },
    {
      name: "a disabled service",
      facts: { service: makeEntry("notes/localhost", [3], { disabled: true }) },
      code: "KDC_ERR_SERVICE_REVOKED",
    },
    {
      name: "a service that expires in a millisecond",
      facts: { service: makeEntry("notes/localhost", [3], { expiresAt: NOW + 1 }) },
    },
    {
      name: "a service that expires now",
      facts: { service: makeEntry("notes/localhost", [3], { expiresAt: NOW }) },
      code: "KDC_ERR_SERVICE_EXP",
    },
    ...TIMES,
  ];
  test.each(rows)("decide on $name", ({ facts, code, details }) =>
    decide(() => applyRules(TGS_RULES, tgsFacts(facts)), code, details),
  );

  test("tell nothing of services to a client that is no longer active", () => {
    const facts = tgsFacts({ client: undefined, service: undefined });
    expectRefusal(() => applyRules(TGS_RULES, facts), "KDC_ERR_CLIENT_REVOKED");
  });

  test("each refuse something in this list", () =>
    everyRuleRefuses(
      TGS_RULES,
      rows.map(({ facts }) => tgsFacts(facts)),
    ));
});

function decide(run: () => void, code: KrbErrorName | undefined, details: Record<string, string> = {}): void {
  if (code === undefined) expect(run).not.toThrow();
  else expectRefusal(run, code, details);
}

function everyRuleRefuses<Facts>(
  rules: readonly { name: string; refuse: (facts: Facts) => unknown }[],
  all: Facts[],
): void {
  const idle = rules.filter((rule) => all.every((facts) => rule.refuse(facts) === undefined));
  expect(idle.map(({ name }) => name)).toEqual([]);
}
