/** A login, a ticket and a sealed call with no socket in between: the client over a transport of its own. */
import * as grpc from "@grpc/grpc-js";
import { afterAll, describe, expect, test } from "vitest";
import { KerberosClient } from "../../src/client/kerberos-client.js";
import { addApplicationService } from "../../src/gen/kerberos/v1/application_service_grpc.js";
import { addAuthenticationService } from "../../src/gen/kerberos/v1/authentication_service_grpc.js";
import { WhoAmIRequestSchema, WhoAmIResponseSchema } from "../../src/gen/kerberos/v1/operations_pb.js";
import { addTicketGrantingService } from "../../src/gen/kerberos/v1/ticket_granting_service_grpc.js";
import { passwordPrincipal } from "../../src/protocol/new-principal.js";
import { principalInRealm } from "../../src/protocol/principal.js";
import { createMemoryRealm } from "../../src/realm/create-realm.js";
import type { Transport } from "../../src/rpc/transport.js";
import { authenticationService } from "../../src/services/as.js";
import { ticketGrantingService } from "../../src/services/tgs.js";
import { applicationService } from "../../src/services/v.js";
import { openMemoryStore } from "../../src/store/memory-store.js";
import { NotesStore } from "../../src/store/notes-store.js";
import { MemoryReplayCache } from "../../src/store/replay/memory-replay-cache.js";
import { Dispatcher } from "../simulation/dispatcher.mjs";

const NOW = Date.UTC(2030, 0, 1);
const clock = () => NOW;
const log = () => {};

describe("over a transport without sockets", async () => {
  const realm = await createMemoryRealm({ realm: "TEST.EXAMPLE", profile: "standard" }, {}, NOW);
  const { principals, policy } = realm;
  const alice = principalInRealm("alice", policy.realm);
  await principals.create(await passwordPrincipal(alice, "secret", policy.keyEtypes, NOW, policy.iterations));
  const v = (await principals.get(principalInRealm("v/localhost", policy.realm)))!;
  const { clockSkew, permittedEtypes } = policy;
  const replayCache = new MemoryReplayCache({ skew: clockSkew, startedAt: NOW, restart: "fresh" });
  const dispatcher = new Dispatcher();
  const kdc = { principals, attempts: await realm.attempts(), policy, clock, log, replayCache };
  addAuthenticationService(dispatcher, authenticationService(kdc));
  addTicketGrantingService(dispatcher, ticketGrantingService(kdc));
  const notes = new NotesStore(openMemoryStore());
  const serviceKeys = () => v;
  addApplicationService(
    dispatcher,
    applicationService({ serviceKeys, permittedEtypes, clockSkew, replayCache, notes, clock, log }),
  );
  const called: string[] = [];
  const transport = (address: string): Transport => ({
    async unary(method, request, { metadata = new grpc.Metadata() }) {
      called.push(`${address}${method}`);
      const call = { method, request, metadata, peer: "127.0.0.1:1", authority: address };
      const { status, response } = await dispatcher.unary(call);
      if (status) throw status;
      return response;
    },
    close: () => void called.push(`${address} closed`),
  });
  const client = new KerberosClient({ kdc: { as: "as:1", tgs: "tgs:1" }, transport, clock });
  afterAll(() => realm.close());

  test("a client logs in, gets its ticket and is answered, by one transport for each address", async () => {
    await client.login(alice, "secret");
    const whoAmI = { request: WhoAmIRequestSchema, response: WhoAmIResponseSchema };
    const answer = await client.access({ principal: v.principal, address: "v:1" }, whoAmI, {});
    expect(answer.client).toBe(alice);
    client.close();
    expect(called).toEqual([
      "as:1/kerberos.v1.AuthenticationService/Authenticate",
      "tgs:1/kerberos.v1.TicketGrantingService/GrantTicket",
      "v:1/kerberos.v1.ApplicationService/Access",
      "as:1 closed",
      "tgs:1 closed",
      "v:1 closed",
    ]);
  });

  test("what belongs to grpc-js is refused beside a transport", () => {
    const text = "credentials and interceptors go with grpc-js, not with a transport";
    const credentials = grpc.credentials.createInsecure();
    expect(() => new KerberosClient({ transport, credentials })).toThrow(TypeError);
    expect(() => new KerberosClient({ transport, credentials })).toThrow(text);
    expect(() => new KerberosClient({ transport, interceptors: [] })).toThrow(text);
  });
});
