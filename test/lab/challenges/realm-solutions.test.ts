/**
 * The challenges with a realm, solved by the steps that a learner takes; and the same steps in `standard`.
 */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { KeytabEntry } from "../../../src/formats/keytab.js";
import {
  AccessRequestSchema,
  AccessResponseSchema,
  call,
  clientOf,
  fromBinary,
  GetNoteRequestSchema,
  GetNoteResponseSchema,
  GrantTicketRequestSchema,
  GrantTicketResponseSchema,
  METHODS,
  makeAccessReq,
  makeTgsReq,
  makeTicket,
  openAccessRep,
  openTgsRep,
  packed,
  parseKeytab,
  parsePrincipal,
  randomKey,
  TicketSchema,
  toBinary,
  unpacked,
} from "../../../src/lab/challenges/bench.js";
import { breakThisClock } from "../../../src/lab/challenges/break-this-clock.js";
import { forgeUnderEcb } from "../../../src/lab/challenges/forge-under-ecb.js";
import { liftedHeader } from "../../../src/lab/challenges/lifted-header.js";
import { secondOpening } from "../../../src/lab/challenges/second-opening.js";
import { silverTicket } from "../../../src/lab/challenges/silver-ticket.js";
import { spotTheCheck } from "../../../src/lab/challenges/spot-the-check.js";
import { NO_FLAG } from "../../../src/lab/challenges/work.js";
import { startLabRealm } from "../../../src/lab/realm/lab-realm.js";
import type { Credentials } from "../../../src/protocol/credentials.js";
import { InProcess } from "../../cli/in-process.js";
import { Desk, flagIn, until } from "./desk.js";

const ALICE = parsePrincipal("alice@EXAMPLE.TEST", "client");
const TEXT = new TextDecoder();

/** The reason of the refusal in which some steps end. */
async function reasonOf(steps: Promise<unknown>): Promise<string> {
  return steps.then(
    () => "none: it was let in",
    (error: { reason?: string }) => error.reason ?? String(error),
  );
}

/** Alice's note named flag, read with a ticket that says one is Alice. */
async function readFlagNote(address: string, credentials: Pick<Credentials, "client" | "key" | "ticket">) {
  const question = packed(GetNoteRequestSchema, { name: "flag" });
  const { request, pending } = makeAccessReq(credentials as Credentials, question, Date.now());
  const bytes = await call(address, METHODS.access, toBinary(AccessRequestSchema, request));
  const answer = openAccessRep(fromBinary(AccessResponseSchema, bytes), pending);
  return (unpacked(GetNoteResponseSchema, answer) as { note?: { text: string } }).note!.text;
}

async function clockSteps(desk: Desk) {
  const { address } = desk.world.v;
  expect(await reasonOf(call(address, METHODS.access, desk.base64("recorded.b64")))).toBe("KRB_AP_ERR_SKEW");
  desk.write("time-server.txt", desk.text("recorded.txt"));
  await call(address, METHODS.access, desk.base64("recorded.b64"));
  return flagIn(await until(() => desk.told[0]));
}

test("break-this-clock: set back to the time of the recording, V takes it once more", async () => {
  await using desk = await Desk.with(breakThisClock);
  expect(await desk.handIn(await clockSteps(desk))).toMatchObject({ verdict: "right", points: 30 });
});

test("break-this-clock in standard: the cache has closed the time that it can't answer for", async () => {
  await using desk = await Desk.with(breakThisClock, "standard");
  const refusal = await clockSteps(desk).catch((error: unknown) => error);
  expect(refusal).toMatchObject({ reason: "KRB_AP_ERR_SKEW" });
  // Not that the clock stayed right: by it the recording is in time, and it is the cache that refuses.
  expect(String(refusal)).toContain("this server's clock was set back");
  expect(desk.told).toEqual([]);
});

/** Crowds the recording out of V's memory, with the commands of the product. */
async function crowdingSteps(desk: Desk) {
  const { world } = desk;
  const { address } = world.v;
  const recorded = desk.base64("recorded.b64");
  expect(await reasonOf(call(address, METHODS.access, recorded))).toBe("KRB_AP_ERR_REPEAT");
  const shell = new InProcess();
  try {
    for (const [, name, value] of desk.text("realm.env").matchAll(/^export (\w+)=(\S+)$/gm))
      shell.env[name!] = value!.replaceAll('"', "").replace("$PWD", shell.dir);
    expect(await shell.run("kinit --password-stdin mallory", world.you!.password)).toMatchObject({ code: 0 });
    for (let i = 0; i < 16; i++) {
      const { code, stderr } = await shell.run(`call --address ${address} who-am-i`);
      expect([code, stderr]).toEqual([0, ""]);
    }
  } finally {
    shell.remove();
  }
  await call(address, METHODS.access, recorded);
  return flagIn(await until(() => desk.told[0]));
}

test("second-opening: sixteen calls of one's own, and the recording is forgotten", async () => {
  await using desk = await Desk.with(secondOpening);
  expect(await desk.handIn(await crowdingSteps(desk))).toMatchObject({ verdict: "right", points: 30 });
});

test("second-opening in standard: the cache forgets nothing", async () => {
  await using desk = await Desk.with(secondOpening, "standard");
  expect(await reasonOf(crowdingSteps(desk))).toBe("KRB_AP_ERR_REPEAT");
  expect(desk.told).toEqual([]);
});

