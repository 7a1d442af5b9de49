/** What passes a guarded call, and that nothing does once it is over. */
import * as grpc from "@grpc/grpc-js";
import { afterEach, expect, test, vi } from "vitest";
import { makeSubkey } from "../../../src/protocol/ap-exchange.js";
import { makeCallApReq, type Protection } from "../../../src/protocol/call-binding.js";
import { etypeOf } from "../../../src/protocol/etypes.js";
import { Key, randomKey } from "../../../src/protocol/keys.js";
import { KrbError } from "../../../src/protocol/krb-error.js";
import { parsePrincipal } from "../../../src/protocol/principal.js";
import { makeTicket } from "../../../src/protocol/ticket.js";
import { AP_REQ_METADATA } from "../../../src/rpc/metadata-names.js";
import { GuardedServerCall } from "../../../src/services/guard/call.js";
import { readGuardOptions } from "../../../src/services/guard/config.js";
import type { ReplayCache } from "../../../src/store/replay-cache.js";

const NOW = Date.UTC(2026, 2, 1, 12);
const AUTHORITY = "api.example.test:443";
const REQUEST = Buffer.from("request");
const identity = (bytes: Buffer) => bytes;
const METHOD = {
  path: "/chat.v1.Chat/Say",
  requestStream: false,
  responseStream: false,
  requestDeserialize: identity,
  responseSerialize: identity,
};

const server = parsePrincipal("chat/api.example.test@TEST.EXAMPLE", "service");
const client = parsePrincipal("alice@TEST.EXAMPLE", "client");
const key = randomKey(etypeOf(20));
const service = { principal: server, keys: [{ kvno: 1, key }] };

/** Metadata with an AP-REQ for the call. */
function proof(protection: Protection): grpc.Metadata {
  const contents = {
    client,
    server,
    sessionKey: randomKey(etypeOf(20)),
    flags: [],
    authtime: NOW,
    starttime: NOW,
    endtime: NOW + 1_000,
    renewTill: undefined,
    addresses: [],
    authorizationData: [],
  };
  const credentials = {
    ...contents,
    key: contents.sessionKey,
    ticket: makeTicket(contents, service.keys[0]!),
  };
  const facts = { method: METHOD.path, authority: AUTHORITY, protection, request: REQUEST };
  const fresh = { subkey: makeSubkey(credentials.key), seqNumber: 1 };
  const metadata = new grpc.Metadata();
  const { bytes } = makeCallApReq(credentials, facts, protection === "authenticate" ? undefined : fresh, NOW);
  metadata.set(AP_REQ_METADATA, Buffer.from(bytes));
  return metadata;
}

/** A guarded call between a wire and a handler that write down what reaches them. */
function openCall(store: ReplayCache["store"]) {
  const wire: string[] = [];
  const handler: string[] = [];
  const below = {
    handler: { serialize: identity, deserialize: identity },
    start: () => {},
    startRead: () => void wire.push("startRead"),
    sendMetadata: () => void wire.push("metadata"),
    sendMessage: () => void wire.push("message"),
    sendStatus: ({ code }: { code: grpc.status }) => void wire.push(grpc.status[code]),
    getPeer: () => "127.0.0.1:1",
    getHost: () => AUTHORITY,
    getDeadline: () => Number.POSITIVE_INFINITY,
    getAuthContext: () => ({}),
    getConnectionInfo: () => ({ remoteAddress: "127.0.0.1" }),
  } as unknown as grpc.ServerInterceptingCallInterface;
  const config = readGuardOptions({ keytab: () => service, replayCache: { store }, clock: () => NOW });
  const call = new GuardedServerCall(config, METHOD, below);
  call.start({
    onReceiveMetadata: () => void handler.push("metadata"),
    onReceiveMessage: () => void handler.push("message"),
    onReceiveHalfClose: () => void handler.push("halfClose"),
    onCancel: () => void handler.push("cancel"),
  });
  return { call, wire, handler };
}

afterEach(() => void vi.restoreAllMocks());

test("a call that is let in passes on, both ways", async () => {
  const { call, wire, handler } = openCall(async () => {});
  call.onReceiveMetadata(proof("authenticate"));
  call.onReceiveMessage(REQUEST);
  await vi.waitFor(() => expect(handler).toEqual(["metadata"]));
  call.startRead();
  call.onReceiveHalfClose();
  call.sendMessage(REQUEST, () => {});
  call.sendStatus({ code: grpc.status.OK, details: "" });
  expect(handler).toEqual(["metadata", "message", "halfClose"]);
  expect(wire).toEqual(["startRead", "metadata", "message", "OK"]);
});

test("a call that ends while its replay cache is asked goes no further, whatever the answer", async () => {
  const answers: { resolve(): void; reject(error: unknown): void }[] = [];
  const store = () => new Promise<void>((resolve, reject) => void answers.push({ resolve, reject }));
  for (const answer of ["resolve", "reject"] as const) {
    const { call, wire, handler } = openCall(store);
    call.onReceiveMetadata(proof("authenticate"));
    call.onReceiveMessage(REQUEST);
    await vi.waitFor(() => expect(answers).toHaveLength(1));
    call.onCancel();
    answers.pop()![answer](new KrbError("KRB_AP_ERR_REPEAT", "used before"));
    await new Promise(setImmediate);
    expect(handler).toEqual(["cancel"]);
    expect(wire).toEqual(["startRead"]);
  }
});

test("a call that is over passes nothing on, in either direction", async () => {
  const { call, wire, handler } = openCall(async () => {});
  call.onReceiveMetadata(proof("authenticate"));
  call.onReceiveMessage(REQUEST);
  await vi.waitFor(() => expect(handler).toEqual(["metadata"]));
  call.onCancel();
  wire.length = 0;
  call.onReceiveMetadata(proof("authenticate"));
  call.onReceiveMessage(REQUEST);
  call.onReceiveHalfClose();
  call.sendMetadata(new grpc.Metadata());
  call.sendMessage(REQUEST, () => {});
  call.sendStatus({ code: grpc.status.OK, details: "" });
  call.giveUp(new KrbError("KDC_ERR_SVC_UNAVAILABLE", "late"));
  await new Promise(setImmediate);
  expect(handler).toEqual(["metadata", "cancel"]);
  expect(wire).toEqual([]);
});

test("a subkey is wiped when its call is refused at the last check", async () => {
  const wipe = vi.spyOn(Key.prototype, "wipe");
  const refused = openCall(() => Promise.reject(new KrbError("KRB_AP_ERR_REPEAT", "used before")));
  refused.call.onReceiveMetadata(proof("integrity"));
  refused.call.onReceiveMessage(REQUEST);
  await vi.waitFor(() => expect(refused.wire).toEqual(["startRead", "UNAUTHENTICATED"]));
  await new Promise(setImmediate);
  expect(wipe).toHaveBeenCalledTimes(1);
});
