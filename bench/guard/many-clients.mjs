// Many clients of one service, made by hand: what each sends with a call, one shot or under a session.
import { sha256 } from "../../dist/crypto/hash.js";
import { makeSubkey } from "../../dist/protocol/ap-exchange.js";
import { openApRep } from "../../dist/protocol/ap-rep.js";
import { makeCallApReq } from "../../dist/protocol/call-binding.js";
import { makeSessionCall } from "../../dist/protocol/session-call.js";
import { AP_REP_EXTENSIONS, readGrant, sessionExtensions } from "../../dist/protocol/session-extensions.js";
import { deriveSessionKeys } from "../../dist/protocol/session-keys.js";
import { CALL } from "./method.mjs";
import { credentialsOf } from "./ticket.mjs";

export const REQUEST = Buffer.alloc(256, 7);
/** The host that calls are made to, which the proofs are bound to. */
export const HOST = "127.0.0.1";
const REQUEST_SHA256 = sha256(REQUEST);
const FACTS = {
  method: CALL.path,
  authority: HOST,
  protection: "authenticate",
  requestSha256: REQUEST_SHA256,
};

/** One client with a ticket, and the session that `begin` made. */
export class BenchClient {
  #credentials;
  #session;
  #began = 0;
  #number = 0;

  constructor(issued) {
    this.#credentials = credentialsOf(issued);
  }

  /** A one-shot call's AP-REQ. */
  apReq() {
    return Buffer.from(makeCallApReq(this.#credentials, FACTS, undefined, Date.now()).bytes);
  }

  /** Makes a session. @param exchange sends an AP-REQ and returns the AP-REP. */
  async begin(exchange) {
    const subkey = makeSubkey(this.#credentials.key);
    const carried = { subkey, seqNumber: 0, extensions: sessionExtensions({ asksForSession: true }) };
    const { bytes, pending } = makeCallApReq(this.#credentials, FACTS, carried, Date.now());
    const apReq = Buffer.from(bytes);
    const apRep = await exchange(apReq);
    this.#began = performance.now();
    const opened = openApRep(apRep, pending, AP_REP_EXTENSIONS);
    const { id } = readGrant(opened.extensions);
    const origin = { clientSubkey: subkey, serviceSubkey: opened.subkey, id, apReq, apRep };
    this.#session = { id, keys: deriveSessionKeys(origin) };
  }

  /** The proof of a call under the session. */
  sessionCall() {
    const { id: session, keys } = this.#session;
    const number = ++this.#number;
    const age = Math.floor((performance.now() - this.#began) / 1000);
    const attempt = { session, number, call: number, protection: "authenticate", age };
    return Buffer.from(makeSessionCall(keys.call, attempt, FACTS));
  }
}
