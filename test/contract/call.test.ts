/** The whole dialogue and its refusals, through clients that share no code with this project. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  type DescMessage,
  fromBinary,
  fromJsonString,
  type MessageShape,
  toJsonString,
} from "@bufbuild/protobuf";
import { AnySchema, anyUnpack } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ErrorInfoSchema } from "../../src/gen/google/rpc/error_details_pb.js";
import {
  AccessRequestSchema,
  AccessResponseSchema,
} from "../../src/gen/kerberos/v1/application_service_pb.js";
import {
  AuthenticateRequestSchema,
  AuthenticateResponseSchema,
} from "../../src/gen/kerberos/v1/authentication_service_pb.js";
import { EtypeInfo2Schema } from "../../src/gen/kerberos/v1/kdc_pb.js";
import { EchoResponseSchema } from "../../src/gen/kerberos/v1/operations_pb.js";
import {
  GrantTicketRequestSchema,
  GrantTicketResponseSchema,
} from "../../src/gen/kerberos/v1/ticket_granting_service_pb.js";
import { makeAccessReq, openAccessRep } from "../../src/protocol/access-exchange.js";
import { makeAsReq, openAsRep } from "../../src/protocol/as-exchange.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { defaultStringToKey, keyFromPassword } from "../../src/protocol/keys.js";
import { makeTgsReq, openTgsRep } from "../../src/protocol/tgs-exchange.js";
import { bufCurl, bufError } from "../support/buf.js";
import { GRPCURL, grpcurl } from "../support/grpcurl.js";
import { asReq, echoData, PASSWORDS, startRealm, type TestRealm } from "../support/realm.js";
import { ACCESS, AUTHENTICATE, GRANT_TICKET } from "../support/wire.js";

let realm: TestRealm;
beforeAll(async () => {
  realm = await startRealm();
});
afterAll(() => realm.close());

/** `alice` without a proof, as a person would type it. */
const UNPROVED = JSON.stringify({
  client: "alice@TEST.EXAMPLE",
  nonce: Buffer.alloc(16, 7).toString("base64"),
  etypes: ["ENCRYPTION_TYPE_DES_CBC_MD5"],
});

describe.each([
  ["by reflection", []],
  ["by the .proto files", ["--schema", "proto"]],
])("buf curl, %s", (_, schema) => {
  /** Posts a message as JSON and reads the answer. */
  async function post<I extends DescMessage, O extends DescMessage>(
    target: string,
    input: I,
    message: MessageShape<I>,
    output: O,
  ): Promise<MessageShape<O>> {
    const { stdout, stderr, exit } = await bufCurl(target, ...schema, "-d", toJsonString(input, message));
    expect({ stderr, exit }).toEqual({ stderr: "", exit: 0 });
    return fromJsonString(output, stdout);
  }

  test("carries a login, a ticket and a sealed call", async () => {
    const { now } = realm;
    const alice = realm.principal("alice");
    const key = await keyFromPassword(etypeOf(3), PASSWORDS.alice, defaultStringToKey(alice));
    const first = makeAsReq(alice, { etypes: [3] }, key, now);
    const second = await post(
      realm.kdc.as + AUTHENTICATE,
      AuthenticateRequestSchema,
      first,
      AuthenticateResponseSchema,
    );
    const tgt = openAsRep(second, first, key, now).credentials;

    const third = makeTgsReq(tgt, realm.v.principal, { etypes: [3] }, now);
    const fourth = await post(
      realm.kdc.tgs + GRANT_TICKET,
      GrantTicketRequestSchema,
      third.request,
      GrantTicketResponseSchema,
    );
    const { credentials } = openTgsRep(fourth, third.pending, now);

    const fifth = makeAccessReq(credentials, echoData({ text: "through Go" }), now);
    const sixth = await post(
      realm.v.address + ACCESS,
      AccessRequestSchema,
      fifth.request,
      AccessResponseSchema,
    );
    const answer = fromBinary(AnySchema, openAccessRep(sixth, fifth.pending));
    expect(anyUnpack(answer, EchoResponseSchema)?.text).toBe("through Go");
  });

  test("a request without a proof is refused with details that can be decoded", async () => {
    const ran = await bufCurl(realm.kdc.as + AUTHENTICATE, ...schema, "-d", UNPROVED);
    expect(ran.exit).toBe(16 * 8);
    const { code, message, details = [] } = bufError(ran);
    expect(code).toBe("unauthenticated");
    expect(message).toBe("pre-authentication required: prove the password with an encrypted timestamp");
    expect(details.map(({ type }) => type)).toEqual(["google.rpc.ErrorInfo", "kerberos.v1.EtypeInfo2"]);
    const [info, etypeInfo] = details.map(({ value }) => Buffer.from(value, "base64"));
    expect(fromBinary(ErrorInfoSchema, info!)).toMatchObject({
      reason: "KDC_ERR_PREAUTH_REQUIRED",
      domain: "tessera",
      metadata: { number: "25" },
    });
    expect(fromBinary(EtypeInfo2Schema, etypeInfo!).entries).toMatchObject([
      { etype: 3, salt: "TEST.EXAMPLEalice" },
    ]);
  });
});

