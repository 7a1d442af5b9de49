import { describe, expect, test } from "vitest";
import { parsePrincipal } from "../../src/protocol/principal.js";
import {
  badKeyVersion,
  noKey,
  notUs,
  sessionKeyRefused,
  ticketEtypeRefused,
} from "../../src/protocol/ticket-refusals.js";
import { toStatus } from "../../src/rpc/status.js";

const server = parsePrincipal("orders/localhost@EXAMPLE.TEST", "server");
const tgs = parsePrincipal("krbtgt/EXAMPLE.TEST@EXAMPLE.TEST", "server");
const AES = "aes256-cts-hmac-sha384-192 (20), aes128-cts-hmac-sha256-128 (19)";

// A DES ticket to a service of `standard` was refused with two numbers and no way out.
describe("an encryption type that the service does not accept is named, with the way out:", () => {
  test("new keys, or for a weak one the profile", () => {
    expect(ticketEtypeRefused(3, server, [20, 19])).toMatchObject({
      reason: "KDC_ERR_ETYPE_NOSUPP",
      message:
        `the ticket is under des-cbc-md5 (3), accepted here: ${AES}; give the service such keys: ` +
        "tessera kadmin ktadd -k FILE -e aes256 orders/localhost@EXAMPLE.TEST; " +
        "weak ones are accepted from loopback " +
        "only, by the profile textbook",
      details: { field: "ticket", server, etype: "3", permitted: "20 19" },
    });
    expect(ticketEtypeRefused(19, server, [20]).message).toMatch(/ktadd -k FILE -e aes256 orders\/\S+$/);
  });

  test("a type that nobody has here", () => {
    expect(ticketEtypeRefused(23, server, [20]).message).toContain("the ticket is under type 23, accepted");
  });

  test("a new login, where it is a TGT", () => {
    expect(ticketEtypeRefused(3, tgs, [20, 19]).message).toMatch(/; log in again: tessera kinit$/);
  });

  test("another session key", () => {
    expect(sessionKeyRefused(3, [20, 19])).toMatchObject({
      reason: "KDC_ERR_ETYPE_NOSUPP",
      message:
        `the ticket's session key is of type des-cbc-md5 (3), accepted here: ${AES}; ` +
        "get one of these: tessera kinit -e aes256",
      details: { field: "ticket.key", etype: "3", permitted: "20 19" },
    });
  });
});

test("a key that the keytab lacks: what it has, and the command that writes it", () => {
  expect(noKey(20, server, [3])).toMatchObject({
    reason: "KRB_AP_ERR_NOKEY",
    message:
      "the ticket is under aes256-cts-hmac-sha384-192 (20), and the keys of orders/localhost@EXAMPLE.TEST " +
      "held here are des-cbc-md5 (3); write its keytab again: " +
      "tessera kadmin ktadd -k FILE -norandkey orders/localhost@EXAMPLE.TEST",
    details: { server, etype: "20", held: "3" },
  });
  expect(noKey(20, server, []).message).toContain("held here are none;");
});

describe("a version that is not held is mended", () => {
  const text = (kvno: number) => badKeyVersion({ etype: 20, kvno }, server, [4, 3]);

  test("at the service, where the ticket is the newer", () => {
    expect(text(5)).toMatchObject({
      reason: "KRB_AP_ERR_BADKEYVER",
      message:
        "the ticket was made with key version 5 of orders/localhost@EXAMPLE.TEST, held here: 4 3; " +
        "write its keytab again: tessera kadmin ktadd -k FILE -norandkey orders/localhost@EXAMPLE.TEST; " +
        "or, if the service was made anew, get a new ticket",
      details: { server, etype: "20", ticket_kvno: "5", held_kvno: "4 3" },
    });
  });

  test("by a new ticket, where it is the older", () => {
    expect(text(2).message).toMatch(/held here: 4 3; that version is over: get a new ticket: tessera kinit$/);
  });
});

describe("another service's ticket", () => {
  test("names both, and a realm that differs", () => {
    expect(notUs(server, "v/localhost@EXAMPLE.TEST")).toMatchObject({
      reason: "KRB_AP_ERR_NOT_US",
      message:
        "the ticket is for v/localhost@EXAMPLE.TEST, and this is orders/localhost@EXAMPLE.TEST: " +
        "call with a ticket for it, or at the other's address",
      details: { server, ticket_server: "v/localhost@EXAMPLE.TEST" },
    });
    expect(notUs(server, "orders/localhost@OTHER").message).toContain(
      "for orders/localhost@OTHER, of another realm",
    );
  });

  test("repeats nothing that is no name", () => {
    expect(notUs(server, "\u001b[31m")).toMatchObject({
      message: "the ticket is not for orders/localhost@EXAMPLE.TEST",
      details: { server },
    });
  });
});

test("texts with the longest names fit into a status", () => {
  const long = "a".repeat(63);
  const longest = parsePrincipal(`${[long, long].join("/")}@EXAMPLE.TEST`, "server");
  for (const refusal of [
    ticketEtypeRefused(19, longest, [20]),
    badKeyVersion({ etype: 20, kvno: 9 }, longest, [1]),
  ])
    expect(toStatus(refusal).details).toBe(refusal.message);
});
