/** Every byte of a login, a ticket and an access has a name, under each encryption type. */
import { create, toBinary } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ENCRYPTION_TYPES } from "../../../src/crypto/etypes.js";
import { ApReqSchema } from "../../../src/gen/kerberos/v1/application_service_pb.js";
import { EncryptedDataSchema } from "../../../src/gen/kerberos/v1/encryption_pb.js";
import { ExtensionType } from "../../../src/gen/kerberos/v1/extension_pb.js";
import { MessageKind, ProtectedMessageSchema } from "../../../src/gen/kerberos/v1/guard_pb.js";
import { AuthenticatorSchema, EncApRepPartSchema } from "../../../src/gen/kerberos/v1/sealed_pb.js";
import { RepeatedAttemptSchema, SessionGrantSchema } from "../../../src/gen/kerberos/v1/session_pb.js";
import { annotate } from "../../../src/lab/bytes/annotate.js";
import { faultsOf, leavesOfKind, nodeAt, unexplained } from "./gapless.js";
import { wholeLogin } from "./login.js";

const UNREADABLE = ["unknown", "malformed"];

describe.each([...ENCRYPTION_TYPES.values()])("under $name", ({ etype, name, layout }) => {
  const { messages } = wholeLogin(etype);

  it("each byte of the six messages has a name and an explanation, without gap or overlap", () => {
    for (const [schema, bytes] of messages) {
      const tree = annotate(schema, bytes);
      expect(faultsOf(tree, bytes.length)).toEqual([]);
      expect(leavesOfKind(tree, ...UNREADABLE)).toEqual([]);
      expect(unexplained(tree)).toEqual([]);
    }
  });

  it("what is serialized in bytes is read too: tickets, proofs, the body", () => {
    const [asReq, asRep, tgsReq, , apReq] = messages.map(([schema, bytes]) => annotate(schema, bytes));
    const types = [
      nodeAt(asReq!, "padata", "value", "EncryptedData"),
      nodeAt(asRep!, "ticket", "Ticket", "enc_part", "EncryptedData"),
      nodeAt(tgsReq!, "authenticator", "EncryptedData"),
      nodeAt(tgsReq!, "body", "KdcReqBody"),
      nodeAt(apReq!, "request", "EncryptedData"),
    ].map(({ type, value }) => `${type} ${value ?? ""}`);
    const sealed = `kerberos.v1.EncryptedData ${name} (${etype})`;
    expect(types).toEqual([sealed, sealed, sealed, "kerberos.v1.KdcReqBody ", sealed]);
  });

  it("a checksum that stands beside what is enciphered is told from it", () => {
    const cipher = nodeAt(annotate(...messages[1]!), "enc_part", "cipher", "cipher");
    const beside = layout.at(-1)!.enciphered ? [] : [`checksum ${layout.at(-1)!.size}`];
    const parts = cipher.children.map((child) => `${child.name} ${child.length}`);
    expect(parts.slice(1)).toEqual(beside);
  });
});

describe("a field", () => {
  const [schema, bytes] = wholeLogin(3).messages[0]!;
  const tree = annotate(schema, bytes);

  it("is told by its tag, its length and what it holds, with the places of their bytes", () => {
    const client = nodeAt(tree, "client");
    expect(client).toMatchObject({ at: 0, length: 20, kind: "field", value: "alice@EXAMPLE.TEST" });
    expect(client.children.map(({ at, length, kind, value }) => [at, length, kind, value])).toEqual([
      [0, 1, "tag", "field 1, length-delimited"],
      [1, 1, "length", "18"],
      [2, 18, "value", "alice@EXAMPLE.TEST"],
    ]);
  });

  it("is explained by the comment in the .proto, an enumeration's value by its own", () => {
    expect(nodeAt(tree, "client").explanation).toBe("Required. The client's principal. [ID_c]");
    const etype = nodeAt(tree, "padata", "value", "etype", "etype");
    expect(etype).toMatchObject({ kind: "enum", value: "des-cbc-md5 (3)" });
    expect(etype.explanation).toMatch(/^DES in CBC mode .* Weak \(RFC 6649\)\.$/);
  });

  it("of times says the time", () => {
    const time = create(TimestampSchema, { seconds: 1_772_366_400n, nanos: 5_000_000 });
    const part = create(EncApRepPartSchema, { ctime: time });
    const tree = annotate(EncApRepPartSchema, toBinary(EncApRepPartSchema, part));
    expect(nodeAt(tree, "ctime").value).toBe("2026-03-01T12:00:00.005Z");
    expect(nodeAt(tree, "ctime", "nanos").value).toBe("5000000");
  });

  it("that holds a key never shows it", () => {
    const key = create(AuthenticatorSchema, { subkey: { etype: 3, key: new Uint8Array(8).fill(0xab) } });
    const tree = annotate(AuthenticatorSchema, toBinary(AuthenticatorSchema, key));
    expect(nodeAt(tree, "subkey", "key", "key")).toMatchObject({ kind: "key", value: "8 bytes" });
    expect(JSON.stringify(tree)).not.toMatch(/abab/i);
  });
});

