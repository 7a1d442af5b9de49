/** Stages 9 to 11: the reply, the ticket in it, and what both say. */

import { KdcOption } from "../../../gen/kerberos/v1/kdc_pb.js";
import { WhoAmIRequestSchema, WhoAmIResponseSchema } from "../../../gen/kerberos/v1/operations_pb.js";
import { TicketFlag } from "../../../gen/kerberos/v1/sealed_pb.js";
import type { GrantTicketResponse } from "../../../gen/kerberos/v1/ticket_granting_service_pb.js";
import { makeSubkey } from "../../../protocol/ap-exchange.js";
import type { Credentials } from "../../../protocol/credentials.js";
import { type KdcReply, openKdcReply } from "../../../protocol/kdc-reply.js";
import { readKdcRequest } from "../../../protocol/kdc-request.js";
import { isoTime } from "../../../protocol/kerberos-time.js";
import { KeyUsage } from "../../../protocol/key-usage.js";
import { parsePrincipal } from "../../../protocol/principal.js";
import type { Sealing } from "../../../protocol/sealed-part.js";
import { openTicket, type TicketContents } from "../../../protocol/ticket.js";
import { flagNames } from "../../../protocol/ticket-flags.js";
import type { Bench } from "../bench.js";
import { askWith, type Different, forgedTgt, inMinutes } from "../requests.js";
import type { Stage } from "../stage.js";

export const REPLY: Stage = {
  title: "seals the reply for the client, and echoes what was asked",
  clause: "RFC 4120 §3.3.3, §3.3.4, §5.4.2",
  section: "3 and 4: GrantTicket; 1 and 2: Authenticate, What the client checks",
  hint:
    "EncKdcRepPart holds the new session key, the request's nonce, client, server and list of etypes, the " +
    "times, the flags in ascending order, and the server's own time; the key that seals it is the " +
    "authenticator's subkey (usage 9) if there is one, and else the ticket's session key (usage 8)",
  async run(bench) {
    const tgt = await bench.realm.login();
    const plain = await opened(bench, "a request without a subkey", tgt, {});
    const subkey = makeSubkey(tgt.key);
    const other = await opened(bench, "a request with a subkey", tgt, { subkey });
    const late = { ctime: inMinutes(-4) };
    const { kdcOffset } = await opened(bench, "a request by a clock that is four minutes behind", tgt, late);
    const seconds = Math.round(kdcOffset / 1000);
    const isOwn = Math.abs(kdcOffset) < 60_000;
    bench.found("its reply", "kdc_time: the server's own", `kdc_time: off by ${seconds} s`, isOwn);
    const keys = [tgt.key, plain.credentials.key, other.credentials.key] as const;
    const areFresh = !keys[0].equals(keys[1]) && !keys[0].equals(keys[2]) && !keys[1].equals(keys[2]);
    const arrived = areFresh ? "a fresh session key each" : "a session key that was there before";
    bench.found("the first two replies", "a fresh session key each", arrived, areFresh);
  },
};

export const TICKET: Stage = {
  title: "makes a ticket that its service accepts",
  clause: "RFC 4120 §3.3.3, §5.3",
  section: "3 and 4: GrantTicket; 5 and 6: Access",
  hint:
    "EncTicketPart holds the same session key, client, server, times and flags as the reply; it is sealed " +
    "under the key of the service that was asked for, with its kvno and key usage 2",
  async run(bench) {
    const { realm } = bench;
    using client = realm.client(bench.address, bench.timeoutMs);
    await realm.loginWith(client);
    const whoAmI = { request: WhoAmIRequestSchema, response: WhoAmIResponseSchema };
    const { principal, address } = realm.v;
    const answer = await client.access({ principal, address }, whoAmI, {}).then(
      (response) => `V answers ${response.client}`,
      (error: Error & { text?: string }) => error.text ?? error.message,
    );
    const expected = `V answers ${realm.alice}`;
    bench.found("the client: login, ticket for V, WhoAmI", expected, answer, answer === expected);
    const tgt = await realm.login();
    const { ticket, credentials } = await granted(bench, "a request for the other service", tgt, {});
    const same = ticket.client === tgt.client && ticket.sessionKey.equals(credentials.key);
    const inside = same ? "the reply's client and session key" : "another client or session key";
    bench.found("its ticket", "the reply's client and session key", inside, same);
  },
};

