/**
 * Guarded calls that no client would make, on a real socket: of all four kinds, at every level of protection,
 * with an AP-REQ or under a session; altered in clear, and beneath the seal by a holder of the key. The rule:
 * a named refusal, never INTERNAL, UNKNOWN or a hang; nobody is let in by a proof that means anything else;
 * and what is protected reaches the handler as it was sent, or not at all.
 */
import { fromBinary } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ApReqSchema } from "../../src/gen/kerberos/v1/application_service_pb.js";
import { EncryptedDataSchema } from "../../src/gen/kerberos/v1/encryption_pb.js";
import { PROTECTIONS, type Protection } from "../../src/protocol/call-binding.js";
import { KeyUsage } from "../../src/protocol/key-usage.js";
import type { Key } from "../../src/protocol/keys.js";
import { REQUESTS } from "../../src/protocol/message-keys.js";
import { MessageProtector } from "../../src/protocol/message-protection.js";
import { AP_REQ_METADATA, CALL_METADATA } from "../../src/rpc/metadata-names.js";
import { guard } from "../../src/services/guard/interceptor.js";
import { isAcceptable, isSameSealed, isSameTicket } from "../hostile/acceptable.js";
import { edited, edits } from "../hostile/edits.js";
import { CALLS, PATIENCE, triedCalls } from "../hostile/runs.js";
import { bind, KEYS, methodOf, NOW, type Sent, ticketFor } from "../services/guard/by-hand.js";
import { bindUnder, type ClientSession, sessionIn } from "../services/guard/session-by-hand.js";
import { sizeOfReply, Wire, type WireReply } from "../support/wire.js";
import { bytesField, joinFields, splitFields, varintField } from "../support/wire-fields.js";

/** Runs of each property: six of them call each method. */
const RUNS = Math.ceil(CALLS / 6);
const SKEW = 300_000;
const AUTHORITY = "127.0.0.1";
const KINDS = ["say", "list", "join", "talk"] as const;
const TEXTS = ["<one>", "<two>"];

/** Codes that a refusal may have. Anything else is the service's fault. */
const REFUSALS = ["INVALID_ARGUMENT", "UNAUTHENTICATED", "PERMISSION_DENIED", "FAILED_PRECONDITION"];

/** What reached the handlers since it was last looked at. */
let handled: Buffer[] = [];
let server: grpc.Server;
let wire: Wire;
let session: ClientSession;
/** Counts up: each number of a session is good once. */
let number = 0;

beforeAll(async () => {
  const store = { store: async () => {} };
  const guarded = guard({
    keytab: () => KEYS,
    replayCache: store,
    sessions: true,
    protection: "call",
    clock: () => NOW,
    uptime: () => 1_000,
    log: () => {},
  });
  server = new grpc.Server({ interceptors: [guarded] });
  const codec = (bytes: Buffer) => bytes;
  const codecs = {
    requestSerialize: codec,
    requestDeserialize: codec,
    responseSerialize: codec,
    responseDeserialize: codec,
  };
  const definition = Object.fromEntries(
    KINDS.map((kind) => {
      const { path, requestStream, responseStream } = methodOf(kind);
      return [kind, { path, requestStream, responseStream, ...codecs }];
    }),
  );
  const keep = (call: NodeJS.EventEmitter, ended: () => void) => {
    call.on("data", (message: Buffer) => void handled.push(message));
    call.on("error", () => {});
    call.on("end", ended);
  };
  server.addService(definition, {
    say: (call: grpc.ServerUnaryCall<Buffer, Buffer>, callback: grpc.sendUnaryData<Buffer>) => {
      handled.push(call.request);
      callback(null, call.request);
    },
    list: (call: grpc.ServerWritableStream<Buffer, Buffer>) => {
      handled.push(call.request);
      call.end();
    },
    join: (call: grpc.ServerReadableStream<Buffer, Buffer>, callback: grpc.sendUnaryData<Buffer>) =>
      keep(call, () => callback(null, Buffer.from("<joined>"))),
    talk: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => keep(call, () => call.end()),
  });
  const port = await new Promise<number>((resolve, reject) => {
    const done = (error: Error | null, bound: number) => (error ? reject(error) : resolve(bound));
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), done);
  });
  wire = new Wire(`127.0.0.1:${port}`);
  const bound = bind(methodOf("say"), "authenticate", {
    authority: AUTHORITY,
    extensions: { asksForSession: true },
  });
  const { headers } = await send(bound);
  session = sessionIn(bound, [["metadata", headers]])!;
});

afterAll(() => {
  wire.close();
  server.forceShutdown();
});

/** The same server still serves, by a proof and under a session. */
afterEach(async () => {
  for (const sent of [exchange("say", "authenticate"), underSession("say", "authenticate")])
    expect((await send(sent)).code).toBe("OK");
});

