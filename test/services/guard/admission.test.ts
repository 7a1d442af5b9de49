/** Whether a call is let in, as a function of what the call was: no server, no socket. */
import type { PeerCertificate } from "node:tls";
import { afterEach, describe, expect, test, vi } from "vitest";
import { sha256 } from "../../../src/crypto/hash.js";
import { PROTECTIONS, type Protection } from "../../../src/protocol/call-binding.js";
import { Key } from "../../../src/protocol/keys.js";
import { openTicket, type ServiceKeys } from "../../../src/protocol/ticket.js";
import { AP_REQ_METADATA } from "../../../src/rpc/metadata-names.js";
import { type Admission, Gate } from "../../../src/services/guard/admission.js";
import type { AdmissionPolicy } from "../../../src/services/guard/admission-policy.js";
import { OwnNames } from "../../../src/services/guard/own-names.js";
import { type Proof, readProof } from "../../../src/services/guard/proof.js";
import type { Peer, ReceivedCall } from "../../../src/services/guard/received-call.js";
import { refusalOf } from "../../protocol/refusal.js";
import {
  ALICE,
  AUTHORITY,
  type Bound,
  bind,
  CHAT_SERVICE,
  KEYS,
  methodOf,
  NOW,
  serviceKeys,
  ticketFor,
} from "./by-hand.js";

type ApReqProof = Exclude<Proof, { session: Uint8Array }>;
const STRONG = [20, 19];

/** The policy of a guard that permits strong types alone. */
function policyOf(changes: Partial<AdmissionPolicy> = {}): AdmissionPolicy {
  return {
    floor: "authenticate",
    permittedEtypes: STRONG,
    strongEtypes: STRONG,
    authorizationData: [],
    bindClientCertificate: undefined,
    clockSkew: 300_000,
    openTicket,
    names: new OwnNames(undefined),
    sessions: undefined,
    hasReplayCache: true,
    uptime: () => 0,
    ...changes,
  };
}

/** A call of `say` as it was received, and from whom. */
function received({ request }: Bound, changes: Partial<ReceivedCall & Peer> = {}): ReceivedCall & Peer {
  return {
    method: methodOf("say").path,
    authority: AUTHORITY,
    requestStream: false,
    responseStream: false,
    requestSha256: sha256(request),
    peerAddress: "192.0.2.1",
    certificate: undefined,
    ...changes,
  };
}

const proofOf = ({ metadata }: Bound) => readProof(metadata.get(AP_REQ_METADATA), []);

/** Both steps of a new guard; a refusal that is proven is thrown like any other. */
function admit(
  policy: AdmissionPolicy,
  keys: ServiceKeys,
  proof: Proof,
  call: ReceivedCall & Peer,
  now: number,
): Admission {
  const gate = new Gate(policy);
  const admission = gate.admit(gate.look(proof, keys, call, now), keys, call, call, now);
  if (admission.refusal !== undefined) throw admission.refusal;
  return admission;
}

afterEach(() => void vi.restoreAllMocks());

test("a call is let in with its caller, what the replay cache must not have seen, and its messages", () => {
  const bound = bind();
  const { caller, replays, messages } = admit(policyOf(), KEYS, proofOf(bound), received(bound), NOW);
  expect(caller).toMatchObject({ principal: ALICE, service: CHAT_SERVICE, protection: "authenticate" });
  expect(replays).toEqual([{ tag: expect.any(Uint8Array), ctime: NOW, expiry: NOW + 300_000 }]);
  expect(messages.open(bound.request)).toEqual({ kind: "message", message: bound.request });
});

