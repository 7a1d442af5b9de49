/**
 * The skeleton and the solution in TypeScript; and twelve faults in it, each of which costs its own stage
 * alone.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { type Change, compiled, failures, learnerFolder, mark, remove, skeleton } from "./learners.js";

const folders: string[] = [];
afterEach(() => remove(...folders.splice(0)));

/** The command of a learner's folder. */
function learner(solved: string | undefined, ...changes: Change[]): string {
  const folder = learnerFolder("typescript", solved, ...changes);
  folders.push(folder);
  return compiled(folder);
}

test("the skeleton passes the first stage, and says that the second is not written", async () => {
  const results = await mark(learner(undefined), { keepGoing: false });
  expect(results.map(({ passed }) => passed)).toEqual([true, false]);
  expect(results[1]?.probes).toEqual([
    {
      sent: "a ticket for v/localhost",
      expected: "UNAUTHENTICATED, KRB_AP_ERR_NOT_US",
      arrived: "UNIMPLEMENTED, without a Kerberos reason: not written yet",
      isRight: false,
    },
  ]);
});

test("the solution passes all twelve", async () => {
  const results = await mark(learner("tgs.ts"));
  expect(results.flatMap(({ probes }) => probes).filter(({ isRight }) => !isRight)).toEqual([]);
  expect(results.map(({ passed }) => passed)).toEqual(Array(12).fill(true));
});

/** A fault for each stage, in order. */
const FAULTS: readonly { readonly fault: string; readonly change: Change }[] = [
  {
    fault: "the server says that it does not serve",
    change: ["main.ts", "status: ServingStatus.SERVING", "status: ServingStatus.NOT_SERVING"],
  },
  {
    fault: "the ticket's server is not looked at",
    change: ["tgs.ts", "if (server !== this.realm.tgs)", 'if (server === "")'],
  },
  {
    fault: "encodings that are not canonical are taken",
    change: [
      "messages.ts",
      "Buffer.compare(toBinary(schema, message), bytes) === 0 ? message : undefined",
      "message",
    ],
  },
  {
    fault: "the key version is not looked at",
    change: ["tgs.ts", "if (encPart.kvno !== kvno)", "if (encPart.kvno === 0)"],
  },
  {
    fault: "a clock that is ahead is believed",
    change: ["tgs.ts", "Math.abs(now - time)", "now - time"],
  },
  {
    fault: "the type of the checksum is not looked at",
    change: ["tgs.ts", "if (checksum?.type !== ETYPE)", "if (checksum === undefined)"],
  },
  {
    fault: "the flag INVALID is not looked at",
    change: [
      "tgs.ts",
      "if (flags.includes(TicketFlag.INVALID))",
      "if (flags.includes(TicketFlag.UNSPECIFIED))",
    ],
  },
  {
    fault: "an unknown service is refused by another name",
    change: ["tgs.ts", '"KDC_ERR_S_PRINCIPAL_UNKNOWN"', '"KRB_ERR_GENERIC"'],
  },
  {
    fault: "the reply under a subkey has the session key's usage",
    change: ["tgs.ts", "isSubkey ? TGS_REP_SUBKEY : TGS_REP_SESSION_KEY", "TGS_REP_SESSION_KEY"],
  },
  {
    fault: "the ticket holds another session key than the reply",
    change: [
      "tgs.ts",
      "create(EncTicketPartSchema, common)",
      "create(EncTicketPartSchema, { ...common, key: { etype: ETYPE, key: Key.random().bytes } })",
    ],
  },
  {
    fault: "a ticket outlives its TGT",
    change: ["tgs.ts", "Math.min(milliseconds(tgt.endtime!), till)", "Math.min(now + 28_800_000, till)"],
  },
  {
    fault: "no authenticator is remembered",
    change: ["tgs.ts", "    this.#remember(sealed.cipher, ctime, now);\n", "    void ctime;\n"],
  },
];

describe("a fault costs its own stage, and no other:", () => {
  test.each(FAULTS.map((row, i) => ({ ...row, number: i + 1 })))(
    "$number: $fault",
    async ({ change, number }) => {
      const results = await mark(learner("tgs.ts", change));
      expect(results).toHaveLength(12);
      expect(failures(results)).toEqual([number]);
    },
  );

  test("there is one for each of twelve", () => expect(FAULTS).toHaveLength(12));

  test("without --keep-going the marking ends there; a stage can be run alone", async () => {
    const command = learner("tgs.ts", FAULTS[2]!.change);
    const stopped = await mark(command, { keepGoing: false });
    expect(stopped.map(({ passed }) => passed)).toEqual([true, true, false]);
    const alone = await mark(command, { numbers: [3] });
    expect(alone.map(({ number, passed }) => ({ number, passed }))).toEqual([{ number: 3, passed: false }]);
  });
});

test("its generated code is the project's own", () => {
  const gen = join(skeleton("typescript"), "gen");
  const own = fileURLToPath(new URL("../../../src/gen/", import.meta.url));
  const files = readdirSync(gen, { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".ts"),
  );
  expect(files.length).toBeGreaterThan(5);
  for (const file of files)
    expect(readFileSync(join(gen, file), "utf8"), file).toBe(readFileSync(own + file, "utf8"));
});
