import { create, type DescMessage, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ENCRYPTION_TYPES } from "../../src/crypto/etypes.js";
import { EncryptedDataSchema } from "../../src/gen/kerberos/v1/encryption_pb.js";
import { SealedPartSchema } from "../../src/gen/kerberos/v1/sealed_pb.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { toTimestamp } from "../../src/protocol/kerberos-time.js";
import { KeyUsage } from "../../src/protocol/key-usage.js";
import { randomKey } from "../../src/protocol/keys.js";
import { KrbError } from "../../src/protocol/krb-error.js";
import {
  type PartKind,
  type Sealing,
  seal,
  sealToBytes,
  unseal,
  unsealFromBytes,
} from "../../src/protocol/sealed-part.js";
import { NOW } from "../support/entries.js";
import { expectRefusal, refusalOf } from "./refusal.js";

const ROWS = [...ENCRYPTION_TYPES.values()].map((row) => [row.name, row] as const);
const KINDS: Record<
  PartKind,
  { number: number; schema: DescMessage; message: () => Record<string, unknown> }
> = {} as never;
for (const field of SealedPartSchema.fields)
  if (field.fieldKind === "message")
    KINDS[field.localName as PartKind] = {
      number: field.number,
      schema: field.message,
      message: () => sample(field.message),
    };
const NAMES = Object.keys(KINDS) as PartKind[];

/** Every field of a message filled with something that is not its default. */
function sample(schema: DescMessage): Record<string, unknown> {
  if (schema.typeName === "google.protobuf.Timestamp")
    return toTimestamp(NOW) as unknown as Record<string, unknown>;
  const init: Record<string, unknown> = {};
  for (const field of schema.fields) {
    let value: unknown;
    if (field.fieldKind === "message") value = sample(field.message);
    else if (field.fieldKind === "list")
      value = [field.listKind === "message" ? sample(field.message) : field.listKind === "enum" ? 3 : "x"];
    else if (field.fieldKind === "enum") value = 3;
    else
      value = { 9: "alice@EXAMPLE.TEST", 12: new Uint8Array(16).fill(5), 13: 7, 5: 7 }[
        field.scalar as 5 | 9 | 12 | 13
      ];
    init[field.localName] = value;
  }
  return create(schema, init) as unknown as Record<string, unknown>;
}

const refused = () => new KrbError("KRB_AP_ERR_BAD_INTEGRITY", "can't be opened", { part: "test" });
const messageOf = (kind: PartKind) => KINDS[kind].message() as never;
const open = (sealing: Sealing, kind: PartKind, bytes: Uint8Array) =>
  unsealFromBytes(sealing, kind, bytes, "field", refused);

test("there are eight kinds of sealed parts, with RFC 4120's application tags (§5.10)", () => {
  expect(Object.fromEntries(NAMES.map((kind) => [kind, KINDS[kind].number]))).toEqual({
    authenticator: 2,
    encTicketPart: 3,
    encAsRepPart: 25,
    encTgsRepPart: 26,
    encApRepPart: 27,
    encRequestPart: 28,
    encResponsePart: 29,
    encTimestamp: 40,
  });
});

