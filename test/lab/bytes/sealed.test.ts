/** What is sealed is explained to the last byte: confounder, checksum, padding, and the message inside. */
import { describe, expect, it } from "vitest";
import { ENCRYPTION_TYPES } from "../../../src/crypto/etypes.js";
import { annotateSealed } from "../../../src/lab/bytes/sealed.js";
import { etypeOf } from "../../../src/protocol/etypes.js";
import { randomKey } from "../../../src/protocol/keys.js";
import { faultsOf, leavesOfKind, nodeAt, unexplained } from "./gapless.js";
import { wholeLogin } from "./login.js";

const CLAUSES: Readonly<Record<number, RegExp>> = {
  20: /RFC 8009 §5/,
  19: /RFC 8009 §5/,
  16: /RFC 3961 §5\.3/,
  3: /RFC 3961 §6\.2\.1/,
  [-2]: /RFC 8018 §6\.1\.1/,
  [-1]: /RFC 8018 §6\.1\.1/,
};

describe.each([...ENCRYPTION_TYPES.values()])("under $name", ({ etype, layout }) => {
  const { sealed } = wholeLogin(etype);

  it.each(sealed)("each byte of the $what has a name and an explanation", ({ data, key, usage }) => {
    const { plaintext, tree } = annotateSealed(data, key, usage)!;
    expect(plaintext.length).toBe(data.cipher.length);
    expect(faultsOf(tree, plaintext.length)).toEqual([]);
    expect(leavesOfKind(tree, "unknown", "malformed")).toEqual([]);
    const parts = tree.children.filter(({ kind }) => kind !== "message");
    for (const part of parts) expect(part.explanation).toMatch(CLAUSES[etype]!);
    const message = tree.children.find(({ kind }) => kind === "message")!;
    expect(message.type).toBe("kerberos.v1.SealedPart");
    expect(unexplained(message)).toEqual([]);
    // The runs are those of the encryption type's row; a padding of no bytes is none.
    const kinds = tree.children.map(({ kind }) => kind);
    const expected = layout
      .map(({ kind }) => kind)
      .filter((kind) => kind !== "padding" || kinds.includes(kind));
    expect(kinds).toEqual(expected);
  });

  it("does not open with another key", () => {
    const { data, usage } = sealed[1]!;
    for (let i = 0; i < 20; i++)
      expect(annotateSealed(data, randomKey(etypeOf(etype)), usage)).toBeUndefined();
  });
});

it("does not open with a key of another encryption type", () => {
  const [{ data, usage }] = wholeLogin(3).sealed as [never];
  expect(annotateSealed(data, randomKey(etypeOf(20)), usage)).toBeUndefined();
});

it("opens an operation's request down to its fields", () => {
  const { data, key, usage } = wholeLogin(20).sealed.find(({ what }) => what === "request")!;
  const { tree } = annotateSealed(data, key, usage)!;
  const put = nodeAt(tree, "enc_request_part", "user_data", "Any", "value", "PutNoteRequest");
  expect(nodeAt(put, "text").value).toBe("a note");
});

it("never shows a key", () => {
  for (const { data, key, usage } of wholeLogin(3).sealed) {
    const { plaintext, tree } = annotateSealed(data, key, usage)!;
    const walk = (node: typeof tree): void => {
      if (node.kind === "key") {
        const hex = Buffer.from(plaintext.subarray(node.at, node.at + node.length)).toString("hex");
        expect(JSON.stringify(tree)).not.toContain(hex);
      }
      node.children.forEach(walk);
    };
    walk(tree);
  }
});
