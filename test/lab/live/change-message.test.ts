/** Changes to a message on its way: what stands around the change stays whole. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { AuthenticateRequestSchema } from "../../../src/gen/kerberos/v1/authentication_service_pb.js";
import { EncryptedDataSchema } from "../../../src/gen/kerberos/v1/encryption_pb.js";
import { KdcReqBodySchema } from "../../../src/gen/kerberos/v1/kdc_pb.js";
import { TicketSchema } from "../../../src/gen/kerberos/v1/sealed_pb.js";
import { GrantTicketRequestSchema } from "../../../src/gen/kerberos/v1/ticket_granting_service_pb.js";
import { annotate } from "../../../src/lab/bytes/annotate.js";
import type { ByteNode } from "../../../src/lab/bytes/byte-node.js";
import { changeByte, changeField } from "../../../src/lab/live/change-message.js";
import type { LabRefusal } from "../../../src/lab/live/lab-refusal.js";

const request = toBinary(
  AuthenticateRequestSchema,
  create(AuthenticateRequestSchema, {
    client: "alice@EXAMPLE.TEST",
    nonce: Uint8Array.of(7),
    etypes: [3, 16],
    till: timestampFromMs(1_000_000),
  }),
);

const ticket = toBinary(
  TicketSchema,
  create(TicketSchema, {
    server: "krbtgt/EXAMPLE.TEST@EXAMPLE.TEST",
    encPart: create(EncryptedDataSchema, { etype: 3, kvno: 1, cipher: new Uint8Array(24).fill(9) }),
  }),
);
const body = toBinary(KdcReqBodySchema, create(KdcReqBodySchema, { server: "v/localhost@EXAMPLE.TEST" }));
const grant = toBinary(GrantTicketRequestSchema, create(GrantTicketRequestSchema, { ticket, body }));

/** Where a field begins: the names of the fields on the way to it. */
function placeOf(tree: ByteNode, ...names: string[]): number {
  let here = tree;
  for (const name of names) {
    const inside: ByteNode[] = [here];
    let found: ByteNode | undefined;
    while (found === undefined && inside.length > 0) {
      const next = inside.shift()!;
      found = next.children.find((child) => child.kind === "field" && child.name === name);
      inside.push(...next.children);
    }
    here = found!;
  }
  return here.at;
}

function changed(names: readonly string[], text: string) {
  const tree = annotate(AuthenticateRequestSchema, request);
  const bytes = changeField(request, tree, placeOf(tree, ...names), text);
  return fromBinary(AuthenticateRequestSchema, bytes);
}

function changedGrant(names: readonly string[], text: string) {
  const tree = annotate(GrantTicketRequestSchema, grant);
  return fromBinary(GrantTicketRequestSchema, changeField(grant, tree, placeOf(tree, ...names), text));
}

const refusal = (run: () => unknown) => {
  try {
    run();
  } catch (error) {
    return (error as LabRefusal).reason;
  }
  return undefined;
};

describe("a byte", () => {
  it("is changed alone, in a copy", () => {
    const before = Uint8Array.from(request);
    const after = changeByte(request, 3, 0x4d);
    expect(request).toEqual(before);
    expect([...after].flatMap((value, at) => (value === before[at] ? [] : [[at, value]]))).toEqual([
      [3, 0x4d],
    ]);
  });

  it.each([
    [-1, 0],
    [1000, 0],
    [0.5, 0],
    [0, 256],
    [0, -1],
    [0, Number.NaN],
  ])("is not %d with value %d", (at, value) => {
    expect(refusal(() => changeByte(request, at, value))).toBe("BAD_REQUEST");
  });
});

describe("a field", () => {
  it("of text takes text of another length", () => {
    expect(changed(["client"], "mallory@EXAMPLE.TEST").client).toBe("mallory@EXAMPLE.TEST");
  });

  it("of a number takes a number, or its bytes in hex", () => {
    expect(changedGrant(["ticket", "enc_part", "kvno"], "0xff01").ticket).toEqual(
      changedGrant(["ticket", "enc_part", "kvno"], "255").ticket,
    );
    const { ticket: other } = changedGrant(["ticket", "enc_part", "etype"], "-1");
    expect(fromBinary(TicketSchema, other).encPart?.etype).toBe(-1);
  });

  it("inside a message keeps the lengths around it right", () => {
    const { till, client } = changed(["till", "seconds"], "4000000000");
    expect([till?.seconds, client]).toEqual([4_000_000_000n, "alice@EXAMPLE.TEST"]);
  });

  it("inside bytes that hold a message does so too, over a length that grows", () => {
    const long = `v/${"x".repeat(300)}@EXAMPLE.TEST`;
    const { body, ticket: same } = changedGrant(["body", "server"], long);
    expect(fromBinary(KdcReqBodySchema, body).server).toBe(long);
    expect(same).toEqual(ticket);
    const other = changedGrant(["ticket", "enc_part", "kvno"], "300");
    expect(fromBinary(TicketSchema, other.ticket).encPart?.kvno).toBe(300);
  });

  it("of bytes takes hex", () => {
    expect(changed(["nonce"], "0xff01").nonce).toEqual(Uint8Array.of(0xff, 1));
    const { ticket } = changedGrant(["ticket", "enc_part", "cipher"], "0x0102");
    expect(fromBinary(TicketSchema, ticket).encPart?.cipher).toEqual(Uint8Array.of(1, 2));
  });

  it.each([
    ["a number that is text", "seconds", "seven"],
    ["hex that is none", "client", "0xabc"],
  ])("is refused: %s", (_, name, text) => {
    expect(refusal(() => changed([name], text))).toBe("BAD_REQUEST");
  });

  it("is refused where none begins", () => {
    const tree = annotate(AuthenticateRequestSchema, request);
    for (const at of [1, 3, request.length, -1])
      expect(refusal(() => changeField(request, tree, at, "x"))).toBe("BAD_REQUEST");
  });
});
