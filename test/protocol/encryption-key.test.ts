import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ENCRYPTION_TYPES } from "../../src/crypto/etypes.js";
import { type EncryptionKey, EncryptionKeySchema } from "../../src/gen/kerberos/v1/encryption_pb.js";
import { fromEncryptionKey, toEncryptionKey } from "../../src/protocol/encryption-key.js";
import { randomKey } from "../../src/protocol/keys.js";
import type { KrbErrorName } from "../../src/protocol/krb-error.js";
import { expectRefusal } from "./refusal.js";

const ALL = [...ENCRYPTION_TYPES.keys()];
const message = (etype: number, key: Uint8Array) => create(EncryptionKeySchema, { etype, key });
const hex = (text: string) => Uint8Array.from(Buffer.from(text, "hex"));

describe("a key in a message", () => {
  test.each(ALL)("comes back from it, and the message is wiped: etype %d", (etype) => {
    const key = randomKey(ENCRYPTION_TYPES.get(etype)!);
    const sent = toEncryptionKey(key);
    const received = fromEncryptionKey(sent, ALL, "key");
    expect(received.etype).toBe(key.etype);
    expect(received.exportBytes()).toEqual(key.exportBytes());
    expect(sent.key).toEqual(new Uint8Array(key.etype.keySize));
  });

  const vectors: {
    name: string;
    message: EncryptionKey | undefined;
    permitted?: number[];
    code: KrbErrorName;
  }[] = [
    { name: "absent", message: undefined, code: "KRB_AP_ERR_MODIFIED" },
    { name: "without a type", message: message(0, new Uint8Array(8)), code: "KDC_ERR_ETYPE_NOSUPP" },
    {
      name: "of a type not permitted",
      message: message(3, hex("0123456789abcdef")),
      permitted: [20],
      code: "KDC_ERR_ETYPE_NOSUPP",
    },
    {
      name: "of a type permitted but not known",
      message: message(23, new Uint8Array(16)),
      permitted: [23],
      code: "KDC_ERR_ETYPE_NOSUPP",
    },
    { name: "of no bytes", message: message(3, new Uint8Array()), code: "KRB_AP_ERR_MODIFIED" },
    { name: "one byte short", message: message(3, hex("0123456789abcd")), code: "KRB_AP_ERR_MODIFIED" },
    { name: "one byte long", message: message(3, hex("0123456789abcdef01")), code: "KRB_AP_ERR_MODIFIED" },
    {
      name: "as long as another type's",
      message: message(20, new Uint8Array(16).fill(1)),
      code: "KRB_AP_ERR_MODIFIED",
    },
    { name: "weak", message: message(3, hex("0101010101010101")), code: "KRB_AP_ERR_MODIFIED" },
    { name: "semi-weak", message: message(3, hex("01fe01fe01fe01fe")), code: "KRB_AP_ERR_MODIFIED" },
    { name: "of even parity", message: message(3, hex("0023456789abcdef")), code: "KRB_AP_ERR_MODIFIED" },
    { name: "all zero", message: message(3, new Uint8Array(8)), code: "KRB_AP_ERR_MODIFIED" },
    {
      name: "two equal DES keys as triple DES",
      message: message(-2, hex("0123456789abcdef0123456789abcdef")),
      code: "KRB_AP_ERR_MODIFIED",
    },
    {
      name: "weak in its third part",
      message: message(16, hex("0123456789abcdefabcdef01234567890101010101010101")),
      code: "KRB_AP_ERR_MODIFIED",
    },
  ];
  test.each(vectors)("is refused when it is $name", ({ message, permitted = ALL, code }) => {
    const refusal = expectRefusal(() => fromEncryptionKey(message, permitted, "ticket.key"), code);
    expect(refusal.details.field ?? "ticket.key").toBe("ticket.key");
  });

  test("is wiped even when it is of no use", () => {
    const weak = message(3, hex("0101010101010101"));
    expectRefusal(() => fromEncryptionKey(weak, ALL, "key"), "KRB_AP_ERR_MODIFIED", { field: "key" });
    expect(weak.key).toEqual(new Uint8Array(8));
  });
});