describe("a weak encryption type", () => {
  const weak = serviceKeys(3);
  const permitted = [20, 19, 3];
  const judge = (peerAddress: string | undefined, policy = policyOf({ permittedEtypes: permitted })) => {
    const bound = bind(methodOf("say"), "authenticate", { credentials: ticketFor(weak) });
    return () => admit(policy, weak, proofOf(bound), received(bound, { peerAddress }), NOW);
  };

  test.each(["127.0.0.1", "127.9.9.9", "::1", "0:0::1"])("is taken from a peer on loopback: %s", (peer) => {
    expect(judge(peer)().caller.principal).toBe(ALICE);
  });

  test.each(["192.0.2.1", "10.0.0.1", "2001:db8::1", "::", "localhost.example.test", undefined])(
    "is taken from no other: %s",
    (peer) => {
      expect(refusalOf(judge(peer))).toMatchObject({
        reason: "KDC_ERR_ETYPE_NOSUPP",
        details: { etype: "3", permitted: "20 19" },
      });
    },
  );

  test("is taken from nobody where it is not permitted", () => {
    expect(refusalOf(judge("127.0.0.1", policyOf()))).toMatchObject({ reason: "KDC_ERR_ETYPE_NOSUPP" });
  });

  test("is no matter to a ticket of a strong one, from anywhere", () => {
    const bound = bind();
    const policy = policyOf({ permittedEtypes: permitted });
    expect(admit(policy, KEYS, proofOf(bound), received(bound), NOW).caller.principal).toBe(ALICE);
  });

  test("of a session key is one too", () => {
    const both = serviceKeys(20);
    const sessionKey = serviceKeys(3).keys[0]!.key;
    const bound = bind(methodOf("say"), "authenticate", { credentials: ticketFor(both, { sessionKey }) });
    const at = (peerAddress: string) => () =>
      admit(
        policyOf({ permittedEtypes: permitted }),
        both,
        proofOf(bound),
        received(bound, { peerAddress }),
        NOW,
      );
    expect(at("127.0.0.1")().caller.principal).toBe(ALICE);
    expect(refusalOf(at("192.0.2.1"))).toMatchObject({ reason: "KDC_ERR_ETYPE_NOSUPP" });
  });
});

describe("the floor of protection", () => {
  const rows = PROTECTIONS.flatMap((floor) => PROTECTIONS.map((protection) => ({ floor, protection })));
  test.each(rows)("$floor, of a call at $protection", ({ floor, protection }) => {
    const bound = bind(methodOf("say"), protection);
    const judge = () => admit(policyOf({ floor }), KEYS, proofOf(bound), received(bound), NOW);
    const level = (name: Protection) => PROTECTIONS.indexOf(name);
    if (level(protection) >= level(floor)) expect(judge().caller.protection).toBe(protection);
    else
      expect(refusalOf(judge)).toMatchObject({
        reason: "KDC_ERR_POLICY",
        message:
          `the service asks for protection ${floor} at least, the call has ${protection}: ` +
          `set protection of ticketInterceptor, or call --protection ${floor}`,
        details: { rule: "protection", floor, protection, client: ALICE },
      });
  });
});

describe("a client's certificate", () => {
  const certificate = { subject: { CN: "alice" } } as PeerCertificate;

  test("is shown with the caller, where somebody asks", () => {
    const bindClientCertificate = vi.fn(() => true);
    const bound = bind();
    admit(policyOf({ bindClientCertificate }), KEYS, proofOf(bound), received(bound, { certificate }), NOW);
    expect(bindClientCertificate.mock.calls).toEqual([[ALICE, certificate]]);
  });

  test.each<[string, PeerCertificate | undefined, unknown, string]>([
    ["of another", certificate, false, "a client certificate of somebody else"],
    ["that only seems to be agreed to", certificate, "yes", "a client certificate of somebody else"],
    ["that is missing", undefined, true, "no client certificate"],
  ])("%s is refused", (_, shown, answer, what) => {
    const bound = bind();
    const policy = policyOf({ bindClientCertificate: () => answer as boolean });
    const judge = () => admit(policy, KEYS, proofOf(bound), received(bound, { certificate: shown }), NOW);
    expect(refusalOf(judge)).toMatchObject({
      reason: "KRB_AP_ERR_BADMATCH",
      message: `${ALICE} calls with ${what}`,
      details: { compared: "certificate", client: ALICE },
    });
  });
});

