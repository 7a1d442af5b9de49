/** What a program's own client tells, of its calls to KDC and V and of the calls that its tickets are on. */
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { KerberosClient, profileEtypes, type TraceEvent } from "../../../src/client/index.js";
import { WhoAmIRequestSchema, WhoAmIResponseSchema } from "../../../src/gen/kerberos/v1/operations_pb.js";
import { createTestRealm, type TestRealm } from "../../../src/testing/test-realm.js";
import { openWorld, SERVICE } from "../../services/guard/world.js";

const ALICE = "alice@TEST.EXAMPLE";

let realm: TestRealm;
let dir: string;
beforeAll(async () => {
  realm = await createTestRealm({ users: { alice: "secret" }, services: [SERVICE] });
  dir = await mkdtemp(join(tmpdir(), "tessera-trace-"));
});
afterAll(async () => {
  await realm.close();
  await rm(dir, { recursive: true });
});
beforeEach(() => {
  process.env.TESSERA_TRACE = `json:${join(dir, "trace")}`;
});
afterEach(async () => {
  delete process.env.TESSERA_TRACE;
  await rm(join(dir, "trace"), { force: true });
});

const traced = (): TraceEvent[] =>
  readFileSync(join(dir, "trace"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
const client = (options = {}) =>
  new KerberosClient({
    kdc: realm.kdc,
    clock: () => realm.now,
    etypes: profileEtypes("standard"),
    ...options,
  });
const summary = (events: readonly TraceEvent[]) =>
  events.map(
    (event) =>
      `${event.path.split("/").at(-1)} ${event.event}${event.event === "proof" ? ` ${event.header}` : ""}`,
  );

describe("TESSERA_TRACE", () => {
  test("traces a program that knows nothing of it: login, ticket and call, message by message", async () => {
    using alice = client();
    await alice.login(ALICE, "secret");
    const whoAmI = { request: WhoAmIRequestSchema, response: WhoAmIResponseSchema };
    await alice.access(realm.v, whoAmI, {});
    const events = traced();
    expect(summary(events)).toEqual(
      ["Authenticate", "GrantTicket", "Access"].flatMap((name) =>
        ["sent", "received", "ended"].map((event) => `${name} ${event}`),
      ),
    );
    const [sent] = events as [TraceEvent & { hex: string; bytes: number }];
    expect(sent.hex).toHaveLength(2 * sent.bytes);
  });

  test("traces a refusal with its details, and no password and no key", async () => {
    using alice = client();
    await expect(alice.login(ALICE, "wrong")).rejects.toMatchObject({ reason: "KDC_ERR_PREAUTH_FAILED" });
    const events = traced();
    expect(events.at(-1)).toMatchObject({ event: "ended", outcome: "KDC_ERR_PREAUTH_FAILED", code: 16 });
    expect(summary(events)).toContain("Authenticate proof grpc-status-details-bin");
  });

  test("holds no session key of a login", async () => {
    using alice = client();
    const { key } = await alice.login(ALICE, "secret");
    const text = readFileSync(join(dir, "trace"), "utf8");
    expect(text).not.toContain(Buffer.from(key.exportBytes()).toString("hex"));
    expect(text).not.toContain("secret");
  });

  test("traces guarded calls by their proofs, and their messages by size alone", async () => {
    await using world = await openWorld({ realm, sessions: true });
    const events: TraceEvent[] = [];
    using alice = client({ trace: (event: TraceEvent) => events.push(event) });
    await alice.login(ALICE, "secret");
    const chat = world.client({ as: alice });
    await chat.say("a word in private");
    await chat.say("and another");
    const guarded = events.filter(({ path }) => !path.startsWith("/kerberos."));
    const proofs = summary(guarded).filter((line) => line.includes("proof"));
    expect(proofs).toContain("Say proof kerberos-ap-req-bin");
    expect(proofs).toContain("Say proof kerberos-ap-rep-bin");
    expect(proofs).toContain("Say proof kerberos-call-bin");
    expect(proofs).toContain("Say proof kerberos-reply-bin");
    for (const event of guarded) if (event.event === "sent") expect(event.hex).toBeUndefined();
    const secret = Buffer.from("a word in private").toString("hex");
    expect(JSON.stringify(events)).not.toContain(secret);
  });

  test("is not heeded by a client that is told what to trace to", async () => {
    using alice = client({ trace: () => {} });
    await alice.login(ALICE, "secret");
    expect(() => traced()).toThrow("ENOENT");
  });
});