describe("what lies in a field depends on the fields beside it", () => {
  it.each([
    [ExtensionType.CHALLENGE, new Uint8Array(16), undefined],
    [
      ExtensionType.REPEATS,
      toBinary(RepeatedAttemptSchema, create(RepeatedAttemptSchema, { number: 1n })),
      "number",
    ],
    [ExtensionType.SESSION, toBinary(SessionGrantSchema, create(SessionGrantSchema, { life: 60 })), "life"],
    [ExtensionType.SESSION, new Uint8Array(), undefined],
  ])("an extension of type %d", (type, data, inside) => {
    const part = create(EncApRepPartSchema, { extensions: [{ type, data }] });
    const bytes = toBinary(EncApRepPartSchema, part);
    const tree = annotate(EncApRepPartSchema, bytes);
    expect(faultsOf(tree, bytes.length)).toEqual([]);
    const names = JSON.stringify(tree);
    expect(names.includes('"RepeatedAttempt"')).toBe(inside === "number");
    expect(names.includes('"SessionGrant"')).toBe(inside === "life");
  });

  it("a renewal in a stream holds an ApReq, any other message the application's bytes", () => {
    const message = toBinary(ApReqSchema, create(ApReqSchema, { protection: 2 }));
    for (const kind of [MessageKind.RENEWAL, MessageKind.UNSPECIFIED]) {
      const bytes = toBinary(ProtectedMessageSchema, create(ProtectedMessageSchema, { message, kind }));
      const found = nodeAt(annotate(ProtectedMessageSchema, bytes), "message").children.at(-1);
      expect(found?.kind).toBe(kind === MessageKind.RENEWAL ? "message" : "value");
    }
  });
});

describe("bytes that are not what they should be", () => {
  it("are named so, and nothing is left out", () => {
    const bytes = Buffer.from("0803120278797a7f", "hex");
    const tree = annotate(EncryptedDataSchema, bytes);
    expect(faultsOf(tree, bytes.length)).toEqual([]);
    expect(leavesOfKind(tree, ...UNREADABLE)).toEqual([
      "EncryptedData/field 2/contents",
      "EncryptedData/not a field",
    ]);
  });

  it("in general: of any bytes, all are in leaves, in order", () => {
    const [schema, good] = wholeLogin(3).messages[4]!;
    const altered = fc
      .array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 4 })
      .map((changes) => {
        const bytes = Uint8Array.from(good);
        for (const [at, byte] of changes) bytes[at] = byte;
        return bytes;
      });
    fc.assert(
      fc.property(fc.oneof(altered, fc.uint8Array({ maxLength: 60 })), (bytes) => {
        expect(faultsOf(annotate(schema, bytes), bytes.length)).toEqual([]);
      }),
    );
  });

  it("are read no deeper than messages may lie in one another", () => {
    let bytes = new Uint8Array();
    for (let i = 0; i < 300; i++) bytes = Uint8Array.from([0x0a, ...lengthOf(bytes), ...bytes]);
    expect(faultsOf(annotate(AuthenticatorSchema, bytes), bytes.length)).toEqual([]);
  });
});

function lengthOf({ length }: Uint8Array): number[] {
  return length < 128 ? [length] : [(length & 0x7f) | 0x80, length >> 7];
}