test("a ticket for certain addresses is good from these alone", () => {
  const credentials = ticketFor(KEYS, { addresses: ["192.0.2.1"] });
  const at = (peerAddress: string | undefined) => () => {
    const bound = bind(methodOf("say"), "authenticate", { credentials });
    return admit(policyOf(), KEYS, proofOf(bound), received(bound, { peerAddress }), NOW);
  };
  expect(at("192.0.2.1")().caller.principal).toBe(ALICE);
  for (const peer of ["192.0.2.2", undefined])
    expect(refusalOf(at(peer))).toMatchObject({ reason: "KRB_AP_ERR_BADADDR" });
});

test("clocks may be apart by the skew of the policy, and by no millisecond more", () => {
  const bound = bind();
  const at = (now: number) => () =>
    admit(policyOf({ clockSkew: 1_000 }), KEYS, proofOf(bound), received(bound), now);
  expect(at(NOW + 1_000)().caller.principal).toBe(ALICE);
  expect(refusalOf(at(NOW + 1_001))).toMatchObject({
    reason: "KRB_AP_ERR_SKEW",
    details: { limit_ms: "1000" },
  });
});

test("tickets are opened as the policy says, with the keys and the types of the moment", () => {
  const opener = vi.fn(openTicket);
  const bound = bind();
  const proof = proofOf(bound);
  admit(policyOf({ openTicket: opener }), KEYS, proof, received(bound), NOW);
  expect(opener.mock.calls).toEqual([[(proof as ApReqProof).blobs.ticket, KEYS, STRONG, NOW]]);
});

test("authorization data is taken as the policy says", () => {
  const authorizationData = [{ type: 99, data: Uint8Array.of(1) }];
  const judge = (types: readonly number[]) => () => {
    const credentials = ticketFor(KEYS, { authorizationData });
    const bound = bind(methodOf("say"), "authenticate", { credentials });
    return admit(policyOf({ authorizationData: types }), KEYS, proofOf(bound), received(bound), NOW);
  };
  expect(judge([99])().caller.authorizationData).toEqual(authorizationData);
  expect(refusalOf(judge([98]))).toMatchObject({ reason: "KDC_ERR_POLICY" });
});

describe("a subkey is wiped", () => {
  const judge = (changes: Partial<AdmissionPolicy>, call: Partial<ReceivedCall> = {}) => {
    const bound = bind(methodOf("say"), "integrity");
    const wiped = vi.spyOn(Key.prototype, "wipe");
    const gate = new Gate(policyOf(changes));
    const peer = received(bound, call);
    const run = () => gate.admit(gate.look(proofOf(bound), KEYS, peer, NOW), KEYS, peer, peer, NOW);
    return { run, wiped };
  };

  test("when the call is refused for what its proof does not cover", () => {
    const { run, wiped } = judge({}, { requestStream: true, method: "/chat.v1.Chat/other" });
    const exported = vi.spyOn(Uint8Array.prototype, "fill");
    expect(refusalOf(run)).toMatchObject({ reason: "KRB_AP_ERR_MODIFIED" });
    expect(wiped).not.toHaveBeenCalled(); // it was no Key yet: the authenticator's own bytes are overwritten
    expect(exported.mock.contexts.map((bytes) => (bytes as Uint8Array).length)).toContain(32);
  });

  test.each<[string, Partial<AdmissionPolicy>, string | undefined]>([
    ["it is refused for its level", { floor: "privacy" }, "KDC_ERR_POLICY"],
    ["it is refused for its certificate", { bindClientCertificate: () => true }, "KRB_AP_ERR_BADMATCH"],
    ["it goes on", {}, undefined],
  ])("by whoever takes the admission, whether %s", (_, changes, reason) => {
    const { run, wiped } = judge(changes);
    const { messages, refusal } = run();
    expect(refusal?.reason).toBe(reason);
    expect(wiped).not.toHaveBeenCalled();
    messages.wipe();
    expect(wiped).toHaveBeenCalledTimes(1);
    const [key] = wiped.mock.contexts as [Key];
    expect(key.exportBytes()).toEqual(new Uint8Array(32));
  });
});