describe.each(ROWS)("under %s", (_, row) => {
  const key = randomKey(row);
  const sealing = { key, usage: KeyUsage.TICKET, kvno: 4 };

  test.each(NAMES)("%s comes back as it was sealed", (kind) => {
    const data = seal(sealing, kind, messageOf(kind));
    expect(data).toMatchObject({ etype: row.etype, kvno: 4 });
    expect(unseal(sealing, kind, data, refused)).toEqual(messageOf(kind));
    expect(open(sealing, kind, sealToBytes(sealing, kind, messageOf(kind)))).toEqual(messageOf(kind));
  });

  test.each(NAMES)("%s comes back empty, as a part whose fields are all default", (kind) => {
    const empty = create(KINDS[kind].schema) as never;
    expect(open(sealing, kind, sealToBytes(sealing, kind, empty))).toEqual(empty);
  });

  test("parts of every length within two blocks come back", () => {
    for (let length = 0; length <= 32; length++) {
      const part = create(KINDS.encRequestPart.schema, {
        userData: new Uint8Array(length).fill(0),
        seqNumber: 0,
      });
      expect(open(sealing, "encRequestPart", sealToBytes(sealing, "encRequestPart", part as never))).toEqual(
        part,
      );
    }
  });

  test("no kind opens as another under the same key and usage: of 64 pairs only the diagonal passes", () => {
    const passed: string[] = [];
    for (const made of NAMES) {
      const bytes = sealToBytes(sealing, made, messageOf(made));
      for (const wanted of NAMES) {
        if (made === wanted) {
          open(sealing, wanted, bytes);
          passed.push(made);
        } else
          expectRefusal(() => open(sealing, wanted, bytes), "KRB_AP_ERR_BAD_INTEGRITY", { part: "test" });
      }
    }
    expect(passed).toEqual(NAMES);
  });

  test("nor does an empty part open as another kind", () => {
    for (const made of NAMES)
      for (const wanted of NAMES) {
        const bytes = sealToBytes(sealing, made, create(KINDS[made].schema) as never);
        if (made !== wanted) expectRefusal(() => open(sealing, wanted, bytes), "KRB_AP_ERR_BAD_INTEGRITY");
      }
  });

  test("another key does not open it", () => {
    const bytes = sealToBytes(sealing, "encTicketPart", messageOf("encTicketPart"));
    for (let i = 0; i < 5; i++)
      expectRefusal(
        () => open({ ...sealing, key: randomKey(row) }, "encTicketPart", bytes),
        "KRB_AP_ERR_BAD_INTEGRITY",
      );
  });

  test("a key of another type does not open it, nor does a false type", () => {
    const data = seal(sealing, "encTicketPart", messageOf("encTicketPart"));
    for (const [, other] of ROWS) {
      if (other === row) continue;
      const otherKey = { ...sealing, key: randomKey(other) };
      expectRefusal(() => unseal(otherKey, "encTicketPart", data, refused), "KRB_AP_ERR_BAD_INTEGRITY");
      const relabelled = create(EncryptedDataSchema, { ...data, etype: other.etype });
      expectRefusal(() => unseal(sealing, "encTicketPart", relabelled, refused), "KRB_AP_ERR_BAD_INTEGRITY");
      expectRefusal(() => unseal(otherKey, "encTicketPart", relabelled, refused), "KRB_AP_ERR_BAD_INTEGRITY");
    }
  });

  test("the ciphertext cut at any byte, or extended, does not open", () => {
    const data = seal(sealing, "encTimestamp", messageOf("encTimestamp"));
    const lengths = Array.from({ length: data.cipher.length }, (__, length) => length);
    for (const length of lengths) {
      const cut = create(EncryptedDataSchema, { ...data, cipher: data.cipher.slice(0, length) });
      expectRefusal(() => unseal(sealing, "encTimestamp", cut, refused), "KRB_AP_ERR_BAD_INTEGRITY");
    }
    for (const extra of [1, 7, 8, 16]) {
      const cipher = new Uint8Array(data.cipher.length + extra);
      cipher.set(data.cipher);
      const extended = create(EncryptedDataSchema, { ...data, cipher });
      expectRefusal(() => unseal(sealing, "encTimestamp", extended, refused), "KRB_AP_ERR_BAD_INTEGRITY");
    }
  });

  test.runIf(row.integrity)("no bit of the ciphertext can be changed", () => {
    const data = seal(sealing, "encTimestamp", messageOf("encTimestamp"));
    for (let bit = 0; bit < 8 * data.cipher.length; bit++) {
      const cipher = Uint8Array.from(data.cipher);
      cipher[bit >> 3]! ^= 1 << (bit & 7);
      const changed = create(EncryptedDataSchema, { ...data, cipher });
      expectRefusal(() => unseal(sealing, "encTimestamp", changed, refused), "KRB_AP_ERR_BAD_INTEGRITY");
    }
  });

  describe("what is sealed but not canonical is refused as a wrong key is:", () => {
    const { number, schema } = KINDS.encTimestamp;
    const part = toBinary(schema, messageOf("encTimestamp"));
    const wrapped = (content: Uint8Array) =>
      new BinaryWriter().tag(number, WireType.LengthDelimited).bytes(content).finish();
    const join = (...parts: (Uint8Array | number[])[]) =>
      Uint8Array.from(parts.flatMap((bytes) => [...bytes]));
    const time = part.subarray(0, 2 + part[1]!);
    const nonce = part.subarray(time.length);
    const good = wrapped(part);
    const sealed = (plaintext: Uint8Array) =>
      toBinary(
        EncryptedDataSchema,
        create(EncryptedDataSchema, {
          etype: row.etype,
          cipher: key.cipher.encrypt(sealing.usage, plaintext),
        }),
      );

    test("(the canonical one is taken)", () => {
      expect(open(sealing, "encTimestamp", sealed(good))).toEqual(messageOf("encTimestamp"));
    });

    test.each<[string, Uint8Array]>([
      ["nothing at all", new Uint8Array()],
      ["an unknown field in the part", wrapped(join(part, [0x78, 1]))],
      ["an unknown field beside the part", join(good, [0x78, 1])],
      ["a second part of the same kind", join(good, good)],
      [
        "a second part of another kind",
        join(good, new BinaryWriter().tag(2, WireType.LengthDelimited).bytes(new Uint8Array()).finish()),
      ],
      [
        "another part before it",
        join(new BinaryWriter().tag(2, WireType.LengthDelimited).bytes(new Uint8Array()).finish(), good),
      ],
      ["a field twice", wrapped(join(time, nonce, nonce))],
      ["a message twice", wrapped(join(time, time, nonce))],
      ["fields in another order", wrapped(join(nonce, time))],
      ["a length longer than need be", join(good.subarray(0, 2), [good[2]! | 0x80, 0], part)],
      ["a tag longer than need be", join([good[0]!, good[1]! | 0x80, 0], good.subarray(2))],
      [
        "a varint in the part longer than need be",
        wrapped(
          join(
            [time[0]!, time[1]! + 1, ...time.subarray(2, 7), time[7]! | 0x80, 0, ...time.subarray(8)],
            nonce,
          ),
        ),
      ],
      ["a default value written out", wrapped(join(time, [0x12, 0]))],
      [
        "a default time written out",
        wrapped(join([time[0]!, time[1]! + 2, ...time.subarray(2), 0x10, 0], nonce)),
      ],
      [
        "the wrong wire type",
        join(
          new BinaryWriter().tag(number, WireType.StartGroup).finish(),
          part,
          new BinaryWriter().tag(number, WireType.EndGroup).finish(),
        ),
      ],
      ["the part without its envelope", part],
      ["a length beyond the end", join(good.subarray(0, 2), [part.length + 20], part)],
      [
        "a length of 2^32 and more",
        join(good.subarray(0, 2), [part.length | 0x80, 0x80, 0x80, 0x80, 0x10], part),
      ],
      ["a length that never ends", join(good.subarray(0, 2), new Uint8Array(11).fill(0x80))],
      ["the part cut by more than padding can fill", good.subarray(0, -9)],
      ["a trailing byte that is not zero", join(good, [1])],
      ["8 bytes of padding", join(good, new Uint8Array(8))],
      ["a block of padding", join(good, new Uint8Array(16))],
      ["1024 bytes of padding", join(good, new Uint8Array(1024))],
    ])("%s", (__, plaintext) => {
      const refusal = expectRefusal(
        () => open(sealing, "encTimestamp", sealed(plaintext)),
        "KRB_AP_ERR_BAD_INTEGRITY",
      );
      expect(refusal.message).toBe("can't be opened");
      expect(refusal.details).toEqual({ part: "test" });
    });

    test("invalid UTF-8", () => {
      const bad = join([0x0a, 3, 0x61, 0xff, 0x62]);
      const plaintext = new BinaryWriter()
        .tag(KINDS.authenticator.number, WireType.LengthDelimited)
        .bytes(bad)
        .finish();
      expectRefusal(() => open(sealing, "authenticator", sealed(plaintext)), "KRB_AP_ERR_BAD_INTEGRITY");
    });

    test("one byte of padding more than the type may leave, and one less is taken", () => {
      for (let padding = 0; padding <= row.messageBlockSize; padding++) {
        // A type with blocks pads too: fill the last block first, so that only the part's own zeros count.
        const fill = (8 - ((good.length + padding) % 8)) % 8;
        const total = padding + (row.messageBlockSize > 1 ? fill : 0);
        const run = () => open(sealing, "encTimestamp", sealed(join(good, new Uint8Array(padding))));
        if (total < row.messageBlockSize) expect(run()).toEqual(messageOf("encTimestamp"));
        else expectRefusal(run, "KRB_AP_ERR_BAD_INTEGRITY");
      }
    });

    test("in general: of any plaintext, what opens is what sealing would have made", () => {
      const near = fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, byte]) => {
        const bytes = Uint8Array.from(good);
        bytes[at] = byte;
        return bytes;
      });
      fc.assert(
        fc.property(near, (plaintext) => {
          let opened: unknown;
          try {
            opened = open(sealing, "encTimestamp", sealed(plaintext));
          } catch (error) {
            expect(error).toMatchObject({ reason: "KRB_AP_ERR_BAD_INTEGRITY" });
            return;
          }
          expect(wrapped(toBinary(schema, opened as never))).toEqual(plaintext);
        }),
      );
    });
  });
});

