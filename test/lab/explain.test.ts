import { describe, expect, it } from "vitest";
import { explainCall, lastProof } from "../../src/lab/explain.js";
import type { Field } from "../../src/lab/fields.js";
import { calls, keys, messages, rings } from "./dialogue.js";

const hidden = { showKeys: false };
const explained = () => {
  const known = rings();
  return calls.flatMap((call) => explainCall(call, known, hidden));
};

/** The symbols of fields and of those inside them, by path. */
function symbols(fields: readonly Field[], prefix = ""): string[] {
  return fields.flatMap(({ name, symbol, value }) => [
    ...(symbol === undefined ? [] : [`${prefix}${name} ${symbol}`]),
    ...(typeof value === "object" && "fields" in value ? symbols(value.fields, `${prefix}${name}.`) : []),
  ]);
}

describe("the six messages, explained", () => {
  it("are numbered, and name both ends, the RFC's message and the moment", () => {
    const rows = explained().map(({ number, from, to, rfc, at }) => `${number} ${from} ${to} ${rfc} ${at}`);
    expect(rows).toEqual([
      "1 C AS AS-REQ 2026-03-01T12:00:00.000Z",
      "2 AS C AS-REP 2026-03-01T12:00:00.007Z",
      "3 C TGS TGS-REQ 2026-03-01T12:00:00.000Z",
      "4 TGS C TGS-REP 2026-03-01T12:00:00.007Z",
      "5 C V AP-REQ 2026-03-01T12:00:00.000Z",
      "6 V C AP-REP 2026-03-01T12:00:00.007Z",
    ]);
    expect(explained()[4]).toMatchObject({
      message: "AccessRequest",
      rpc: "ApplicationService/Access",
      bytes: messages[5].length,
      hex: Buffer.from(messages[5]).toString("hex"),
    });
  });

  it("are opened by those who hold the key at that moment, and by nobody else", () => {
    const known = new Map([...rings()].filter(([party]) => party === "C" || party === "V"));
    const parts = calls
      .flatMap((call) => explainCall(call, known, hidden))
      .flatMap(({ number, sealed }) =>
        sealed.map(({ symbol, opens, closed }) => `${number} ${symbol}: ${opens} | ${closed}`),
      );
    expect(parts).toEqual([
      "1 pre-authentication: C | V",
      "2 for the client: C | V",
      "2 Ticket_tgs:  | C,V",
      "3 Ticket_tgs:  | C,V",
      "3 Authenticator_c: C | V",
      "4 for the client: C | V",
      "4 Ticket_v: V | C",
      "5 Ticket_v: V | C",
      "5 Authenticator_c: C,V | ",
      "5 the request: C,V | ",
      "6 proof of V: C,V | ",
      "6 the response: C,V | ",
    ]);
  });

  it("bear the textbook's symbols, also inside the body of message (3)", () => {
    const [one, , three] = explained();
    expect(symbols(one!.clear)).toEqual(["client ID_c", "server ID_tgs"]);
    expect(one!.clear.find(({ name }) => name === "server")?.value).toBe("(none named: the realm's TGS)");
    expect(symbols(three!.clear)).toEqual(["body.server ID_v"]);
    expect(symbols(three!.sealed[1]!.contents!)).toEqual(["client ID_c", "ctime TS3"]);
  });

  it("hold no session key unless it is asked for", () => {
    const session = Buffer.from(keys.session.exportBytes()).toString("hex");
    expect(JSON.stringify(explained().map(({ sealed }) => sealed))).not.toContain(session);
    const known = rings();
    const shown = calls.flatMap((call) => explainCall(call, known, { showKeys: true }));
    expect(JSON.stringify(shown.map(({ sealed }) => sealed))).toContain(session);
  });

  it("show the application's own message where the service's bytes hold one", () => {
    const request = explained()[4]!.sealed[2]!;
    expect(request.contents).toContainEqual({
      name: "user_data",
      value: { holds: "EchoRequest", fields: [{ name: "text", value: "hello" }] },
    });
  });

  it("are the requests alone where a call was refused, and none of another service's", () => {
    const refused = { ...calls[0]!, response: undefined };
    expect(explainCall(refused, rings(), hidden).map(({ number }) => number)).toEqual([1]);
    expect(explainCall({ ...refused, path: "/grpc.health.v1.Health/Check" }, rings(), hidden)).toEqual([]);
  });
});

describe("the proof of the client's key", () => {
  it("is the last that it made, of its own encryption type", () => {
    expect(lastProof(calls)).toMatchObject({ etype: 3 });
    expect(lastProof(calls.slice(1))).toBeUndefined();
  });
});
