/** What the KDC's services overwrite when they have answered: SECURITY.md, "Memory". */
import * as grpc from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { makeApReq } from "../../src/protocol/ap-exchange.js";
import { makeAsReq, openAsRep } from "../../src/protocol/as-exchange.js";
import { TGS_USE } from "../../src/protocol/authenticator.js";
import { type Key, randomKey } from "../../src/protocol/keys.js";
import { makeTgsReq, openTgsRep } from "../../src/protocol/tgs-exchange.js";
import type { HandlerContext } from "../../src/rpc/server-runtime.js";
import { authenticationService } from "../../src/services/as.js";
import { ticketGrantingService } from "../../src/services/tgs.js";
import { LoginAttempts } from "../../src/store/attempts/login-attempts.js";
import { keyOf, makeRealm, NOW, principalsBy } from "../support/entries.js";
import { type Contents, wipedBy } from "../support/wiped.js";

const realm = makeRealm(20);
const entries = new Map([realm.alice, realm.krbtgt, realm.service].map((entry) => [entry.principal, entry]));
const config = {
  principals: principalsBy(async (principal) => entries.get(principal)),
  attempts: LoginAttempts.inMemory("secret"),
  policy: realm.policy,
  clock: () => NOW,
  log: () => {},
};
const context = () =>
  ({
    metadata: new grpc.Metadata(),
    headers: new grpc.Metadata(),
    trailers: new grpc.Metadata(),
    peer: "127.0.0.1:1",
  }) as HandlerContext;

function times(wiped: readonly Contents[], key: Key): number {
  const bytes = key.exportBytes();
  return wiped.filter((contents) => Buffer.compare(Buffer.from(contents), bytes) === 0).length;
}

// In the pool of random bytes, taken from it, in the ticket, in the reply, and the key itself.
const COPIES = 5;

test("the AS and the TGS keep no copy of a session key they made", async () => {
  const key = keyOf(realm.alice);
  const asked = makeAsReq(realm.alice.principal, { etypes: [20] }, key, NOW);
  let response: Awaited<ReturnType<ReturnType<typeof authenticationService>["authenticate"]>> | undefined;
  const atAs = await wipedBy(async () => {
    response = await authenticationService(config).authenticate(asked, context());
  });
  const { credentials: tgt } = openAsRep(response as never, asked, key, NOW);
  expect(times(atAs, tgt.key)).toBe(COPIES);

  const { request, pending } = makeTgsReq(tgt, realm.service.principal, { etypes: [20] }, NOW);
  let granted: Awaited<ReturnType<ReturnType<typeof ticketGrantingService>["grantTicket"]>> | undefined;
  const atTgs = await wipedBy(async () => {
    granted = await ticketGrantingService(config).grantTicket(request, context());
  });
  const { credentials } = openTgsRep(granted as never, pending, NOW);
  expect(times(atTgs, credentials.key)).toBe(COPIES);
  // Of the TGT's own session key only what the ticket held: the key itself is the ticket cache's.
  expect(times(atTgs, tgt.key)).toBe(1);
});

test("the TGS wipes the client's subkey, whether it answers or refuses", async () => {
  const asked = makeAsReq(realm.alice.principal, { etypes: [20] }, keyOf(realm.alice), NOW);
  const answered = await authenticationService(config).authenticate(asked, context());
  const { credentials: tgt } = openAsRep(answered as never, asked, keyOf(realm.alice), NOW);
  const { request } = makeTgsReq(tgt, realm.service.principal, { etypes: [20] }, NOW);
  const fresh = { subkey: randomKey(keyOf(realm.alice).etype), seqNumber: 0 };
  const { blobs } = makeApReq(tgt, TGS_USE, request.body, fresh, NOW);
  let known = true;
  const get = async (principal: (typeof realm.alice)["principal"]) =>
    known || principal === realm.krbtgt.principal ? entries.get(principal) : undefined;
  const service = ticketGrantingService({ ...config, principals: principalsBy(get) });
  const grant = () => service.grantTicket({ ...request, ...blobs }, context());
  // In the authenticator, and in the key itself and what it is made ready for.
  expect(times(await wipedBy(grant), fresh.subkey)).toBe(3);
  known = false;
  const refused = await wipedBy(() =>
    expect(grant()).rejects.toMatchObject({ reason: "KDC_ERR_CLIENT_REVOKED" }),
  );
  expect(times(refused, fresh.subkey)).toBe(3);
});