type Kind = (typeof KINDS)[number];

/** A good call with a new AP-REQ. */
function exchange(kind: Kind, protection: Protection, options: Parameters<typeof bind>[2] = {}) {
  return bind(methodOf(kind), protection, { authority: AUTHORITY, text: TEXTS[0]!, ...options });
}

/** A good call under the session. */
function underSession(kind: Kind, protection: Protection, alter?: (bytes: Uint8Array) => Uint8Array): Sent {
  number += 1;
  const common = { number, protection, method: methodOf(kind), authority: AUTHORITY, text: TEXTS[0]! };
  return bindUnder(session, alter === undefined ? common : { ...common, alter });
}

/** The call's messages as they travel: one, or a stream of two and, where it is protected, its end. */
function messagesOf({ method, request, protector }: Sent): Buffer[] {
  if (!method.requestStream) return [request];
  if (protector === undefined) return TEXTS.map((text) => Buffer.from(text));
  const sealed = TEXTS.map((text) => protector.protect(Buffer.from(text)));
  return [...sealed, protector.end()].map((bytes) => Buffer.from(bytes));
}

/** What the handler gets of a good call. */
function textsOf({ method }: Sent): string[] {
  return method.requestStream ? TEXTS : TEXTS.slice(0, 1);
}

/** Sends a call, and holds its end to the rule. */
async function send(sent: Sent, messages: readonly Uint8Array[] = messagesOf(sent)): Promise<WireReply> {
  handled = [];
  const { method, metadata } = sent;
  const reply =
    method.requestStream || method.responseStream
      ? await wire.stream(method.path, messages, { metadata })
      : await wire.call(method.path, messages[0]!, metadata);
  if (reply.code === "OK") return reply;
  const shown = `${reply.code} ${reply.reason} "${reply.text}"`;
  expect(REFUSALS, shown).toContain(reply.code);
  expect(reply.domain, shown).toBe("tessera");
  return reply;
}

/** The call with other bytes as its proof. */
function withProof(sent: Sent, name: string, ...proofs: readonly Uint8Array[]): Sent {
  const metadata = sent.metadata.clone();
  metadata.remove(name);
  for (const proof of proofs) metadata.add(name, Buffer.from(proof));
  return { ...sent, metadata };
}

function proofIn(sent: Sent, name: string): Buffer {
  return sent.metadata.get(name)[0] as Buffer;
}

/** Whether an altered AP-REQ says the same. */
function isSameApReq(altered: Uint8Array, good: Uint8Array): boolean {
  const [one, other] = [altered, good].map((bytes) => fromBinary(ApReqSchema, bytes));
  return (
    isSameSealed(one!.authenticator, other!.authenticator) &&
    isSameTicket(one!.ticket, other!.ticket) &&
    one!.protection === other!.protection &&
    !one!.extensions.some(({ critical }) => critical)
  );
}

const protections = fc.constantFrom(...PROTECTIONS);

