import * as grpc from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { TicketFlag } from "../../../src/gen/kerberos/v1/sealed_pb.js";
import type { AuthorizationElement } from "../../../src/protocol/authorization-data.js";
import { etypeOf } from "../../../src/protocol/etypes.js";
import { randomKey } from "../../../src/protocol/keys.js";
import { parsePrincipal } from "../../../src/protocol/principal.js";
import type { TicketContents } from "../../../src/protocol/ticket.js";
import { callerOf, callerWith, setCaller } from "../../../src/services/guard/caller.js";

const NONE: readonly AuthorizationElement[] = [];
const ticket: TicketContents = {
  client: parsePrincipal("alice@TEST.EXAMPLE", "client"),
  server: parsePrincipal("orders/api.example.test@TEST.EXAMPLE", "service"),
  sessionKey: randomKey(etypeOf(20)),
  flags: [TicketFlag.RENEWABLE],
  authtime: 1,
  starttime: 2,
  endtime: 3,
  renewTill: 4,
  addresses: [],
  authorizationData: [],
};

test("a caller is what the ticket says, without its key", () => {
  const { client, server, sessionKey, addresses, ...same } = ticket;
  expect(callerWith(ticket, NONE, "privacy")).toEqual({
    ...same,
    principal: client,
    service: server,
    protection: "privacy",
  });
});

test("a handler can't change who calls next", () => {
  const caller = callerWith(ticket, NONE, "authenticate");
  expect(() => Object.assign(caller, { principal: "eve@TEST.EXAMPLE" })).toThrow(TypeError);
  expect(() => (caller.flags as TicketFlag[]).push(TicketFlag.INITIAL)).toThrow(TypeError);
  expect(callerWith(ticket, NONE, "authenticate")).toEqual(caller);
  expect(ticket.flags).toEqual([TicketFlag.RENEWABLE]);
});

test("nor what its ticket carries: each call has its own authorization data", () => {
  const carrying = { ...ticket, authorizationData: [{ type: 99, data: Uint8Array.of(1, 2) }] };
  callerWith(carrying, carrying.authorizationData, "authenticate").authorizationData[0]!.data.fill(0);
  const { authorizationData } = callerWith(carrying, carrying.authorizationData, "authenticate");
  expect(authorizationData).toEqual([{ type: 99, data: Uint8Array.of(1, 2) }]);
  expect(() => Object.assign(authorizationData[0]!, { type: 1 })).toThrow(TypeError);
});

test("callers of one ticket at different protections are different", () => {
  expect(callerWith(ticket, NONE, "integrity").protection).toBe("integrity");
  expect(callerWith(ticket, NONE, "authenticate").protection).toBe("authenticate");
});

test("a caller stays with the metadata it was given to, and travels with no header", () => {
  const metadata = new grpc.Metadata();
  const caller = callerWith(ticket, NONE, "authenticate");
  setCaller(metadata, caller);
  expect(callerOf({ metadata })).toBe(caller);
  expect(metadata.toHttp2Headers()).toEqual({});
  expect(() => callerOf({ metadata: metadata.clone() })).toThrow(TypeError);
});