async function liftingSteps(desk: Desk) {
  const header = { "kerberos-ap-req-bin": desk.base64("header.b64") };
  const answer = await call(desk.world.v.address, "/canteen.v1.Canteen/OpenTill", new Uint8Array(), header);
  return flagIn(TEXT.decode(answer));
}

test("lifted-header: a proof for the menu opens the till", async () => {
  await using desk = await Desk.with(liftedHeader);
  expect(await desk.handIn(await liftingSteps(desk))).toMatchObject({ verdict: "right", points: 30 });
});

test("lifted-header in standard: the proof is good for the menu alone", async () => {
  await using desk = await Desk.with(liftedHeader, "standard");
  expect(await reasonOf(liftingSteps(desk))).toBe("KRB_AP_ERR_MODIFIED");
  const header = { "kerberos-ap-req-bin": desk.base64("header.b64") };
  const question = Buffer.from("what is for lunch?");
  const menu = await call(desk.world.v.address, "/canteen.v1.Canteen/ShowMenu", question, header);
  expect(TEXT.decode(menu)).toBe("For you, alice@EXAMPLE.TEST: soup.");
});

/** A ticket of Alice's for V, made with V's key. */
function silver({ principal, kvno, key }: ServiceKey, now: number) {
  const sessionKey = randomKey(key.etype);
  const contents = {
    client: ALICE,
    server: principal,
    sessionKey,
    flags: [],
    authtime: now,
    starttime: now,
    endtime: now + 3_600_000,
    renewTill: undefined,
    addresses: [],
    authorizationData: [],
  };
  return { client: ALICE, key: sessionKey, ticket: makeTicket(contents, { key, kvno }) };
}

type ServiceKey = Pick<KeytabEntry, "principal" | "kvno" | "key">;

test.each(["lesson", "standard"] as const)(
  "silver-ticket in %s: with the service's key one is, for that service, the KDC",
  async (scene) => {
    await using desk = await Desk.with(silverTicket, scene);
    const [leaked] = parseKeytab(readFileSync(desk.path("v.keytab")));
    const text = await readFlagNote(desk.world.v.address, silver(leaked!, Date.now()));
    if (scene === "standard") expect(text).toBe(NO_FLAG);
    else expect(await desk.handIn(flagIn(text))).toMatchObject({ verdict: "right", points: 40 });
  },
);

test("silver-ticket: a new key for the service ends it, in standard as in textbook", async () => {
  for (const scene of ["textbook", "standard"] as const) {
    await using realm = await startLabRealm({ scene });
    const leaked = { principal: realm.service, ...realm.keys.service };
    await realm.newKeys("service");
    const use = readFlagNote(realm.address, silver(leaked, realm.now));
    expect([scene, await reasonOf(use)]).toEqual([scene, "KRB_AP_ERR_BADKEYVER"]);
  }
});

async function namingSteps(desk: Desk) {
  const { world } = desk;
  using client = clientOf(world);
  const tgt = await client.login(world.you!.principal, world.you!.password);
  const v = parsePrincipal(world.v.principal, "server");
  const { request, pending } = makeTgsReq(
    { ...tgt, client: ALICE },
    v,
    { etypes: [tgt.key.etype.etype] },
    Date.now(),
  );
  const bytes = await call(world.kdc.tgs, METHODS.grantTicket, toBinary(GrantTicketRequestSchema, request));
  const { credentials } = openTgsRep(fromBinary(GrantTicketResponseSchema, bytes), pending, Date.now());
  return flagIn(await readFlagNote(world.v.address, credentials));
}

test("spot-the-check: an authenticator that names Alice, under one's own TGT", async () => {
  await using desk = await Desk.with(spotTheCheck);
  expect(await desk.handIn(await namingSteps(desk))).toMatchObject({ verdict: "right", points: 50 });
});

test("spot-the-check in standard: ticket and authenticator must name the same client", async () => {
  await using desk = await Desk.with(spotTheCheck, "standard");
  expect(await reasonOf(namingSteps(desk))).toBe("KRB_AP_ERR_BADMATCH");
});

/**
 * Own blocks as far as the session key, Alice's from there on. They fit if both tickets are of the same
 * length, byte for byte, which only the times in them can change: so the learner tries again.
 */
async function splicingSteps(desk: Desk, tries: number): Promise<string> {
  const { world } = desk;
  const hers = fromBinary(TicketSchema, desk.base64("alice-ticket.b64")).encPart!.cipher;
  using client = clientOf(world);
  await client.login(world.you!.principal, world.you!.password);
  const { key, ticket } = await client.serviceTicket(world.v.principal);
  const forged = fromBinary(TicketSchema, ticket);
  forged.encPart!.cipher = Buffer.concat([forged.encPart!.cipher.subarray(0, 32), hers.subarray(32)]);
  const credentials = { client: ALICE, key, ticket: toBinary(TicketSchema, forged) };
  return readFlagNote(world.v.address, credentials).then(flagIn, (error: unknown) => {
    if (tries > 1) return splicingSteps(desk, tries - 1);
    throw error;
  });
}

test("forge-under-ecb: a key one knows, in the ticket of somebody else", async () => {
  await using desk = await Desk.with(forgeUnderEcb);
  expect(await desk.handIn(await splicingSteps(desk, 100))).toMatchObject({ verdict: "right", points: 50 });
});

test("forge-under-ecb in standard: the seal breaks", async () => {
  await using desk = await Desk.with(forgeUnderEcb, "standard");
  expect(await reasonOf(splicingSteps(desk, 3))).toBe("KRB_AP_ERR_BAD_INTEGRITY");
});
