import { describe, expect, test } from "vitest";
import { etypeOf } from "../../src/protocol/etypes.js";
import { randomKey } from "../../src/protocol/keys.js";
import { parsePrincipal } from "../../src/protocol/principal.js";
import { makeTicket, type ServiceKeys, type TicketContents } from "../../src/protocol/ticket.js";
import { TicketCache } from "../../src/services/ticket-cache.js";
import { refusalOf } from "../protocol/refusal.js";

const NOW = Date.UTC(2026, 2, 1, 12);
const SKEW = 300_000;
const principal = parsePrincipal("orders/api.example.test@TEST.EXAMPLE", "service");
const PERMITTED = [20];

/** What a ticket of the usual length counts for. */
const TICKET_BYTES = 8 * 1024;

function world(bytes?: number) {
  const clock = { now: NOW };
  const service: ServiceKeys = { principal, keys: [{ kvno: 1, key: randomKey(etypeOf(20)) }] };
  const cache = new TicketCache({ clockSkew: SKEW, bytes });
  const ticket = (changes: Partial<TicketContents> = {}) =>
    makeTicket(
      {
        client: parsePrincipal("alice@TEST.EXAMPLE", "client"),
        server: principal,
        sessionKey: randomKey(etypeOf(20)),
        flags: [],
        authtime: NOW,
        starttime: NOW,
        endtime: NOW + 1_000,
        renewTill: undefined,
        addresses: [],
        authorizationData: [],
        ...changes,
      },
      service.keys[0]!,
    );
  return { clock, service, cache, ticket };
}

describe("a ticket seen before", () => {
  test("is not opened again, and keeps its session key with what was derived from it", () => {
    const { clock, service, cache, ticket } = world();
    const bytes = ticket();
    const first = cache.open(bytes, service, PERMITTED, clock.now);
    const again = cache.open(Uint8Array.from(bytes), { ...service }, [...PERMITTED], clock.now);
    expect(again).toBe(first);
    expect(again.sessionKey.cipher).toBe(first.sessionKey.cipher);
  });

  test("is one by all of its bytes", () => {
    const { clock, service, cache, ticket } = world();
    const bytes = ticket();
    cache.open(bytes, service, PERMITTED, clock.now);
    for (const at of [bytes.length - 1, bytes.length - 8, bytes.length - 100]) {
      const changed = Uint8Array.from(bytes);
      changed[at]! ^= 1;
      expect(refusalOf(() => cache.open(changed, service, PERMITTED, clock.now)).reason).toBe(
        "KRB_AP_ERR_BAD_INTEGRITY",
      );
    }
    expect(cache.size).toBe(1);
  });

  test("is found though its bytes were reused since for others", () => {
    const { clock, service, cache, ticket } = world();
    const bytes = ticket();
    const travelled = Uint8Array.from(bytes);
    const first = cache.open(travelled, service, PERMITTED, clock.now);
    travelled.fill(0);
    expect(cache.open(bytes, service, PERMITTED, clock.now)).toBe(first);
  });

  test("is forgotten after its end and the clock skew, to the millisecond", () => {
    const { clock, service, cache, ticket } = world();
    const bytes = ticket();
    const first = cache.open(bytes, service, PERMITTED, clock.now);
    clock.now = NOW + 1_000 + SKEW;
    expect(cache.open(bytes, service, PERMITTED, clock.now)).toBe(first);
    clock.now++;
    expect(cache.open(bytes, service, PERMITTED, clock.now)).not.toBe(first);
    expect(cache.size).toBe(0);
  });

  test("is forgotten in time even if it never comes again", () => {
    const { clock, service, cache, ticket } = world();
    cache.open(ticket(), service, PERMITTED, clock.now);
    clock.now = NOW + 1_001 + SKEW;
    cache.open(ticket({ endtime: clock.now + 1_000 }), service, PERMITTED, clock.now);
    expect(cache.size).toBe(1);
  });

  test("is forgotten when the keys change, even under one number, not when they are read anew", () => {
    const { clock, service, cache, ticket } = world();
    const bytes = ticket();
    const first = cache.open(bytes, service, PERMITTED, clock.now);
    const same = { principal, keys: [...service.keys] };
    expect(cache.open(bytes, same, PERMITTED, clock.now)).toBe(first);
    const other = { principal, keys: [{ kvno: 1, key: randomKey(etypeOf(20)) }] };
    expect(refusalOf(() => cache.open(bytes, other, PERMITTED, clock.now)).reason).toBe(
      "KRB_AP_ERR_BAD_INTEGRITY",
    );
    expect(cache.size).toBe(0);
    expect(cache.open(bytes, service, PERMITTED, clock.now)).not.toBe(first);
  });

  test("is no way around the encryption types that are permitted", () => {
    const { service, cache, ticket } = world();
    const bytes = ticket();
    cache.open(bytes, service, [20], NOW);
    expect(refusalOf(() => cache.open(bytes, service, [19], NOW)).reason).toBe("KDC_ERR_ETYPE_NOSUPP");
  });
});

test("a full cache forgets the ticket not seen for longest", () => {
  const { clock, service, cache, ticket } = world(2 * TICKET_BYTES);
  const [a, b, c] = [ticket(), ticket(), ticket()] as const;
  const opened = cache.open(a, service, PERMITTED, clock.now);
  const second = cache.open(b, service, PERMITTED, clock.now);
  cache.open(a, service, PERMITTED, clock.now);
  cache.open(c, service, PERMITTED, clock.now);
  expect(cache.size).toBe(2);
  expect(cache.open(a, service, PERMITTED, clock.now)).toBe(opened);
  expect(cache.open(b, service, PERMITTED, clock.now)).not.toBe(second);
});

test("a long ticket counts for more", () => {
  const { clock, service, cache, ticket } = world(3 * TICKET_BYTES);
  const long = ticket({ authorizationData: [{ type: 1, data: new Uint8Array(TICKET_BYTES) }] });
  for (const bytes of [ticket(), long]) cache.open(bytes, service, PERMITTED, clock.now);
  expect(cache.size).toBe(1);
});

test.each([0, TICKET_BYTES - 1, 1e6 + 0.5, Number.NaN])("%d bytes are refused", (bytes) => {
  expect(() => world(bytes)).toThrow(
    new RangeError(`ticketCacheBytes: expected a whole number from ${TICKET_BYTES} up, got ${bytes}`),
  );
});