describe("key usages", () => {
  const usages = Object.values(KeyUsage);

  test("are the numbers of RFC 4120 §7.5.1, each once", () => {
    expect(KeyUsage).toMatchObject({
      PA_ENC_TIMESTAMP: 1,
      TICKET: 2,
      AS_REP: 3,
      TGS_REQ_CHECKSUM: 6,
      TGS_REQ_AUTHENTICATOR: 7,
      TGS_REP_SESSION_KEY: 8,
      TGS_REP_SUBKEY: 9,
      AP_REQ_CHECKSUM: 10,
      AP_REQ_AUTHENTICATOR: 11,
      AP_REP: 12,
    });
    expect(new Set(usages).size).toBe(usages.length);
  });

  test.each([16, 19, 20])("keep the same kind apart under etype %d, which derives keys", (etype) => {
    const key = randomKey(etypeOf(etype));
    for (const made of usages) {
      const bytes = sealToBytes({ key, usage: made }, "encApRepPart", messageOf("encApRepPart"));
      for (const used of usages)
        if (made !== used)
          expectRefusal(() => open({ key, usage: used }, "encApRepPart", bytes), "KRB_AP_ERR_BAD_INTEGRITY");
    }
  });

  test.each([-2, -1, 3])("mean nothing under etype %d, where the kind alone keeps parts apart", (etype) => {
    const key = randomKey(etypeOf(etype));
    const bytes = sealToBytes({ key, usage: 1 }, "encApRepPart", messageOf("encApRepPart"));
    expect(open({ key, usage: 12 }, "encApRepPart", bytes)).toEqual(messageOf("encApRepPart"));
  });
});

