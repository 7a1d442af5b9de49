/**
 * Input that no client would send, at the RPCs that anyone may call: health and reflection. The rule: a named
 * refusal, never INTERNAL, UNKNOWN, a hang or a dead server; and whoever asks something is told the truth.
 */
import { type DescMessage, equals, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  HealthCheckRequestSchema,
  HealthCheckResponse_ServingStatus,
  HealthCheckResponseSchema,
  HealthListRequestSchema,
  HealthListResponseSchema,
} from "../../src/gen/grpc/health/v1/health_pb.js";
import {
  ServerReflectionRequestSchema,
  ServerReflectionResponseSchema,
} from "../../src/gen/grpc/reflection/v1/reflection_pb.js";
import { MAX_MESSAGE_BYTES } from "../../src/rpc/server-options.js";
import { edited, edits } from "../hostile/edits.js";
import { PATIENCE, PUBLIC_CALLS, triedCalls } from "../hostile/runs.js";
import { startRealm, type TestRealm } from "../support/realm.js";
import { sizeOfReply, Wire, type WireReply } from "../support/wire.js";
import { bytesField, joinFields, varintField } from "../support/wire-fields.js";

const HEALTH = "/grpc.health.v1.Health/";
const { SERVING, SERVICE_UNKNOWN } = HealthCheckResponse_ServingStatus;

const SERVERS = ["AS", "TGS", "V"] as const;
const SERVICES = {
  AS: "kerberos.v1.AuthenticationService",
  TGS: "kerberos.v1.TicketGrantingService",
  V: "kerberos.v1.ApplicationService",
};
const REFLECTION = ["grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"];

let realm: TestRealm;
let wires: Record<(typeof SERVERS)[number], Wire>;

const dial = {
  AS: () => new Wire(realm.kdc.as),
  TGS: () => new Wire(realm.kdc.tgs),
  V: () => new Wire(realm.v.address),
};

beforeAll(async () => {
  realm = await startRealm();
  wires = { AS: dial.AS(), TGS: dial.TGS(), V: dial.V() };
});

/** Calls a server by a new connection from now on. */
function renewWire(server: (typeof SERVERS)[number]): void {
  wires[server].close();
  wires[server] = dial[server]();
}

afterAll(async () => {
  for (const wire of Object.values(wires)) wire.close();
  await realm.close();
});

/** Health requests, good and nearly good: for a service of the server's, or for another's. */
const names = fc.constantFrom("", ...Object.values(SERVICES), "grpc.health.v1.Health", "__proto__");
const healthRequests = fc.oneof(
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(names, edits)
      .map(([service, changes]) => edited(bytesField(1, Buffer.from(service)).raw, changes)),
  },
  { weight: 1, arbitrary: names.map((service) => bytesField(1, Buffer.from(service)).raw) },
);

/** Questions to reflection. */
const symbols = fc.constantFrom(
  ...Object.values(SERVICES),
  "kerberos.v1.Ticket",
  "kerberos/v1/sealed.proto",
  "google.protobuf.FieldOptions",
  "constructor",
  "",
);
const questions = fc.oneof(
  fc
    .record({ number: fc.constantFrom(3, 4, 6, 7), text: symbols })
    .map(({ number, text }) =>
      joinFields([bytesField(1, Buffer.from("localhost")), bytesField(number, Buffer.from(text))]),
    ),
  fc
    .record({ text: symbols, extension: fc.nat() })
    .map(({ text, extension }) =>
      joinFields([bytesField(5, joinFields([bytesField(1, Buffer.from(text)), varintField(2, extension)]))]),
    ),
);
const reflectionRequests = fc.oneof(
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) },
  { weight: 3, arbitrary: fc.tuple(questions, edits).map(([good, changes]) => edited(good, changes)) },
  { weight: 1, arbitrary: questions },
);

/** The message that bytes are, or undefined if they are none. */
function read<S extends DescMessage>(schema: S, bytes: Uint8Array): MessageShape<S> | undefined {
  try {
    return fromBinary(schema, bytes);
  } catch {
    return undefined;
  }
}

/** Expects the refusal of bytes that are no message. */
function expectMalformed(reply: WireReply, shown: string): void {
  expect(reply, shown).toMatchObject({
    code: "INVALID_ARGUMENT",
    reason: "KRB_ERR_GENERIC",
    domain: "tessera",
  });
}