describe.each(KINDS)("%s", (kind) => {
  test.each(PROTECTIONS)("a good call at %s is let in, with an AP-REQ and under a session", async (level) => {
    for (const sent of [exchange(kind, level), underSession(kind, level)]) {
      expect((await send(sent)).code).toBe("OK");
      expect(handled.map(String)).toEqual(textsOf(sent));
    }
  });

  test("any bytes as its proof", { timeout: PATIENCE }, async () => {
    const property = fc.asyncProperty(
      protections,
      fc.constantFrom(AP_REQ_METADATA, CALL_METADATA),
      fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 2 }),
      async (protection, name, proofs) => {
        const good = exchange(kind, protection);
        const altered = withProof(withProof(good, AP_REQ_METADATA), name, ...proofs);
        expect((await send(altered)).code).not.toBe("OK");
        expect(handled).toEqual([]);
      },
    );
    await triedCalls(`${kind}, any bytes as its proof`, property, RUNS);
  });

  test("an AP-REQ altered", { timeout: PATIENCE }, async () => {
    const property = fc.asyncProperty(protections, edits, async (protection, changes) => {
      const good = exchange(kind, protection);
      const apReq = edited(good.apReq, changes);
      const reply = await send(withProof(good, AP_REQ_METADATA, apReq), messagesOf(good));
      const shown = `${reply.code} "${reply.text}" for ${Buffer.from(apReq).toString("hex")}`;
      expect(sizeOfReply(reply), shown).toBeLessThanOrEqual(4 * apReq.length + 4096);
      if (reply.code === "OK") expect(isSameApReq(apReq, good.apReq), shown).toBe(true);
      else expect(handled, shown).toEqual([]);
    });
    await triedCalls(`${kind}, an AP-REQ altered`, property, RUNS);
  });

  test("an authenticator or a ticket altered and sealed again", { timeout: PATIENCE }, async () => {
    const property = fc.asyncProperty(protections, fc.boolean(), edits, async (level, isTicket, changes) => {
      const credentials = ticketFor();
      const good = exchange(kind, level, { credentials });
      const [ticket, authenticator] = splitFields(good.apReq);
      const [name, encPart] = splitFields(ticket!.value!);
      const sealed = isTicket ? encPart!.value! : authenticator!.value!;
      const key = isTicket ? KEYS.keys[0]!.key : credentials.key;
      const usage = isTicket ? KeyUsage.TICKET : KeyUsage.AP_REQ_AUTHENTICATOR;
      const original = opened(key, usage, sealed);
      const plaintext = edited(original, changes);
      const again = resealed(key, usage, sealed, plaintext);
      const parts = isTicket
        ? [bytesField(1, joinFields([name!, bytesField(2, again)])), authenticator!]
        : [ticket!, bytesField(2, again)];
      const apReq = joinFields([...parts, ...splitFields(good.apReq).slice(2)]);
      const reply = await send(withProof(good, AP_REQ_METADATA, apReq), messagesOf(good));
      const shown = `${reply.code} "${reply.text}" for ${Buffer.from(plaintext).toString("hex")}`;
      if (reply.code === "OK") expect(isAcceptable(plaintext, original, NOW, SKEW), shown).toBe(true);
    });
    await triedCalls(`${kind}, sealed again`, property, RUNS);
  });

  test("a session's proof altered", { timeout: PATIENCE }, async () => {
    const property = fc.asyncProperty(protections, edits, async (protection, changes) => {
      const good = underSession(kind, protection);
      const proof = proofIn(good, CALL_METADATA);
      const altered = edited(proof, changes);
      const reply = await send(withProof(good, CALL_METADATA, altered), messagesOf(good));
      if (reply.code === "OK") expect(Buffer.compare(altered, proof)).toBe(0);
      else expect(handled).toEqual([]);
    });
    await triedCalls(`${kind}, a session's proof altered`, property, RUNS);
  });

  test("its messages altered, by somebody on the way", { timeout: PATIENCE }, async () => {
    const property = fc.asyncProperty(
      fc.boolean(),
      // At `call` a request is whatever comes.
      fc.constantFrom(...PROTECTIONS.filter((level) => level !== "call")),
      fc.nat(2),
      edits,
      async (isUnderSession, protection, at, changes) => {
        const good = isUnderSession ? underSession(kind, protection) : exchange(kind, protection);
        const messages = messagesOf(good);
        const index = at % messages.length;
        const altered = messages.with(index, Buffer.from(edited(messages[index]!, changes)));
        const reply = await send(good, altered);
        if (reply.code === "OK") expect(Buffer.concat(altered)).toEqual(Buffer.concat(messages));
        const texts = textsOf(good);
        expect(texts.slice(0, handled.length)).toEqual(handled.map(String));
      },
    );
    await triedCalls(`${kind}, its messages altered`, property, RUNS);
  });

  test("its messages of other contents, protected by the caller itself", { timeout: PATIENCE }, async () => {
    const contents = fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 3 });
    const property = fc.asyncProperty(protections, contents, async (protection, texts) => {
      const credentials = ticketFor();
      const good = exchange(kind, protection, { credentials });
      const { method, keys } = good;
      if (!method.requestStream) {
        const text = Buffer.from(texts[0] ?? []).toString("latin1");
        expect((await send(exchange(kind, protection, { text }))).code).toBe("OK");
        expect(handled.map(String)).toEqual([text]);
        return;
      }
      const protector =
        keys === undefined || good.protector === undefined
          ? undefined
          : new MessageProtector(REQUESTS, keys, protection);
      const sent = texts.map((text) => Buffer.from(protector?.protect(text) ?? text));
      if (protector !== undefined) sent.push(Buffer.from(protector.end()));
      expect((await send(good, sent)).code).toBe("OK");
      expect(handled.map((bytes) => bytes.toString("hex"))).toEqual(
        texts.map((bytes) => Buffer.from(bytes).toString("hex")),
      );
    });
    await triedCalls(`${kind}, other contents`, property, RUNS);
  });
});

/** The plaintext of an EncryptedData. */
function opened(key: Key, usage: number, sealed: Uint8Array): Uint8Array {
  return key.cipher.decrypt(usage, fromBinary(EncryptedDataSchema, sealed).cipher);
}

/** Another plaintext in its place. */
function resealed(key: Key, usage: number, sealed: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const { etype, kvno } = fromBinary(EncryptedDataSchema, sealed);
  return joinFields([
    varintField(1, etype),
    ...(kvno > 0 ? [varintField(2, kvno)] : []),
    bytesField(3, key.cipher.encrypt(usage, plaintext)),
  ]);
}