export const TIMES_AND_FLAGS: Stage = {
  title: "lets no ticket outlive its TGT, and hands on the right flags",
  clause: "RFC 4120 §3.3.3, §2.1",
  section: "3 and 4: GrantTicket, What it chooses",
  hint:
    "authtime is the TGT's; starttime is now; endtime is the earliest of the TGT's and the client's " +
    "`till`; of the flags PRE_AUTHENT is handed on, INITIAL never; a `till` that is over is " +
    "KDC_ERR_NEVER_VALID",
  async run(bench) {
    const { realm } = bench;
    const tgt = forgedTgt(realm, { endtime: inMinutes(20) });
    const long = "a wish of five hours, with a TGT that ends in 20 minutes";
    const first = await granted(bench, long, tgt, { wish: { till: inMinutes(300) } });
    endsBy(bench, "its reply", first.credentials.endtime, tgt.endtime);
    endsBy(bench, "its ticket", first.ticket.endtime, tgt.endtime);
    const till = inMinutes(10);
    const second = await granted(bench, "a wish of ten minutes", tgt, { wish: { till } });
    endsBy(bench, "its ticket", second.ticket.endtime, till);
    const { authtime, starttime, flags } = second.ticket;
    const times = (at: number) => `authtime ${isoTime(at)}`;
    bench.found("its ticket", times(tgt.authtime), times(authtime), authtime === tgt.authtime);
    const isNow = Math.abs(starttime - Date.now()) < 60_000;
    bench.found("its ticket", "starttime: now", `starttime: ${isoTime(starttime)}`, isNow);
    onlyPreAuthent(bench, flags);
    const options = { wish: { options: [KdcOption.RENEWABLE] } };
    const third = await granted(bench, "a wish for a renewable ticket, of a TGT that is not", tgt, options);
    onlyPreAuthent(bench, third.ticket.flags);
    const over = askWith(realm, tgt, { wish: { till: inMinutes(-10) } }).request;
    await bench.refused("a wish for a ticket that ended ten minutes ago", over, "KDC_ERR_NEVER_VALID");
  },
};

/** Asks for a ticket, and opens the reply as the client does. */
async function opened(bench: Bench, sent: string, tgt: Credentials, different: Different): Promise<KdcReply> {
  const { request, body } = askWith(bench.realm, tgt, different);
  const response = await bench.answered(sent, request);
  const { subkey } = different;
  const sealing = subkey
    ? { key: subkey, usage: KeyUsage.TGS_REP_SUBKEY }
    : { key: tgt.key, usage: KeyUsage.TGS_REP_SESSION_KEY };
  const asked = {
    client: tgt.client,
    server: parsePrincipal(body.server, "body.server"),
    request: readKdcRequest(body, "body"),
  };
  const under = subkey ? "the subkey (usage 9)" : "the session key (usage 8)";
  const expected = `opens under ${under}, and answers the request`;
  return tried(bench, "its reply", expected, () => read(response, sealing, asked));
}

function read(response: GrantTicketResponse, sealing: Sealing, asked: Parameters<typeof openKdcReply>[3]) {
  return openKdcReply(response, "encTgsRepPart", sealing, asked, Date.now());
}

/** Asks for a ticket for the service that does not run, and opens it with that service's key. */
async function granted(
  bench: Bench,
  sent: string,
  tgt: Credentials,
  different: Different,
): Promise<{ ticket: TicketContents; credentials: Credentials }> {
  const { archive, etypes } = bench.realm;
  const { credentials } = await opened(bench, sent, tgt, { ...different, server: archive.principal });
  const service = { principal: archive.principal, keys: [archive.key] };
  const ticket = tried(bench, "its ticket", `opens under the key of ${archive.principal}`, () =>
    openTicket(credentials.ticket, service, etypes),
  );
  return { ticket, credentials };
}

/** What `open` gives; what it throws is what arrived. */
function tried<T>(bench: Bench, sent: string, expected: string, open: () => T): T {
  let result: T;
  try {
    result = open();
  } catch (error) {
    const { text, message } = error as { text?: string; message: string };
    bench.found(sent, expected, text ?? message, false);
    throw error;
  }
  bench.found(sent, expected, expected, true);
  return result;
}

function endsBy(bench: Bench, sent: string, endtime: number, limit: number): void {
  bench.found(
    sent,
    `endtime ${isoTime(limit)} at the latest`,
    `endtime ${isoTime(endtime)}`,
    endtime <= limit,
  );
}

function onlyPreAuthent(bench: Bench, flags: readonly TicketFlag[]): void {
  const expected = flagsText([TicketFlag.PRE_AUTHENT]);
  bench.found("its ticket", expected, flagsText(flags), flagsText(flags) === expected);
}

function flagsText(flags: readonly TicketFlag[]): string {
  return `flags ${flagNames(flags).join(", ") || "none"}`;
}
