/**
 * Why the KDC keeps no replay cache (docs/design.md): a model of who learns what. An attacker who records a
 * login and a ticket's exchange, and sends copies of the TGS-REQ as often as they like, is given every
 * answer; they take messages apart and open what they have keys for. The model finds what a copy yields in
 * three planted mistakes, so that it can find something.
 */
import { describe, expect, test } from "vitest";

/** A name or a key, several terms together, or a term sealed under a key. */
type Term = string | readonly Term[] | { readonly key: string; readonly sealed: Term };

const sealed = (key: string, ...terms: Term[]): Term => ({ key, sealed: terms });

/** All that can be had from messages by taking apart and opening. */
function knowledge(messages: readonly Term[]): Set<string> {
  const known = new Set<string>();
  const locked: { key: string; sealed: Term }[] = [];
  const learn = (term: Term): void => {
    if (typeof term === "string") known.add(term);
    else if ("key" in term) locked.push(term);
    else for (const part of term) learn(part);
  };
  messages.forEach(learn);
  for (let before = -1; before !== known.size; ) {
    before = known.size;
    for (const { key, sealed: inside } of [...locked]) if (known.has(key)) learn(inside);
  }
  return known;
}

interface TgsReq {
  readonly ticket: { readonly key: string; readonly client: string };
  /** What the authenticator holds: a subkey, if the client chose one, and which body it covers. */
  readonly authenticator: { readonly subkey?: string; readonly covers: string };
  readonly body: { readonly server: string; readonly nonce: string };
}

/** How a TGS answers; the real one is `issueServiceTicket`. */
interface Tgs {
  /** The key of the reply. */
  readonly replyKey: (request: TgsReq) => string;
  /** The session key of the new ticket. */
  readonly sessionKey: (request: TgsReq, answer: number) => string;
  readonly checksBody: boolean;
}

const REAL: Tgs = {
  replyKey: ({ ticket, authenticator }) => authenticator.subkey ?? ticket.key,
  sessionKey: (_, answer) => `session key ${answer}`,
  checksBody: true,
};

const bodyOf = ({ server, nonce }: TgsReq["body"]) => `${server} ${nonce}`;

/** The answer as it travels, and whom V will take its holder for. */
function answer(tgs: Tgs, request: TgsReq, number: number): Term | undefined {
  const { ticket, authenticator, body } = request;
  if (tgs.checksBody && authenticator.covers !== bodyOf(body)) return undefined;
  const key = tgs.sessionKey(request, number);
  return [
    sealed(`long-term key of ${body.server}`, key, ticket.client),
    sealed(tgs.replyKey(request), key, body.server, body.nonce),
  ];
}

const BODY = { server: "v", nonce: "nonce" };
/** What the attacker may do to the part of a request that is not sealed. */
const BODIES = [BODY, { server: "attacker's service", nonce: "nonce" }, { server: "v", nonce: "attacker" }];
const COPIES = 8;

/** What the attacker knows after one honest login and exchange, and copies with every body. */
function afterReplays(tgs: Tgs, subkey: string | undefined) {
  const request: TgsReq = {
    ticket: { key: "TGT's key", client: "alice" },
    authenticator: { ...(subkey === undefined ? {} : { subkey }), covers: bodyOf(BODY) },
    body: BODY,
  };
  const travelled: Term[] = [
    "alice",
    "attacker",
    "long-term key of attacker's service",
    sealed("alice's key", "TGT's key", "krbtgt"),
    sealed("krbtgt's key", "TGT's key", "alice"),
    sealed("TGT's key", "alice", ...(subkey === undefined ? [] : [subkey]), bodyOf(BODY)),
    BODY.server,
    BODY.nonce,
  ];
  const answers: Term[] = [];
  for (const body of BODIES)
    for (let copy = 0; copy < COPIES; copy++) {
      const given = answer(tgs, { ...request, body }, answers.length);
      if (given !== undefined) answers.push(given);
    }
  const known = knowledge([...travelled, ...answers]);
  const keys = answers.map((_, number) => tgs.sessionKey(request, number));
  return { answers: answers.length, learnt: keys.filter((key) => known.has(key)) };
}

describe.each([undefined, "subkey"])("copies of a TGS-REQ, with subkey %s", (subkey) => {
  test("are answered, and not one key is learnt from the answers", () => {
    expect(afterReplays(REAL, subkey)).toEqual({ answers: COPIES, learnt: [] });
  });

  test("would yield keys if the reply's key could be named from outside", () => {
    const mistake = { ...REAL, replyKey: ({ body }: TgsReq) => `long-term key of ${body.server}` };
    expect(afterReplays({ ...mistake, checksBody: false }, subkey).learnt).not.toEqual([]);
  });

  test("would yield keys for the attacker's service if the body were not covered", () => {
    expect(afterReplays({ ...REAL, checksBody: false }, subkey).learnt).not.toEqual([]);
  });

  test("would yield keys if a key were made from what is in the open", () => {
    const mistake = { ...REAL, sessionKey: ({ body }: TgsReq) => body.nonce };
    expect(afterReplays(mistake, subkey).learnt).not.toEqual([]);
  });
});
