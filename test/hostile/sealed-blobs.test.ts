/**
 * Every sealed blob of the dialogue, under every encryption type with integrity, spoiled in every way: each
 * bit flipped, cut at each byte, extended, blocks swapped, and each blob in the place of each other. Each is
 * refused with the one reason of its place.
 */
import { toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { EncryptedDataSchema } from "../../src/gen/kerberos/v1/encryption_pb.js";
import { openAccessRep, verifyAccessReq } from "../../src/protocol/access-exchange.js";
import { issueTgt, openAsRep } from "../../src/protocol/as-exchange.js";
import { KrbError } from "../../src/protocol/krb-error.js";
import { decodeBlob } from "../../src/protocol/strict-decode.js";
import { openTgsRep, verifyTgsReq } from "../../src/protocol/tgs-exchange.js";
import { MasterKey } from "../../src/store/master-key.js";
import { decodePrincipal, encodePrincipal } from "../../src/store/principal-record.js";
import { StoreError } from "../../src/store/store-error.js";
import { tampered } from "../crypto/tampering.js";
import {
  access,
  alterTicket,
  asContext,
  grantTicket,
  keyOf,
  login,
  makeEntry,
  makeRealm,
  NOW,
  servicePolicy,
} from "../support/entries.js";
import { withoutTraces } from "./runs.js";

/** A sealed blob in its place: the bytes, and whoever opens other bytes there. */
interface Place {
  /** The ciphertext, or the whole of what is sealed. */
  readonly cipher: Uint8Array;
  /** Has other bytes opened there; refuses or returns. */
  readonly open: (cipher: Uint8Array) => unknown;
  readonly reason: string;
}

/** The whole dialogue, and each place in it where something sealed is opened. */
function placesOf(etype: number): Record<string, Place> {
  const realm = makeRealm(etype);
  const tgt = login(realm);
  const grant = grantTicket(realm, tgt.credentials);
  const call = access(realm, grant.credentials, Buffer.from("words"));
  const cipherOf = (sealed: Uint8Array) => decodeBlob(EncryptedDataSchema, sealed, "sealed").cipher;
  const withCipher = (sealed: Uint8Array, cipher: Uint8Array) =>
    toBinary(EncryptedDataSchema, { ...decodeBlob(EncryptedDataSchema, sealed, "sealed"), cipher });
  const ticketCipher = (ticket: Uint8Array) => {
    let cipher = new Uint8Array();
    alterTicket(ticket, ({ encPart }) => {
      cipher = Uint8Array.from(encPart!.cipher);
    });
    return cipher;
  };
  const withTicketCipher = (ticket: Uint8Array, cipher: Uint8Array) =>
    alterTicket(ticket, ({ encPart }) => {
      encPart!.cipher = cipher;
    });
  const toTgs = (changes: object) =>
    verifyTgsReq({ ...grant.request, ...changes }, realm.krbtgt, realm.policy, NOW);
  const toV = (changes: object) =>
    verifyAccessReq({ ...call.request, ...changes }, servicePolicy(realm), NOW);
  const sealedIn = <F extends string>(request: Record<F, Uint8Array>, field: F) => ({
    cipher: cipherOf(request[field]),
    changed: (cipher: Uint8Array) => ({ [field]: withCipher(request[field], cipher) }),
  });
  const place = <F extends string>(
    request: Record<F, Uint8Array>,
    field: F,
    open: (changes: object) => unknown,
    reason = "KRB_AP_ERR_BAD_INTEGRITY",
  ): Place => {
    const { cipher, changed } = sealedIn(request, field);
    return { cipher, open: (other) => open(changed(other)), reason };
  };
  const [padata] = tgt.request.padata;
  return {
    "the encrypted timestamp": place(
      padata!,
      "value",
      (changes) => issueTgt({ ...tgt.request, padata: [{ ...padata!, ...changes }] }, asContext(realm), NOW),
      "KDC_ERR_PREAUTH_FAILED",
    ),
    "the AS's reply": place(tgt.response, "encPart", (changes) =>
      openAsRep({ ...tgt.response, ...changes }, tgt.request, keyOf(realm.alice), NOW),
    ),
    "the TGT": {
      cipher: ticketCipher(tgt.response.ticket),
      open: (cipher) => toTgs({ ticket: withTicketCipher(tgt.response.ticket, cipher) }),
      reason: "KRB_AP_ERR_BAD_INTEGRITY",
    },
    "the authenticator to the TGS": place(grant.request, "authenticator", toTgs),
    "the TGS's reply": place(grant.response, "encPart", (changes) =>
      openTgsRep({ ...grant.response, ...changes }, grant.pending, NOW),
    ),
    "the service ticket": {
      cipher: ticketCipher(grant.response.ticket),
      open: (cipher) => toV({ ticket: withTicketCipher(grant.response.ticket, cipher) }),
      reason: "KRB_AP_ERR_BAD_INTEGRITY",
    },
    "the authenticator to V": place(call.request, "authenticator", toV),
    // The checksum of the authenticator covers the request: nobody tries to open what it does not.
    "the sealed request": place(call.request, "request", toV, "KRB_AP_ERR_MODIFIED"),
    "the AP-REP": place(
      call.response,
      "apRep",
      (changes) => openAccessRep({ ...call.response, ...changes }, call.pending),
      "KRB_AP_ERR_MUT_FAIL",
    ),
    "the sealed response": place(call.response, "response", (changes) =>
      openAccessRep({ ...call.response, ...changes }, call.pending),
    ),
  };
}

/** What is said of bytes in a place: the reason, or that they were taken. */
function saidOf({ open }: Place, cipher: Uint8Array): string {
  try {
    open(cipher);
    return "taken";
  } catch (error) {
    if (error instanceof KrbError) return error.reason;
    throw error;
  }
}

/** An empty ciphertext is one that was cut to nothing: its field is missing, in clear. */
const isWhole = (bytes: Uint8Array) => bytes.length > 0;

describe.each([
  [20, 16],
  [19, 16],
  [16, 8],
  [3, 8],
])("under etype %i", (etype, blockSize) => {
  const places = placesOf(etype);

  test.each(Object.entries(places))("%s, spoiled in every way", (_, place) => {
    expect(saidOf(place, place.cipher)).toBe("taken");
    const others: string[] = [];
    withoutTraces(() => {
      for (const { how, data } of tampered(place.cipher, blockSize)) {
        const said = saidOf(place, data);
        if (said !== place.reason && isWhole(data)) others.push(`${how}: ${said}`);
      }
    });
    expect(others).toEqual([]);
  });

  test("each in the place of each other", () => {
    for (const [name, place] of Object.entries(places))
      for (const [other, { cipher }] of Object.entries(places))
        expect([name, other, saidOf(place, cipher)]).toEqual([
          name,
          other,
          name === other ? "taken" : place.reason,
        ]);
  });
});

test("a principal's record, sealed under the master key: spoiled in every way, and another's", () => {
  const masterKey = new MasterKey(new Uint8Array(32).fill(7));
  const [alice, bob] = [makeEntry("alice", [20, 3]), makeEntry("bob", [20, 3])];
  const record = encodePrincipal(alice, masterKey);
  const said = (bytes: Uint8Array) => {
    try {
      decodePrincipal(bytes, masterKey, alice.principal);
      return "taken";
    } catch (error) {
      if (error instanceof StoreError) return error.code;
      throw error;
    }
  };
  expect(said(record)).toBe("taken");
  const answers = new Set<string>();
  for (const { data } of tampered(record, 16)) answers.add(said(data));
  answers.add(said(encodePrincipal(bob, masterKey)));
  // A record that names another master key is said to be under one.
  expect([...answers].toSorted()).toEqual(["corrupt", "wrong-key"]);
});
