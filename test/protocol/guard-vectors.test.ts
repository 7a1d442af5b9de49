/**
 * The golden vectors of docs/guard.md: what we make is what is written there, and what is written there is
 * accepted.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { verifyApProof, verifyApRep } from "../../src/protocol/ap-rep.js";
import { isProtected, readApReq } from "../../src/protocol/call-binding.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { Key } from "../../src/protocol/keys.js";
import { REQUESTS, RESPONSES } from "../../src/protocol/message-keys.js";
import { MessageOpener } from "../../src/protocol/message-protection.js";
import { parsePrincipal } from "../../src/protocol/principal.js";
import { boundHost } from "../../src/rpc/authority.js";
import { CALLS, makeVector } from "../support/guard-vectors.js";
import { verifyCall } from "../support/verify-call.js";

const file = new URL("../vectors/guard/calls.json", import.meta.url);
type Vector = ReturnType<typeof makeVector>;

// A change of the wire is made on purpose: TESSERA_WRITE_VECTORS=1 writes the file anew.
if (process.env.TESSERA_WRITE_VECTORS === "1")
  writeFileSync(file, `${JSON.stringify(CALLS.map(makeVector), undefined, 1)}\n`);

const vectors = JSON.parse(readFileSync(file, "utf8")) as Vector[];
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));

test("every call has its vector", () => {
  expect(vectors.map(({ name }) => name)).toEqual(CALLS.map(({ name }) => name));
});

const HAS_PYTHON = spawnSync("python3", ["--version"]).status === 0;

test.skipIf(!HAS_PYTHON)(
  `an independent reader in Python finds them as the page says${HAS_PYTHON ? "" : " (no python3 here)"}`,
  () => {
    const script = fileURLToPath(new URL("../vectors/guard/verify.py", import.meta.url));
    const { status, stdout, stderr } = spawnSync("python3", ["-B", script], { encoding: "utf8" });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout.trim().split("\n")).toHaveLength(countOfVectors());
  },
);

/** Of the one-shot vectors those of type 20, and of the others all. */
function countOfVectors(): number {
  const read = (name: string) =>
    JSON.parse(readFileSync(new URL(`../vectors/guard/${name}.json`, import.meta.url), "utf8"));
  const sessions = (read("sessions") as { exchanges: unknown[]; calls: unknown[] }[]).map(
    // The first contact too.
    ({ exchanges, calls }) => 1 + exchanges.length + calls.length,
  );
  const refused = (read("negative") as Record<string, unknown>[]).flatMap((lists) =>
    Object.values(lists).map((list) => (Array.isArray(list) ? list.length : 0)),
  );
  const renewals = (read("renewals") as { refused: unknown[] }[]).map(({ refused }) => 1 + refused.length);
  const strong = vectors.filter(({ input }) => input.etype === 20).length;
  return [strong, ...sessions, ...refused, ...renewals].reduce((sum, count) => sum + count, 0);
}

describe.each(vectors)("$name", ({ name, input, output }) => {
  const key = (hex: string) => new Key(etypeOf(input.etype), bytes(hex));
  const now = Date.parse(input.now);

  test("is what we make of its inputs", () => {
    const made = makeVector(CALLS.find((call) => call.name === name)!);
    expect(JSON.parse(JSON.stringify(made))).toEqual({ name, input, output });
  });

  test("is accepted, message by message", () => {
    const service = {
      principal: parsePrincipal(input.service, "service"),
      keys: [{ kvno: 1, key: key(input.serviceKey) }],
    };
    const [first] = output.requests;
    const call = {
      method: input.method,
      authority: boundHost(input.authority),
      requestStream: input.requestStream,
      responseStream: input.responseStream,
      request: input.requestStream ? undefined : bytes(first!),
    };
    const policy = { service, permittedEtypes: [input.etype], clockSkew: 300_000 };
    const verified = verifyCall(readApReq(bytes(output["kerberos-ap-req-bin"])), call, policy, now);
    expect(verified.client).toBe(input.client);
    const pending = {
      sessionKey: key(input.sessionKey),
      ctime: now,
      nonce: verified.authenticator.nonce,
    };
    const apRep = bytes(output["kerberos-ap-rep-bin"]);
    const answered = verified.subkey === undefined ? undefined : verifyApRep(apRep, pending);
    if (answered === undefined) verifyApProof(apRep, pending);
    const asked = verified.subkey && {
      subkey: verified.subkey,
      seqNumber: verified.authenticator.seqNumber,
    };
    const { protection, requestStream, responseStream, request, response } = input;
    for (const { keys, direction, stream, wire, message, count } of [
      {
        keys: asked,
        direction: REQUESTS,
        stream: requestStream,
        wire: output.requests,
        message: request,
        count: 2,
      },
      {
        keys: answered,
        direction: RESPONSES,
        stream: responseStream,
        wire: output.responses,
        message: response,
        count: 1,
      },
    ]) {
      if (!isProtected(protection, stream)) {
        expect(wire).toEqual(Array(stream ? count : 1).fill(message));
        continue;
      }
      const opener = new MessageOpener(direction, keys!, protection);
      const opened = wire.map((hex) => opener.open(bytes(hex)));
      const plain = { kind: "message", message: Buffer.from(message, "hex") };
      const expected = stream ? [...Array(count).fill(plain), { kind: "end", message: undefined }] : [plain];
      expect(opened.map(({ kind, message: part }) => ({ kind, message: part && Buffer.from(part) }))).toEqual(
        expected,
      );
    }
  });
});
