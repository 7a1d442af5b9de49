/**
 * Bugs to plant into a copy of the build, so that the simulation shows what it would find. Each puts other
 * texts in place of those of one file; every text must be there exactly once.
 */

export const BUGS = [
  {
    name: "a skew of a year",
    file: "protocol/kerberos-time.js",
    changes: [["if (Math.abs(offset) <= skew)", "if (Math.abs(offset) <= 365 * 86_400_000)"]],
  },
  {
    name: "a floor of protection dropped",
    file: "services/guard/admission-policy.js",
    changes: [["if (isAtLeast(protection, floor))", "if (isAtLeast(protection, floor) || true)"]],
  },
  {
    name: "the name in the ticket not compared",
    file: "protocol/ticket.js",
    changes: [["if (!isFor(ticket.server, service))", "if (false)"]],
  },
  {
    name: "the client in the authenticator not compared",
    file: "protocol/authenticator.js",
    changes: [["if (authenticator.client !== ticket.client) {", "if (false) {"]],
  },
  {
    name: "the nonce in the KDC's reply not compared",
    file: "protocol/kdc-reply.js",
    changes: [["if (!equalBytes(part.nonce, request.nonce))", "if (false)"]],
  },
  {
    name: "a replay at V not marked",
    file: "services/v.js",
    changes: [["await replayCache.store(replay.tag, replay.ctime, replay.expiry, now);", ""]],
  },
  {
    name: "a session's number not marked",
    file: "services/guard/freshness.js",
    changes: [["if (!held.numbers.take(number))", "if (!held.numbers.take(number) && false)"]],
  },
  {
    name: "an authenticator with a challenge not marked",
    file: "services/guard/taken-tags.js",
    changes: [["if (names.some((name) => this.#ends.has(name)))", "if (false)"]],
  },
  {
    name: "anybody's challenge taken",
    file: "protocol/challenge.js",
    changes: [["isGood(challenge, now) {", "isGood(challenge, now) { return true;"]],
  },
  {
    name: "a call taken that was held back",
    file: "services/guard/freshness.js",
    changes: [["- age > MAX_AGE_LAG_S)", "- age > 1e9)"]],
  },
  {
    name: "a note acknowledged before it is synced",
    file: "store/notes-store.js",
    changes: [
      [
        "await this.#records.update(key, () => bytes);",
        "void this.#records.update(key, () => bytes).catch(() => {});",
      ],
    ],
  },
  {
    name: "a principal's change acknowledged before it is synced",
    file: "store/principal-store.js",
    changes: [
      [
        "await this.#records.update(PREFIX + principal, change);",
        "await new Promise((made) => void this.#records.update(PREFIX + principal, (current) => {\n" +
          "            setTimeout(made, 0); return change(current);\n        }).catch(() => {}));",
      ],
    ],
  },
  {
    name: "what was forgotten taken anew",
    file: "store/replay/remembered-tags.js",
    changes: [["if (closed !== undefined)", "if (false)"]],
  },
  {
    name: "a ticket's end not limited by the TGT's",
    file: "protocol/tgs-exchange.js",
    changes: [["endLimit: tgt.endtime,", "endLimit: Number.MAX_SAFE_INTEGER,"]],
  },
  {
    name: "an ended ticket taken",
    file: "protocol/ticket.js",
    changes: [["if (now - ticket.endtime > skew)", "if (false)"]],
  },
  {
    name: "a disabled principal served by the AS",
    file: "protocol/policy.js",
    changes: [["refuse: ({ client }) => client.disabled\n", "refuse: ({ client }) => false\n"]],
  },
  {
    name: "a disabled principal served by the TGS",
    file: "protocol/policy.js",
    changes: [
      [
        "client === undefined || client.disabled || (client.expiresAt",
        "client === undefined || (client.expiresAt",
      ],
    ],
  },
  {
    name: "a retried login counted each time",
    file: "store/attempts/login-attempts.js",
    changes: [["note.equals(tag) ? undefined : tag", "tag"]],
  },
];
