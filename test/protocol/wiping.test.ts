/** Keys that a message brought or a call was made for, and what was unsealed, are overwritten when they are done with. */
import { create, toBinary } from "@bufbuild/protobuf";
import { afterEach, describe, expect, test, vi } from "vitest";
import { SealedPartSchema } from "../../src/gen/kerberos/v1/sealed_pb.js";
import {
  makeAccessRep,
  makeAccessReq,
  openAccessRep,
  verifyAccessReq,
} from "../../src/protocol/access-exchange.js";
import { AP_USE, verifyApRep, verifyApReq } from "../../src/protocol/ap-exchange.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { defaultStringToKey, Key, keyFromPassword, randomKey } from "../../src/protocol/keys.js";
import { KrbError } from "../../src/protocol/krb-error.js";
import { parsePrincipal } from "../../src/protocol/principal.js";
import { seal, unseal } from "../../src/protocol/sealed-part.js";
import { grantTicket, login, makeRealm, NOW, servicePolicy } from "../support/entries.js";
import { wipedBy } from "../support/wiped.js";

afterEach(() => vi.restoreAllMocks());

/** The keys that are wiped while something runs, as they were. */
function keysWipedBy(act: () => unknown): Uint8Array[] {
  const wiped: Uint8Array[] = [];
  const { wipe } = Key.prototype;
  const spy = vi.spyOn(Key.prototype, "wipe").mockImplementation(function (this: Key) {
    wiped.push(this.exportBytes());
    wipe.call(this);
  });
  act();
  spy.mockRestore();
  return wiped;
}

describe("each half of the exchange with V wipes the subkey it used, and no other key:", () => {
  const realm = makeRealm();
  const policy = servicePolicy(realm);
  const { credentials } = grantTicket(realm, login(realm).credentials);
  const question = new TextEncoder().encode("who am I?");
  const { request, pending } = makeAccessReq(credentials, question, NOW);
  const subkeyOf = (asked: typeof request) =>
    verifyApReq(asked, AP_USE, asked.request, policy, NOW).subkey!.exportBytes();
  const { verified } = verifyAccessReq(request, policy, NOW);
  const response = makeAccessRep(verified, question);

  test("the client's request", () => {
    let made: ReturnType<typeof makeAccessReq> | undefined;
    const wiped = keysWipedBy(() => {
      made = makeAccessReq(credentials, question, NOW);
    });
    expect(wiped).toEqual([subkeyOf(made!.request)]);
  });

  test("V's reading of it", () => {
    expect(keysWipedBy(() => verifyAccessReq(request, policy, NOW))).toEqual([subkeyOf(request)]);
  });

  test("V's response", () => {
    let made: typeof response | undefined;
    const wiped = keysWipedBy(() => {
      made = makeAccessRep(verified, question);
    });
    expect(wiped).toEqual([verifyApRep(made!.apRep, pending).subkey.exportBytes()]);
  });

  test("the client's reading of it", () => {
    const { subkey } = verifyApRep(response.apRep, pending);
    expect(keysWipedBy(() => openAccessRep(response, pending))).toEqual([subkey.exportBytes()]);
  });
});

test("what was unsealed is overwritten once it is read", async () => {
  const key = randomKey(etypeOf(20));
  const value = {
    $typeName: "kerberos.v1.EncPrivPart" as const,
    userData: Uint8Array.of(7),
    seqNumber: 9,
    end: true,
  };
  const sealing = { key, usage: 13 };
  const sealed = seal(sealing, "encRequestPart", value);
  const plaintext = toBinary(
    SealedPartSchema,
    create(SealedPartSchema, { part: { case: "encRequestPart", value } }),
  );
  const refusal = () => new KrbError("KRB_AP_ERR_BAD_INTEGRITY", "can't be opened");
  const wiped = await wipedBy(() => unseal(sealing, "encRequestPart", sealed, refusal));
  expect(wiped).toContainEqual([...plaintext]);
});

test("a key that was made leaves its bytes nowhere but in the key", async () => {
  let key: Key | undefined;
  const wipedAtRandom = await wipedBy(() => {
    key = randomKey(etypeOf(20));
  });
  expect(wipedAtRandom).toContainEqual([...key!.exportBytes()]);
  const s2k = {
    ...defaultStringToKey(parsePrincipal("alice@EXAMPLE.TEST", "alice")),
    params: Uint8Array.of(0, 0, 0, 1),
  };
  const wipedAtPassword = await wipedBy(async () => {
    key = await keyFromPassword(etypeOf(20), "correct horse", s2k);
  });
  expect(wipedAtPassword).toContainEqual([...key!.exportBytes()]);
});