describe("buf curl, bad input", () => {
  test.each([
    ["no JSON", "{nonsense", /invalid character/],
    ["a field that does not exist", '{"klient": "alice"}', /unknown field "klient"/],
    ["no base64", '{"nonce": "!"}', /invalid value for bytes/],
    ["an enum value that does not exist", '{"etypes": ["DES"]}', /invalid value for enum/],
  ])("%s is refused before it is sent", async (_, data, said) => {
    const { exit, stderr } = await bufCurl(realm.kdc.as + AUTHENTICATE, "-d", data);
    expect(exit).not.toBe(0);
    expect(stderr).toMatch(said);
  });

  test.each([
    ["AS", AUTHENTICATE, "client"],
    ["TGS", GRANT_TICKET, "body"],
    ["V", ACCESS, "request"],
  ])("an empty request to the %s is malformed, and says what is required", async (name, path, field) => {
    const address = { AS: realm.kdc.as, TGS: realm.kdc.tgs, V: realm.v.address }[name]!;
    const ran = await bufCurl(address + path, "-d", "{}");
    expect(ran.exit).toBe(3 * 8);
    const { code, details = [] } = bufError(ran);
    expect(code).toBe("invalid_argument");
    const info = fromBinary(ErrorInfoSchema, Buffer.from(details[0]!.value, "base64"));
    expect(info).toMatchObject({ reason: "KRB_ERR_GENERIC", metadata: { number: "60", field } });
  });

  test("another server's method is UNIMPLEMENTED", async () => {
    const ran = await bufCurl(realm.kdc.as + ACCESS, "--schema", "proto", "-d", "{}");
    expect(ran.exit).toBe(12 * 8);
    expect(bufError(ran).code).toBe("unimplemented");
  });

  test("a method that does not exist is none", async () => {
    const { exit, stderr } = await bufCurl(`${realm.kdc.as}${AUTHENTICATE}Twice`, "-d", "{}");
    expect(exit).toBe(1);
    expect(stderr).toMatch(/contains no such method/);
  });
});

describe("health", () => {
  const health = "/grpc.health.v1.Health/";
  const servers = () => ({
    "kerberos.v1.AuthenticationService": realm.kdc.as,
    "kerberos.v1.TicketGrantingService": realm.kdc.tgs,
    "kerberos.v1.ApplicationService": realm.v.address,
  });

  test("Check and List report each server and its service", async () => {
    for (const [service, address] of Object.entries(servers())) {
      const [whole, own, list] = await Promise.all([
        bufCurl(`${address}${health}Check`, "-d", "{}"),
        bufCurl(`${address}${health}Check`, "-d", JSON.stringify({ service })),
        bufCurl(`${address}${health}List`, "-d", "{}"),
      ]);
      expect(JSON.parse(whole.stdout)).toEqual({ status: "SERVING" });
      expect(JSON.parse(own.stdout)).toEqual({ status: "SERVING" });
      expect(JSON.parse(list.stdout)).toEqual({
        statuses: { "": { status: "SERVING" }, [service]: { status: "SERVING" } },
      });
    }
  });

  test("Check of a service on another server is NOT_FOUND", async () => {
    const service = JSON.stringify({ service: "kerberos.v1.ApplicationService" });
    const ran = await bufCurl(`${realm.kdc.as}${health}Check`, "-d", service);
    expect(ran.exit).toBe(5 * 8);
  });

  test("Watch reports SERVING, then NOT_SERVING at shutdown, and ends with UNAVAILABLE", async () => {
    await using stopping = await startRealm();
    const { as } = stopping.kdc;
    const flags = ["curl", "--http2-prior-knowledge", "--protocol", "grpc", "--schema", "proto", "-d", "{}"];
    const watch = spawn("node_modules/.bin/buf", [...flags, `http://${as}${health}Watch`]);
    let stdout = "";
    let stderr = "";
    watch.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    watch.stdout.on("data", (chunk) => {
      if (stdout === "") void stopping.servers[0]!.stop();
      stdout += chunk;
    });
    const [exit] = await once(watch, "close");
    expect(JSON.parse(`[${stdout.replace(/\}\s*\{/g, "},{")}]`)).toEqual([
      { status: "SERVING" },
      { status: "NOT_SERVING" },
    ]);
    expect(exit).toBe(14 * 8);
    expect(JSON.parse(stderr)).toMatchObject({ code: "unavailable", message: "the server is shutting down" });
  });
});

describe.skipIf(GRPCURL === undefined)("grpcurl", () => {
  const method = AUTHENTICATE.slice(1);

  test("calls by reflection, and shows a refusal's details decoded", async () => {
    const { exit, stderr } = await grpcurl(realm.kdc.as, [method], ["-d", UNPROVED]);
    expect(exit).toBe(64 + 16);
    expect(stderr).toContain("Code: Unauthenticated");
    expect(stderr).toContain('"reason": "KDC_ERR_PREAUTH_REQUIRED"');
    expect(stderr).toContain('"salt": "TEST.EXAMPLEalice"');
  });

  test("logs in", async () => {
    const request = await asReq(realm);
    const json = toJsonString(AuthenticateRequestSchema, request);
    const { stdout, exit } = await grpcurl(realm.kdc.as, [method], ["-d", json]);
    expect(exit).toBe(0);
    const response = fromJsonString(AuthenticateResponseSchema, stdout);
    const key = (await realm.keys("alice")).keys[0]!.key;
    expect(openAsRep(response, request, key, realm.now).credentials.client).toBe("alice@TEST.EXAMPLE");
  });

  test("a method that does not exist is none", async () => {
    const { exit, stderr } = await grpcurl(realm.kdc.as, [`${method}Twice`], ["-d", "{}"]);
    expect(exit).not.toBe(0);
    expect(stderr).toContain('does not include a method named "AuthenticateTwice"');
  });
});
