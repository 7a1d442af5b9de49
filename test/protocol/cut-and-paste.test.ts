/**
 * Attack 1 of a KDC's list: blocks of two tickets put together (Bellovin & Merritt 1990;
 * MITKRB5-SA-2003-004). Under ECB it succeeds, which is why ECB is a lesson; under every type with integrity
 * each splice is refused.
 */
import { describe, expect, test } from "vitest";
import { ENCRYPTION_TYPES } from "../../src/crypto/etypes.js";
import { makeApReq, verifyApReq } from "../../src/protocol/ap-exchange.js";
import { AP_USE } from "../../src/protocol/authenticator.js";
import type { Credentials } from "../../src/protocol/credentials.js";
import { openTicket } from "../../src/protocol/ticket.js";
import {
  alterTicket,
  grantTicket,
  HOUR,
  login,
  makeEntry,
  makeRealm,
  NOW,
  servicePolicy,
  type TestRealm,
} from "../support/entries.js";
import { expectRefusal } from "./refusal.js";

const BLOCK = 8;
const covered = new Uint8Array();

/** Two users whose names are equally long and begin alike, with a ticket each for the same service. */
function twoUsers(etype: number): { realm: TestRealm; mine: Credentials; theirs: Credentials } {
  const realm = makeRealm(etype);
  const as = (name: string) => ({ ...realm, alice: makeEntry(name, [etype], { passwordKeyed: true }) });
  const ticketOf = (home: TestRealm) => grantTicket(home, login(home).credentials).credentials;
  return { realm, mine: ticketOf(as("alfie")), theirs: ticketOf(as("alice")) };
}

function cipherOf(ticket: Uint8Array): Uint8Array {
  let cipher = new Uint8Array();
  alterTicket(ticket, ({ encPart }) => {
    cipher = Uint8Array.from(encPart!.cipher);
  });
  return cipher;
}

/** My ticket with the ciphertext from `block` on taken from theirs. */
function splice(mine: Uint8Array, theirs: Uint8Array, block: number): Uint8Array {
  const tail = cipherOf(theirs).subarray(block * BLOCK);
  return alterTicket(mine, (ticket) => {
    ticket.encPart!.cipher = Uint8Array.of(...ticket.encPart!.cipher.subarray(0, block * BLOCK), ...tail);
  });
}