describe("the wrapping EncryptedData", () => {
  const sealing = { key: randomKey(etypeOf(3)), usage: 2 };
  const bytes = sealToBytes(sealing, "encTimestamp", messageOf("encTimestamp"));

  test("that is no EncryptedData is malformed, which anyone can see", () => {
    for (const blob of [
      new Uint8Array(),
      bytes.subarray(0, -1),
      Buffer.concat([bytes, Uint8Array.of(0)]),
      Buffer.concat([bytes, bytes]),
    ])
      expectRefusal(() => open(sealing, "encTimestamp", blob), "KRB_ERR_GENERIC", { field: "field" });
  });

  test("of version 0 says nothing of a version", () => {
    expect(seal(sealing, "encTimestamp", messageOf("encTimestamp")).kvno).toBe(0);
  });
});

test("every cause of failure gives the very same refusal", () => {
  const sealing = { key: randomKey(etypeOf(20)), usage: 2 };
  const data = seal(sealing, "encTimestamp", messageOf("encTimestamp"));
  const flipped = Uint8Array.from(data.cipher);
  flipped[0]! ^= 1;
  const causes = [
    () => unseal({ ...sealing, usage: 3 }, "encTimestamp", data, refused),
    () => unseal({ ...sealing, key: randomKey(etypeOf(20)) }, "encTimestamp", data, refused),
    () => unseal({ ...sealing, key: randomKey(etypeOf(3)) }, "encTimestamp", data, refused),
    () => unseal(sealing, "encApRepPart", data, refused),
    () => unseal(sealing, "encTimestamp", create(EncryptedDataSchema, { ...data, cipher: flipped }), refused),
    () =>
      unseal(
        sealing,
        "encTimestamp",
        create(EncryptedDataSchema, { ...data, cipher: new Uint8Array() }),
        refused,
      ),
  ];
  const [first, ...others] = causes.map((cause) => {
    const { reason, message, details } = refusalOf(cause);
    return { reason, message, details };
  });
  for (const other of others) expect(other).toEqual(first);
});
