import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { TicketSchema } from "../../src/gen/kerberos/v1/sealed_pb.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { type LongTermKey, randomKey } from "../../src/protocol/keys.js";
import { parsePrincipal } from "../../src/protocol/principal.js";
import { makeTicket, openTicket } from "../../src/protocol/ticket.js";
import { beginsAsTicket } from "../../src/protocol/ticket-bytes.js";
import { HOUR, NOW } from "../support/entries.js";

const principal = parsePrincipal("v/localhost@EXAMPLE.TEST", "v");
const long = (kvno: number): LongTermKey => ({ kvno, key: randomKey(etypeOf(20)) });

function ticketUnder(serviceKey: LongTermKey): Uint8Array {
  return makeTicket(
    {
      client: parsePrincipal("alice@EXAMPLE.TEST", "alice"),
      server: principal,
      sessionKey: randomKey(etypeOf(20)),
      flags: [],
      authtime: NOW,
      starttime: NOW,
      endtime: NOW + HOUR,
      renewTill: undefined,
      addresses: [],
      authorizationData: [],
    },
    serviceKey,
  );
}

// An old program's ktadd wrote version 257 into 8 bits: every ticket was refused with BADKEYVER.
describe("a ticket finds the key of its version", () => {
  const key = long(257);
  const ticket = ticketUnder(key);
  const opened = (...keys: LongTermKey[]) => openTicket(ticket, { principal, keys }, [20]).client;

  test("by the low 8 bits, which is all that some keytabs keep", () => {
    expect(opened({ ...key, kvno: 1 })).toBe("alice@EXAMPLE.TEST");
    expect(opened(long(2), { ...key, kvno: 1 })).toBe("alice@EXAMPLE.TEST");
  });

  test("but by the whole number where there is one", () => {
    expect(opened(long(1), key)).toBe("alice@EXAMPLE.TEST");
  });

  test("and never by a higher number, nor by another's low bits", () => {
    for (const kvno of [513, 2, 0])
      expect(() => opened({ ...key, kvno })).toThrow(
        expect.objectContaining({
          reason: "KRB_AP_ERR_BADKEYVER",
          details: expect.objectContaining({ held_kvno: `${kvno}` }),
        }),
      );
  });
});

describe("keys of every service of a realm", () => {
  const key = long(1);
  const ofWholeRealm = {
    principal: parsePrincipal("any@EXAMPLE.TEST", "x"),
    keys: [key],
    ofWholeRealm: true,
  };
  const ticket = ticketUnder(key);
  const refused = expect.objectContaining({ reason: "KRB_AP_ERR_NOT_US" });

  test("open a ticket for each of them, and for no other realm's", () => {
    expect(openTicket(ticket, ofWholeRealm, [20]).server).toBe(principal);
    for (const realm of ["OTHER.TEST", "TEST", "XEXAMPLE.TEST"]) {
      const elsewhere = { ...ofWholeRealm, principal: parsePrincipal(`any@${realm}`, "x") };
      expect(() => openTicket(ticket, elsewhere, [20])).toThrow(refused);
    }
    expect(() => openTicket(ticket, { ...ofWholeRealm, ofWholeRealm: false }, [20])).toThrow(refused);
  });

  test("open none whose clear name is not the one under the seal", () => {
    const renamed = fromBinary(TicketSchema, ticket);
    renamed.server = "w/localhost@EXAMPLE.TEST";
    expect(() => openTicket(toBinary(TicketSchema, renamed), ofWholeRealm, [20])).toThrow(refused);
  });
});

test("a ticket is told from other systems' tickets", () => {
  expect(beginsAsTicket(ticketUnder(long(1)))).toBe(true);
  for (const other of ["", "6103020105", "00"]) expect(beginsAsTicket(Buffer.from(other, "hex"))).toBe(false);
});
