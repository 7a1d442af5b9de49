import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PROTECTIONS } from "../../../src/protocol/call-binding.js";
import { refusalOf } from "./proof.js";
import { type Change, type Tampering, tamper } from "./tamper.js";
import { openWorld, type World } from "./world.js";

let world: World;
let tampering: Tampering = {};
/** Messages of a call before, at the same level. */
let recorded: Buffer[] = [];
/** What the handlers read. */
let read: string[] = [];

beforeAll(async () => {
  world = await openWorld({
    before: [tamper(() => tampering)],
    handlers: {
      join: (call, callback) => {
        call.on("data", ({ text }) => read.push(text));
        call.on("end", () => callback(null, { text: read.join(" ") }));
      },
    },
  });
});
afterAll(() => world[Symbol.asyncDispose]());

interface Row {
  readonly what: string;
  readonly change: () => Change;
  /** What is read before it is noticed. */
  readonly read: readonly string[];
  readonly reason: string;
  /** Where the messages are sealed and not under a checksum. */
  readonly sealedReason?: string;
}

// Each stream is a, b, c and its end marker.
const rows: readonly Row[] = [
  {
    what: "a dropped message",
    change: () => (message, index) => (index === 1 ? [] : [message]),
    read: ["a"],
    reason: "KRB_AP_ERR_BADORDER",
  },
  {
    what: "a dropped first message",
    change: () => (message, index) => (index === 0 ? [] : [message]),
    read: [],
    reason: "KRB_AP_ERR_BADORDER",
  },
  {
    what: "two messages in another order",
    change: () => {
      let held: Buffer;
      return (message, index) => {
        if (index === 1) held = message;
        return index === 1 ? [] : index === 2 ? [message, held] : [message];
      };
    },
    read: ["a"],
    reason: "KRB_AP_ERR_BADORDER",
  },
  {
    what: "a message sent twice",
    change: () => (message, index) => (index === 0 ? [message, message] : [message]),
    read: ["a"],
    reason: "KRB_AP_ERR_BADORDER",
  },
  {
    what: "a message of another call",
    change: () => (message, index) => (index === 1 ? [recorded[1]!] : [message]),
    read: ["a"],
    reason: "KRB_AP_ERR_MODIFIED",
    sealedReason: "KRB_AP_ERR_BAD_INTEGRITY",
  },
  {
    what: "an injected message",
    change: () => (message, index) => (index === 1 ? [Buffer.from('{"text":"x"}'), message] : [message]),
    read: ["a"],
    reason: "KRB_AP_ERR_MODIFIED",
    sealedReason: "KRB_AP_ERR_BAD_INTEGRITY",
  },
  {
    what: "an empty message",
    change: () => (message, index) => (index === 1 ? [Buffer.alloc(0)] : [message]),
    read: ["a"],
    reason: "KRB_AP_ERR_MODIFIED",
    sealedReason: "KRB_AP_ERR_BAD_INTEGRITY",
  },
  {
    what: "a changed bit",
    change: () => (message, index) => {
      const changed = Buffer.from(message);
      if (index === 1) changed[5]! ^= 1;
      return [changed];
    },
    read: ["a"],
    reason: "KRB_AP_ERR_MODIFIED",
    sealedReason: "KRB_AP_ERR_BAD_INTEGRITY",
  },
  {
    what: "a stream cut short",
    change: () => (message, index) => (index < 2 ? [message] : []),
    read: ["a", "b"],
    reason: "KRB_AP_ERR_MODIFIED",
  },
  {
    what: "a missing end marker",
    change: () => (message, index) => (index < 3 ? [message] : []),
    read: ["a", "b", "c"],
    reason: "KRB_AP_ERR_MODIFIED",
  },
  {
    what: "a message after the end marker",
    change: () => (message, index) => (index === 3 ? [message, message] : [message]),
    read: ["a", "b", "c"],
    reason: "KRB_AP_ERR_MODIFIED",
  },
];

describe.each(PROTECTIONS.filter((level) => level !== "call"))("at protection %s", (protection) => {
  const expected = ({ reason, sealedReason }: Row) =>
    protection === "privacy" ? (sealedReason ?? reason) : reason;

  test.each(rows)("$what to the service is refused", async (row) => {
    const client = world.client({ protection });
    recorded = await record("requests", () => client.join(["a", "b", "c"]));
    read = [];
    tampering = { requests: row.change() };
    const refusal = await refusalOf(client.join(["a", "b", "c"]));
    expect(refusal).toMatchObject({ code: "UNAUTHENTICATED", reason: expected(row) });
    expect(read).toEqual(row.read);
  });

  test.each(rows)("$what to the client is refused", async (row) => {
    const client = world.client({ protection });
    recorded = await record("responses", () => client.list("a b c"));
    tampering = { responses: row.change() };
    const received: string[] = [];
    const refusal = await refusalOf(client.list("a b c", {}, (text) => received.push(text)));
    expect(refusal).toMatchObject({ code: "UNAUTHENTICATED", reason: expected(row) });
    // A consumer that is slower than the refusal loses what it had not read yet.
    expect(received).toEqual(row.read.slice(0, received.length));
  });

  test("a request sent back as a response is refused", async () => {
    const client = world.client({ protection });
    let first: Buffer;
    tampering = {
      requests: (message) => {
        first ??= message;
        return [message];
      },
      responses: () => [first],
    };
    expect(await refusalOf(client.talk(["a"]))).toMatchObject({
      code: "UNAUTHENTICATED",
      reason: protection === "privacy" ? "KRB_AP_ERR_BAD_INTEGRITY" : "KRB_AP_ERR_MODIFIED",
    });
  });
});

describe.each(["integrity", "privacy"] as const)("a single message at protection %s", (protection) => {
  const reason = protection === "privacy" ? "KRB_AP_ERR_BAD_INTEGRITY" : "KRB_AP_ERR_MODIFIED";

  test.each(["say", "join"] as const)("changed in the response of %s is refused", async (method) => {
    const client = world.client({ protection });
    const call = () => (method === "say" ? client.say("a") : client.join(["a"]));
    for (const change of [flip, () => [Buffer.from('{"text":"x"}')]] as Change[]) {
      tampering = { responses: change };
      expect(await refusalOf(call())).toMatchObject({ code: "UNAUTHENTICATED", reason });
    }
  });

  test("does not travel as what it says", async () => {
    const client = world.client({ protection });
    const sent = [
      ...(await record("requests", () => client.say("attack at dawn"))),
      ...(await record("responses", () => client.say("attack at dawn"))),
    ];
    expect(sent).toHaveLength(2);
    for (const bytes of sent) expect(bytes.includes("attack at dawn")).toBe(protection === "integrity");
  });
});

const flip: Change = (message) => {
  const changed = Buffer.from(message);
  changed[3]! ^= 1;
  return [changed];
};

/** The messages of one direction of a call. */
async function record(direction: "requests" | "responses", call: () => Promise<unknown>): Promise<Buffer[]> {
  const messages: Buffer[] = [];
  tampering = {
    [direction]: (message: Buffer) => {
      messages.push(Buffer.from(message));
      return [message];
    },
  };
  read = [];
  await call();
  tampering = {};
  return messages;
}
