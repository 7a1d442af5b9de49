/**
 * docs/guard.md says what the code does: options, fields, limits, and the gRPC code of every refusal it
 * lists.
 */
import { readdirSync, readFileSync } from "node:fs";
import * as grpc from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { ApReqSchema } from "../../src/gen/kerberos/v1/application_service_pb.js";
import {
  ExtensionSchema,
  ExtensionType,
  ExtensionTypeSchema,
} from "../../src/gen/kerberos/v1/extension_pb.js";
import {
  CallBindingSchema,
  ProtectedMessageSchema,
  ProtectionLevelSchema,
} from "../../src/gen/kerberos/v1/guard_pb.js";
import {
  AuthenticatorSchema,
  EncApRepPartSchema,
  EncPrivPartSchema,
} from "../../src/gen/kerberos/v1/sealed_pb.js";
import {
  GuardChallengeSchema,
  RepeatedAttemptSchema,
  SessionBindingSchema,
  SessionCallSchema,
  SessionGrantSchema,
  SessionReplySchema,
} from "../../src/gen/kerberos/v1/session_pb.js";
import { MAX_AP_REQ_BYTES, PROTECTIONS } from "../../src/protocol/call-binding.js";
import { Challenger, MAX_CHALLENGE_AGE_MS, MAX_CHALLENGE_BYTES } from "../../src/protocol/challenge.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { KeyUsage } from "../../src/protocol/key-usage.js";
import { KrbErrorCode, type KrbErrorName } from "../../src/protocol/krb-error.js";
import { hasSessions } from "../../src/protocol/session-keys.js";
import {
  AP_REP_METADATA,
  AP_REQ_METADATA,
  CALL_METADATA,
  REPLY_METADATA,
} from "../../src/rpc/metadata-names.js";
import { GRPC_CODE } from "../../src/rpc/status.js";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const page = read("docs/guard.md");

/** The rows of the table that begins with `heading`, cell by cell. */
function table(heading: string): string[][] {
  const lines = page.split("\n");
  const start = lines.findIndex((line) => line.startsWith(`| ${heading} |`));
  expect(start, heading).toBeGreaterThan(-1);
  const rows: string[][] = [];
  for (const line of lines.slice(start + 2)) {
    if (!line.startsWith("|")) break;
    rows.push(
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  }
  return rows;
}

const named = (cell: string) => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name!);

describe("options", () => {
  test.each([
    ["option of `guard`", "src/services/guard/config.ts", "GuardOptions"],
    ["option of `ticketInterceptor`", "src/client/guard/config.ts", "TicketInterceptorOptions"],
  ])("%s: all that there are", (heading, path, type) => {
    const [, body = ""] = read(path).split(`export interface ${type} {`);
    const declared = [...body.slice(0, body.indexOf("\n}")).matchAll(/^ {2}readonly (\w+)/gm)];
    expect(
      table(heading)
        .flatMap(([cell]) => named(cell!))
        .toSorted(),
    ).toEqual(declared.map(([, name]) => name).toSorted());
  });
});

