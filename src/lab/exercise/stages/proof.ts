/** Stages 4 to 8: the ticket, its authenticator, and what is asked with them. */
import type { ChecksumType } from "../../../gen/kerberos/v1/encryption_pb.js";
import { TicketFlag } from "../../../gen/kerberos/v1/sealed_pb.js";
import { randomKey } from "../../../protocol/keys.js";
import { principalInRealm } from "../../../protocol/principal.js";
import { askWith, bodyBytes, forgedTgt, inMinutes, withAuthenticator } from "../requests.js";
import type { Stage } from "../stage.js";

/** RSA-MD5 of RFC 3961 §6.1: a checksum without a key. */
const RSA_MD5 = 7;

export const OPENS_TGT: Stage = {
  title: "opens the ticket-granting ticket",
  clause: "RFC 4120 §3.2.3",
  section: "3 and 4: GrantTicket; Bytes within messages, Sealing",
  hint:
    "take the key of krbtgt/REALM@REALM whose version is the `kvno` in the ticket, and open `enc_part` " +
    "with key usage 2; whatever does not open is KRB_AP_ERR_BAD_INTEGRITY",
  async run(bench) {
    const { realm } = bench;
    const { kvno, key } = realm.krbtgt.key;
    const tgt = forgedTgt(realm);
    const ticket = Uint8Array.from(tgt.ticket);
    ticket[ticket.length - 1]! ^= 1;
    const altered = askWith(realm, { ...tgt, ticket }).request;
    await bench.refused("a ticket with one bit changed", altered, "KRB_AP_ERR_BAD_INTEGRITY");
    const forged = forgedTgt(realm, { sealedWith: { kvno, key: randomKey(key.etype) } });
    const under = askWith(realm, forged).request;
    await bench.refused("a ticket under a key that is not the TGS's", under, "KRB_AP_ERR_BAD_INTEGRITY");
    const newer = askWith(realm, forgedTgt(realm, { sealedWith: { kvno: kvno + 1, key } })).request;
    const text = `a ticket under version ${kvno + 1} of the TGS's key`;
    await bench.refused(text, newer, "KRB_AP_ERR_BADKEYVER");
  },
};

export const AUTHENTICATOR: Stage = {
  title: "checks the authenticator's client and time",
  clause: "RFC 4120 §3.2.3",
  section: "3 and 4: GrantTicket; Names and times",
  hint:
    "open the authenticator with the session key from the ticket, key usage 7; its client is the ticket's; " +
    "its ctime is off by no more than the clock skew, either way",
  async run(bench) {
    const { realm } = bench;
    const tgt = forgedTgt(realm);
    const stranger = askWith(realm, { ...tgt, key: randomKey(tgt.key.etype) }).request;
    const otherKey = "an authenticator under another key than the ticket's session key";
    await bench.refused(otherKey, stranger, "KRB_AP_ERR_BAD_INTEGRITY");
    const mallory = askWith(realm, { ...tgt, client: realm.mallory }).request;
    const otherName = "an authenticator that names mallory, with alice's ticket and session key";
    await bench.refused(otherName, mallory, "KRB_AP_ERR_BADMATCH");
    const late = askWith(realm, tgt, { ctime: inMinutes(-10) }).request;
    await bench.refused("an authenticator from ten minutes ago", late, "KRB_AP_ERR_SKEW");
    const early = askWith(realm, tgt, { ctime: inMinutes(10) }).request;
    await bench.refused("an authenticator from ten minutes ahead", early, "KRB_AP_ERR_SKEW");
  },
};

export const CHECKSUM: Stage = {
  title: "checks the body's checksum",
  clause: "RFC 4120 §3.3.2",
  section: "3 and 4: GrantTicket; Encryption types",
  hint:
    "the checksum has the type that goes with the session key (20 under type 20), key usage 6, over the " +
    "bytes of `body` as they came",
  async run(bench) {
    const { realm } = bench;
    const tgt = forgedTgt(realm);
    const other = askWith(realm, tgt, {
      server: realm.archive.principal,
      covered: (body) => bodyBytes({ ...body, server: realm.v.principal }),
    }).request;
    await bench.refused("a body whose server was changed on the way", other, "KRB_AP_ERR_MODIFIED");
    const good = askWith(realm, tgt).request;
    const without = withAuthenticator(good, tgt, (authenticator) => {
      delete authenticator.checksum;
    });
    await bench.refused("an authenticator without a checksum", without, "KRB_AP_ERR_INAPP_CKSUM");
    const unkeyed = withAuthenticator(good, tgt, ({ checksum }) => {
      checksum!.type = RSA_MD5 as ChecksumType;
    });
    await bench.refused("a checksum of a type without a key", unkeyed, "KRB_AP_ERR_INAPP_CKSUM");
  },
};

export const TICKET_TIMES: Stage = {
  title: "refuses a ticket out of its time",
  clause: "RFC 4120 §3.2.3",
  section: "Names and times",
  hint:
    "a ticket is good from starttime − skew to endtime + skew, and never with the flag INVALID; look at " +
    "the times that are sealed in it",
  async run(bench) {
    const { realm } = bench;
    const ended = { authtime: inMinutes(-120), starttime: inMinutes(-120), endtime: inMinutes(-60) };
    const over = askWith(realm, forgedTgt(realm, ended)).request;
    await bench.refused("a ticket that ended an hour ago", over, "KRB_AP_ERR_TKT_EXPIRED");
    const yetToCome = { starttime: inMinutes(60), endtime: inMinutes(120) };
    const early = askWith(realm, forgedTgt(realm, yetToCome)).request;
    await bench.refused("a ticket that begins in an hour", early, "KRB_AP_ERR_TKT_NYV");
    const flags = [TicketFlag.INVALID, TicketFlag.INITIAL, TicketFlag.PRE_AUTHENT];
    const invalid = askWith(realm, forgedTgt(realm, { flags })).request;
    await bench.refused("a ticket with the flag INVALID", invalid, "KRB_AP_ERR_TKT_NYV");
  },
};

export const UNKNOWN_SERVER: Stage = {
  title: "refuses a service that it does not know",
  clause: "RFC 4120 §3.3.3, §7.5.9",
  section: "3 and 4: GrantTicket",
  hint: "the services are those in the file EXERCISE_KEYS; the refusal comes after the proof, never before",
  async run(bench) {
    const { realm } = bench;
    const server = principalInRealm("nobody/localhost", realm.realm);
    const nobody = askWith(realm, forgedTgt(realm), { server }).request;
    await bench.refused(`a request for ${server}`, nobody, "KDC_ERR_S_PRINCIPAL_UNKNOWN");
    const late = askWith(realm, forgedTgt(realm), { server, ctime: inMinutes(-10) }).request;
    await bench.refused("the same with an old authenticator", late, "KRB_AP_ERR_SKEW");
  },
};
