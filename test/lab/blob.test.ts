import { describe, expect, it } from "vitest";
import { identify, readBlob } from "../../src/lab/blob.js";
import { BLOB_TYPES } from "../../src/lab/blob-types.js";
import type { NamedKey } from "../../src/lab/open-part.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { randomKey } from "../../src/protocol/keys.js";
import { keys, messages } from "./dialogue.js";

const hidden = { showKeys: false };
const named = (name: keyof typeof keys, kvno = 0): NamedKey => ({ name, key: keys[name], kvno });
const parts = (bytes: Uint8Array, ...given: NamedKey[]) => readBlob(identify(bytes)!, given, hidden).sealed;

describe("a blob", () => {
  it.each([
    ["as-req", messages[1]],
    ["as-rep", messages[2]],
    ["tgs-req", messages[3]],
    ["tgs-rep", messages[4]],
    ["access-request", messages[5]],
    ["access-response", messages[6]],
    ["ticket", messages.ticket],
    ["encrypted-data", messages.authenticator],
  ])("is known for what it is: %s, as bytes, hex and base64", (name, bytes) => {
    const hex = Buffer.from(bytes).toString("hex");
    const texts = [hex, `0x${hex.toUpperCase()}`, Buffer.from(bytes).toString("base64")];
    for (const text of texts) {
      const blob = identify(Buffer.from(` ${text.slice(0, 40)}\n${text.slice(40)}\n`));
      expect([blob?.type.name, Buffer.from(blob!.bytes)]).toEqual([name, Buffer.from(bytes)]);
    }
    expect(identify(bytes)?.type.name).toBe(name);
  });

  it("is nothing when it is cut short, has a byte too many, or is of none of the types asked for", () => {
    expect(identify(messages[2].subarray(0, -1))).toBeUndefined();
    expect(identify(Buffer.concat([messages[2], Buffer.of(0)]))).toBeUndefined();
    expect(identify(Buffer.from("hello"))).toBeUndefined();
    const others = BLOB_TYPES.filter(({ name }) => name !== "as-rep");
    expect(identify(messages[2], others)).toBeUndefined();
  });

  it("shows the body of a TGS-REQ as a message, and nothing sealed among what is in clear", () => {
    const { clear } = readBlob(identify(messages[3])!, [], hidden);
    expect(clear.map(({ name }) => name)).toEqual(["body"]);
    expect(clear[0]!.value).toMatchObject({
      fields: expect.arrayContaining([{ name: "server", value: "notes/localhost@EXAMPLE.TEST" }]),
    });
  });
});

describe("what is sealed in it", () => {
  it("opens with the key that fits, whatever its key usage", () => {
    const opened = (bytes: Uint8Array, ...given: NamedKey[]) =>
      parts(bytes, ...given).map(
        ({ field, opened }) => `${field}: ${opened && `${opened.part} ${opened.key}`}`,
      );
    expect(opened(messages[1], named("alice"))).toEqual(["padata: PaEncTimestamp alice"]);
    expect(opened(messages[2], named("alice"))).toEqual([
      "ticket: undefined",
      "enc_part: EncKdcRepPart alice",
    ]);
    expect(opened(messages[5], named("alice"), named("service"), named("session"))).toEqual([
      "ticket: EncTicketPart service",
      "authenticator: Authenticator session",
      "request: undefined",
    ]);
  });

  it("keeps its session key back unless it is asked for", () => {
    const session = Buffer.from(keys.session.exportBytes()).toString("hex");
    const contents = (showKeys: boolean) =>
      JSON.stringify(readBlob(identify(messages.ticket)!, [named("service")], { showKeys }).sealed);
    expect(contents(false)).toContain('{"withheld":"des-cbc-md5, 8 bytes"}');
    expect(contents(false)).not.toContain(session);
    expect(contents(true)).toContain(session);
  });

  it("says why it stays closed", () => {
    const why = (...given: NamedKey[]) => parts(messages.ticket, ...given)[0]!.closed;
    expect(why()).toEqual({ reason: "no-keys" });
    const aes = { name: "aes", key: randomKey(etypeOf(20)), kvno: 1 };
    expect(why(aes, aes)).toEqual({ reason: "other-etype", held: ["aes256-cts-hmac-sha384-192"] });
    expect(why(aes, named("alice", 7))).toEqual({ reason: "other-kvno", held: [7] });
    expect(why(aes, named("alice"), named("session"))).toEqual({ reason: "does-not-open", tried: 2 });
    expect(why(named("service", 1))).toBeUndefined();
  });
});
