import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { InProcess } from "../in-process.js";

const shell = new InProcess();
afterAll(() => shell.remove());

interface Demo {
  readonly messages: readonly {
    readonly number: number;
    readonly bytes: number;
    readonly hex: string;
    readonly sealed: readonly {
      readonly symbol: string;
      readonly key: string;
      readonly opens: readonly string[];
    }[];
  }[];
  readonly refusals: readonly { readonly reason: string }[];
  readonly lesson: readonly { readonly scene: string; readonly verdict: string }[];
  readonly note: string;
}

describe("the demonstration", () => {
  let text = "";
  beforeAll(async () => {
    const { code, stdout, stderr } = await shell.run("demo");
    expect([code, stderr]).toEqual([0, ""]);
    text = stdout;
  });

  it.each([
    "(1) C → AS: ID_c ‖ ID_tgs ‖ TS1",
    "(2) AS → C: E(K_c, [K_c,tgs ‖ ID_tgs ‖ TS2 ‖ Lifetime2]) ‖ Ticket_tgs",
    "(3) C → TGS: ID_v ‖ Ticket_tgs ‖ Authenticator_c",
    "(4) TGS → C: E(K_c,tgs, [K_c,v ‖ ID_v ‖ TS4]) ‖ Ticket_v",
    "(5) C → V: Ticket_v ‖ Authenticator_c",
    "(6) V → C: E(K_c,v, [TS5 + 1])",
    'V answered with the note, under seal: "sealed all the way"',
    "KDC_ERR_PREAUTH_FAILED (24)",
    "KRB_AP_ERR_REPEAT (34)",
    "KRB_AP_ERR_BAD_INTEGRITY (31)",
    "in a realm with keys of DES_ECB:\n  → ALLOWED: V takes mallory for alice@EXAMPLE.TEST",
    "in this one, profile textbook:\n  → BLOCKED by V: KRB_AP_ERR_BAD_INTEGRITY",
  ])("prints %s", (line) => {
    expect(text).toContain(line);
  });

  it("keeps within 100 columns, and has no colours where no terminal wants them", () => {
    for (const line of text.split("\n")) expect([...line].length, line).toBeLessThanOrEqual(100);
    expect(text).not.toContain("\u001b");
  });

  it("shows every time once, and who holds which key in the end", () => {
    expect(text).toMatch(/\nTS2 \+ Lifetime2 +\S+Z +in message \(2\), a life of 10h\n/);
    expect(text).toMatch(/\nV +x +x +x +x\n/);
    expect(text).toMatch(/\nwho listens\n/);
  });

  it("gives the same facts as JSON, of messages that really travelled", async () => {
    const { code, stdout } = await shell.run("demo --json --profile standard");
    expect(code).toBe(0);
    const { messages, refusals, lesson, note } = JSON.parse(stdout) as Demo;
    expect(messages.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 5, 6]);
    for (const { bytes, hex } of messages) expect(hex).toHaveLength(bytes * 2);
    const opens = messages
      .slice(0, 6)
      .flatMap(({ number, sealed }) =>
        sealed.map((part) => `${number} ${part.symbol}, ${part.key}: ${part.opens.join(" ")}`),
      );
    expect(opens).toEqual([
      "1 pre-authentication, K_c: C AS",
      "2 for the client, K_c: C AS",
      "2 Ticket_tgs, K_tgs: AS TGS",
      "3 Ticket_tgs, K_tgs: AS TGS",
      "3 Authenticator_c, K_c,tgs: C AS TGS",
      "4 for the client, K_c,tgs: C AS TGS",
      "4 Ticket_v, K_v: TGS V",
      "5 Ticket_v, K_v: TGS V",
      "5 Authenticator_c, K_c,v: C TGS V",
      "5 the request, Subkey_c: C V",
      "6 proof of V, K_c,v: C TGS V",
      "6 the response, Subkey_v: C V",
    ]);
    expect(refusals.map(({ reason }) => reason)).toEqual([
      "KDC_ERR_PREAUTH_FAILED",
      "KRB_AP_ERR_REPEAT",
      "KRB_AP_ERR_BAD_INTEGRITY",
    ]);
    expect(lesson.map(({ scene, verdict }) => [scene, verdict])).toEqual([
      ["textbook-ecb", "ALLOWED"],
      ["standard", "BLOCKED"],
    ]);
    expect(note).toBe("sealed all the way");
  });

  it("is used wrongly with a profile that is none", async () => {
    const { code, stderr } = await shell.run("demo --profile strong");
    expect([code, stderr]).toEqual([2, expect.stringContaining("--profile: expected textbook or standard")]);
  });
});