describe.each([
  // The block in which the client's name has its third letter: the session key lies before it, whole.
  [-1, "des-ecb", 4],
  [-2, "des-ede-ecb", 5],
])("under etype %d, %s, nothing notices", (etype, _, block) => {
  const { realm, mine, theirs } = twoUsers(etype);
  const { principal, keys } = realm.service;
  const open = (ticket: Uint8Array) => openTicket(ticket, { principal, keys }, [etype]);

  test("that the front of my ticket was put before the end of another's: their name, my session key", () => {
    const forged = splice(mine.ticket, theirs.ticket, block);
    const contents = open(forged);
    expect(contents.client).toBe("alice@EXAMPLE.TEST");
    expect(contents.sessionKey.exportBytes()).toEqual(mine.key.exportBytes());
  });

  test("and so the service takes me for another, without her password or key", () => {
    const ticket = splice(mine.ticket, theirs.ticket, block);
    const stolen = { ...mine, client: theirs.client, ticket };
    const { blobs } = makeApReq(stolen, AP_USE, covered, undefined, NOW);
    expect(verifyApReq(blobs, AP_USE, covered, servicePolicy(realm), NOW).client).toBe("alice@EXAMPLE.TEST");
  });

  test("that a ticket was given the later end of another", () => {
    const later = grantTicket(
      { ...realm, alice: makeEntry("alfie", [etype], { passwordKeyed: true }) },
      mineLater(realm, etype),
      {},
      NOW + HOUR,
    ).credentials;
    const own = cipherOf(mine.ticket);
    // Both tickets have the same layout: from the times on, everything may be taken from the other.
    const from = own.findIndex(
      (byte, i) => i >= block * BLOCK + BLOCK * 3 && byte !== cipherOf(later.ticket)[i],
    );
    const extended = splice(mine.ticket, later.ticket, Math.floor(from / BLOCK));
    expect(open(extended).endtime).toBe(later.endtime);
    expect(open(extended).sessionKey.exportBytes()).toEqual(mine.key.exportBytes());
  });

  test("and equal blocks show equal contents: tickets of one second differ only where keys and names do", () => {
    const [one, other] = [cipherOf(mine.ticket), cipherOf(theirs.ticket)];
    const differing: number[] = [];
    for (let i = 0; i < one.length; i += BLOCK)
      if (Buffer.compare(one.subarray(i, i + BLOCK), other.subarray(i, i + BLOCK)) !== 0)
        differing.push(i / BLOCK);
    expect(one.length).toBe(other.length);
    expect(differing.length).toBeLessThanOrEqual(4);
    expect(one.length / BLOCK).toBeGreaterThan(12);
  });

  test("unless the result is no ticket in canonical form, which stops most splices and not these", () => {
    let refused = 0;
    for (let at = 1; at < cipherOf(mine.ticket).length / BLOCK; at++) {
      const swapped = alterTicket(mine.ticket, ({ encPart }) => {
        const { cipher } = encPart!;
        const kept = cipher.slice((at - 1) * BLOCK, at * BLOCK);
        cipher.copyWithin((at - 1) * BLOCK, at * BLOCK, (at + 1) * BLOCK);
        cipher.set(kept, at * BLOCK);
      });
      try {
        open(swapped);
      } catch {
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(0);
  });
});

describe.each(
  [...ENCRYPTION_TYPES.values()].filter((row) => row.integrity).map((row) => [row.etype, row.name] as const),
)("under etype %d, %s, the ticket is refused", (etype) => {
  const { realm, mine, theirs } = twoUsers(etype);
  const { principal, keys } = realm.service;
  const expectRefused = (ticket: Uint8Array) =>
    expectRefusal(() => openTicket(ticket, { principal, keys }, [etype]), "KRB_AP_ERR_BAD_INTEGRITY", {
      part: "ticket",
    });
  const blocks = Math.floor(cipherOf(mine.ticket).length / BLOCK);

  test("wherever it is put together from two", () => {
    for (let block = 1; block < blocks; block++) {
      expectRefused(splice(mine.ticket, theirs.ticket, block));
      expectRefused(splice(theirs.ticket, mine.ticket, block));
    }
  });

  test("with one block of another in any place", () => {
    const other = cipherOf(theirs.ticket);
    for (let block = 0; block < blocks; block++)
      expectRefused(
        alterTicket(mine.ticket, ({ encPart }) =>
          encPart!.cipher.set(other.subarray(block * BLOCK, (block + 1) * BLOCK), block * BLOCK),
        ),
      );
  });

  test("with any two neighbouring blocks swapped, or a block twice, or a block left out", () => {
    for (let block = 1; block < blocks; block++) {
      const [before, at, after] = [(block - 1) * BLOCK, block * BLOCK, (block + 1) * BLOCK];
      const rebuilt = (...order: [number, number][]) =>
        alterTicket(mine.ticket, ({ encPart }) => {
          const { cipher } = encPart!;
          encPart!.cipher = Uint8Array.from(order.flatMap(([from, to]) => [...cipher.subarray(from, to)]));
        });
      const end = cipherOf(mine.ticket).length;
      expectRefused(rebuilt([0, before], [at, after], [before, at], [after, end]));
      expectRefused(rebuilt([0, at], [before, at], [at, end]));
      expectRefused(rebuilt([0, before], [at, end]));
    }
  });
});

function mineLater(realm: TestRealm, etype: number): Credentials {
  const adele = { ...realm, alice: makeEntry("alfie", [etype], { passwordKeyed: true }) };
  return login(adele, {}, NOW + HOUR).credentials;
}