describe.each(SERVERS)("health at the %s", (server) => {
  /** A third of the calls of each RPC at each server. */
  const runs = Math.ceil(PUBLIC_CALLS / SERVERS.length);
  const known = ["", SERVICES[server]];

  test("Check", { timeout: PATIENCE }, async () => {
    const property = fc.asyncProperty(healthRequests, async (bytes) => {
      const reply = await wires[server].call(`${HEALTH}Check`, bytes);
      const shown = `${reply.code} "${reply.text}" for ${Buffer.from(bytes).toString("hex")}`;
      const asked = read(HealthCheckRequestSchema, bytes);
      expect(sizeOfReply(reply), shown).toBeLessThanOrEqual(4 * bytes.length + 4096);
      if (asked === undefined) expectMalformed(reply, shown);
      else if (!known.includes(asked.service)) expect(reply.code, shown).toBe("NOT_FOUND");
      else expect(fromBinary(HealthCheckResponseSchema, reply.message!).status, shown).toBe(SERVING);
    });
    await triedCalls(`health at the ${server}, Check`, property, runs);
  });

  test("List", { timeout: PATIENCE }, async () => {
    const property = fc.asyncProperty(healthRequests, async (bytes) => {
      const reply = await wires[server].call(`${HEALTH}List`, bytes);
      const shown = `${reply.code} "${reply.text}" for ${Buffer.from(bytes).toString("hex")}`;
      expect(sizeOfReply(reply), shown).toBeLessThanOrEqual(4 * bytes.length + 4096);
      if (read(HealthListRequestSchema, bytes) === undefined) return expectMalformed(reply, shown);
      const { statuses } = fromBinary(HealthListResponseSchema, reply.message!);
      expect(Object.keys(statuses).sort(), shown).toEqual(known);
    });
    await triedCalls(`health at the ${server}, List`, property, runs);
  });

  test("Watch", { timeout: PATIENCE }, async () => {
    let calls = 0;
    const property = fc.asyncProperty(healthRequests, async (bytes) => {
      // Each Watch that is given up is a reset, and a connection with a thousand of them is closed.
      if (++calls % 500 === 0) renewWire(server);
      const reply = await wires[server].stream(`${HEALTH}Watch`, [bytes], { most: 1 });
      const shown = `${reply.code} "${reply.text}" for ${Buffer.from(bytes).toString("hex")}`;
      const asked = read(HealthCheckRequestSchema, bytes);
      if (asked === undefined) return expectMalformed(reply, shown);
      const [told] = reply.messages.map((message) => fromBinary(HealthCheckResponseSchema, message));
      expect(told?.status, shown).toBe(known.includes(asked.service) ? SERVING : SERVICE_UNKNOWN);
    });
    await triedCalls(`health at the ${server}, Watch`, property, runs);
  });
});

describe.each(REFLECTION)("%s", (service) => {
  test.each(SERVERS)("ServerReflectionInfo at the %s", { timeout: PATIENCE }, async (server) => {
    const property = fc.asyncProperty(
      fc.array(reflectionRequests, { minLength: 1, maxLength: 3 }),
      async (requests) => {
        const reply = await wires[server].stream(`/${service}/ServerReflectionInfo`, requests);
        const hex = requests.map((bytes) => Buffer.from(bytes).toString("hex")).join(" ");
        const shown = `${reply.code} "${reply.text}" for ${hex}`;
        const asked = requests.map((bytes) => read(ServerReflectionRequestSchema, bytes));
        const good = asked.includes(undefined) ? asked.slice(0, asked.indexOf(undefined)) : asked;
        if (good.length < asked.length) expectMalformed(reply, shown);
        else expect(reply.code, shown).toBe("OK");
        expect(reply.messages.length, shown).toBeLessThanOrEqual(good.length);
        if (good.length === asked.length) expect(reply.messages, shown).toHaveLength(good.length);
        reply.messages.forEach((message, at) => {
          expect(message.length, shown).toBeLessThanOrEqual(MAX_MESSAGE_BYTES);
          const { originalRequest, messageResponse } = fromBinary(ServerReflectionResponseSchema, message);
          expect(equals(ServerReflectionRequestSchema, originalRequest!, good[at]!), shown).toBe(true);
          if (messageResponse.case === "errorResponse")
            expect([status.NOT_FOUND, status.INVALID_ARGUMENT], shown).toContain(
              messageResponse.value.errorCode,
            );
        });
      },
    );
    await triedCalls(`${service} at the ${server}`, property, Math.ceil(PUBLIC_CALLS / SERVERS.length));
  });

  test("a question that is refused leaves what was asked before it answered", async () => {
    const list = toBinary(ServerReflectionRequestSchema, {
      $typeName: "grpc.reflection.v1.ServerReflectionRequest",
      host: "",
      messageRequest: { case: "listServices", value: "" },
    });
    const reply = await wires.AS.stream(`/${service}/ServerReflectionInfo`, [
      list,
      Buffer.from([0x0a, 0xff]),
    ]);
    expectMalformed(reply, reply.text);
    expect(reply.messages).toHaveLength(1);
  });
});