describe("fields", () => {
  const schemas = [
    ApReqSchema,
    CallBindingSchema,
    AuthenticatorSchema,
    EncApRepPartSchema,
    ExtensionSchema,
    GuardChallengeSchema,
    RepeatedAttemptSchema,
    SessionGrantSchema,
    SessionCallSchema,
    SessionBindingSchema,
    SessionReplySchema,
    ProtectedMessageSchema,
    EncPrivPartSchema,
  ];
  test("of every message in the table, and no other", () => {
    expect(table("message").map(([name]) => named(name!)[0])).toEqual(schemas.map(({ name }) => name));
  });

  test("the levels of protection and their numbers", () => {
    const [, levels = ""] = /`protection\{ ([^}]*) \}`/.exec(page) ?? [];
    const expected = ProtectionLevelSchema.values.filter(({ number }) => number > 0);
    expect(levels.split(", ")).toEqual(
      expected.map(({ number, localName }) => `${number} ${localName.toLowerCase()}`),
    );
    expect(table("protection").map(([level]) => named(level!)[0])).toEqual([...PROTECTIONS]);
  });

  test("the types of extension and their numbers", () => {
    const listed = table("type").map(([type, number]) => [named(type!)[0], Number(number)]);
    const expected = ExtensionTypeSchema.values
      .filter(({ number }) => number !== ExtensionType.UNSPECIFIED)
      .map(({ number, localName }) => [localName, number]);
    expect([...new Map(listed as [string, number][])]).toEqual(expected);
  });

  const rows = new Map(table("message").map(([name, fields]) => [named(name!)[0], fields!]));
  test.each(schemas)("$name", ({ name, fields }) => {
    const outside = rows.get(name)?.replaceAll(/\{[^}]*\}/g, "");
    const written = [...(outside ?? "").matchAll(/(\d+) `(\w+)/g)].map(
      ([, number, field]) => `${number} ${field}`,
    );
    expect(written).toEqual(fields.map((field) => `${field.number} ${field.name}`));
  });
});

describe("refusals", () => {
  const rows = table("what is wrong");
  test.each(rows)("%s", (_what, code, reasons) => {
    expect(Object.keys(grpc.status)).toContain(code);
    const names = reasons!.match(/K(?:RB|DC)_\w+/g) ?? [];
    if (names.length === 0) expect(reasons).toMatch(/^no reason/);
    for (const name of names) {
      expect(Object.keys(KrbErrorCode)).toContain(name);
      expect(grpc.status[GRPC_CODE[name as KrbErrorName]]).toBe(code);
    }
  });

  test("each reason has a row that says what was compared and what mends it, and there is no other", () => {
    const listed = new Set(rows.flatMap(([, , reasons]) => reasons!.match(/K(?:RB|DC)_\w+/g) ?? []));
    const mended = table("reason").map(([reason, , what]) => {
      expect(what).not.toBe("");
      return reason!;
    });
    expect(mended.toSorted()).toEqual([...listed].sort());
  });

  test("every detail that the tests of the guard see is in that row", () => {
    const compared = new Map(table("reason").map(([reason, cell]) => [reason!, named(cell!)]));
    const source = read("test/services/guard/refusals.test.ts");
    const seen = [...source.matchAll(/reason: "(\w+)",\n\s+details: \{([^}]*)\}/g)];
    expect(seen.length).toBeGreaterThan(15);
    for (const [, reason, details] of seen)
      for (const [, name] of details!.matchAll(/(\w+): /g))
        expect(compared.get(reason!), reason).toContain(name);
  });

  test("every reason that the tests of the guard see is in the table", () => {
    const listed = rows.map(([, , reasons]) => reasons).join(" ");
    const seen = ["refusals", "access", "streams", "over-sockets"].flatMap((name) => [
      ...read(`test/services/guard/${name}.test.ts`).matchAll(/reason: "(\w+)"/g),
    ]);
    expect(seen.length).toBeGreaterThan(20);
    for (const [, reason] of seen) expect(listed).toContain(reason);
  });

  test("every reason in the table is seen by a test of the guard", () => {
    const folders = ["test/services/guard", "test/client/guard"];
    const tests = folders.flatMap((folder) =>
      readdirSync(new URL(`../../${folder}`, import.meta.url)).map((name) => read(`${folder}/${name}`)),
    );
    const listed = rows.flatMap(([, , reasons]) => reasons!.match(/K(?:RB|DC)_\w+/g) ?? []);
    for (const reason of listed) expect(tests.join("\n")).toContain(`"${reason}"`);
  });
});

test("metadata keys, limits and key usages", () => {
  for (const name of [AP_REQ_METADATA, AP_REP_METADATA, CALL_METADATA, REPLY_METADATA])
    expect(page).toContain(name);
  expect(page).toContain(`takes 1 to ${MAX_CHALLENGE_BYTES} bytes`);
  expect(page).toContain(`Ours have ${new Challenger().make(0).length}`);
  expect(page.replaceAll("\n", " ")).toContain(
    `an age of 0 to ${MAX_CHALLENGE_AGE_MS.toLocaleString("en")} ms`,
  );
  const types = [20, 19, 16, 3, -1, -2].filter((etype) => hasSessions(etypeOf(etype)));
  expect(page).toContain(`Sessions are for encryption types ${types.join(" and ")}`);
  expect(page).toContain(`at most ${MAX_AP_REQ_BYTES.toLocaleString("en")} bytes`);
  const usages = [
    KeyUsage.AP_REQ_CHECKSUM,
    KeyUsage.AP_REQ_AUTHENTICATOR,
    KeyUsage.AP_REP,
    KeyUsage.REQUEST_DATA,
    KeyUsage.RESPONSE_DATA,
    KeyUsage.REQUEST_MESSAGE_CHECKSUM,
    KeyUsage.RESPONSE_MESSAGE_CHECKSUM,
  ];
  for (const usage of usages) expect(page).toMatch(new RegExp(`\\b${usage}\\b`));
});
