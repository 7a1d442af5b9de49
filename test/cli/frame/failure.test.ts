import * as grpc from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { CommandError } from "../../../src/cli/frame/command.js";
import { describeFailure } from "../../../src/cli/frame/failure.js";
import { NoKdcError } from "../../../src/client/kdc/no-kdc-error.js";
import { ReadableError } from "../../../src/errors/readable-error.js";
import { KrbError, type KrbErrorName } from "../../../src/protocol/krb-error.js";
import { RpcError } from "../../../src/rpc/rpc-error.js";

const unavailable = (text: string) => describeFailure(new RpcError(grpc.status.UNAVAILABLE, text));

describe("a failure", () => {
  it("of a readable error is its text, its hint and its facts", () => {
    expect(describeFailure(new CommandError("it failed", "mend it"))).toEqual({
      text: "it failed",
      compared: undefined,
      hint: "mend it",
      facts: { text: "it failed", hint: "mend it" },
    });
    class Strange extends ReadableError {
      override get facts() {
        return { reason: "strange" };
      }
    }
    expect(describeFailure(new Strange("odd"))).toMatchObject({
      text: "odd",
      facts: { reason: "strange", text: "odd" },
    });
  });

  it("of a refusal names it, and says what was compared", () => {
    const error = new KrbError("KDC_ERR_WRONG_REALM", "another realm", { realm: "A.TEST", ours: "B.TEST" });
    expect(describeFailure(error)).toEqual({
      text: "another realm (KDC_ERR_WRONG_REALM, 68)",
      compared: "realm=A.TEST, ours=B.TEST",
      hint: "use a principal of realm A.TEST, or --kdc for the other one",
      facts: {
        reason: "KDC_ERR_WRONG_REALM",
        code: 68,
        compared: { realm: "A.TEST", ours: "B.TEST" },
        text: "another realm",
        hint: "use a principal of realm A.TEST, or --kdc for the other one",
      },
    });
  });

  it.each<[KrbErrorName, Readonly<Record<string, string>>, string]>([
    ["KRB_AP_ERR_TKT_EXPIRED", {}, "run `tessera kinit`"],
    ["KRB_AP_ERR_BADKEYVER", { ticket_kvno: "1", held_kvno: "3 2" }, "run `tessera kinit`"],
    [
      "KRB_AP_ERR_BADKEYVER",
      { ticket_kvno: "4", held_kvno: "3 2", server: "v/x@R" },
      "write the service's keytab again: tessera kadmin ktadd -k FILE -norandkey v/x@R",
    ],
    [
      "KDC_ERR_ETYPE_NOSUPP",
      { field: "ticket", server: "v/x@R" },
      "give the service keys that it accepts, or let it accept these: profile of guard, or of tessera " +
        "serve v",
    ],
    ["KDC_ERR_ETYPE_NOSUPP", { field: "ticket", server: "krbtgt/R@R" }, "log in again: tessera kinit"],
    ["KRB_AP_ERR_SKEW", {}, "set the clocks of both machines (NTP)"],
    [
      "KRB_AP_ERR_SKEW",
      { offset_ms: "-600000", server_time: "2026-03-01T12:00:00.000Z", limit_ms: "300000" },
      "set the clock: here it was 2026-03-01T11:50:00.000Z, at the server 2026-03-01T12:00:00.000Z; 300 s " +
        "are permitted",
    ],
    [
      "KRB_AP_ERR_SKEW",
      { offset_ms: "2324908800000", server_time: "2026-05-01T00:00:00.000Z", limit_ms: "300000" },
      "the clock of this machine is at fault: it shows 2100-01-01; set it (NTP)",
    ],
    [
      "KRB_AP_ERR_SKEW",
      { offset_ms: "7200000", server_time: "2026-03-01T12:00:00.000Z", kept_offset_ms: "7200000" },
      "the clock offset kept since the login, 7200 s, is wrong by now: log in again (tessera kinit)",
    ],
    // It advised `cpw -randkey`, which ends a person's password, and which the command refuses.
    [
      "KDC_ERR_MUST_USE_USER2USER",
      {},
      "a service needs a principal of its own: tessera kadmin addprinc -randkey NAME",
    ],
    ["KRB_AP_ERR_MODIFIED", { authorities: "" }, "the hosts that it is called at: authorities of guard"],
    ["KRB_AP_ERR_MODIFIED", { authorities: "a.test" }, "something between client and server changed"],
    [
      "KDC_ERR_POLICY",
      { rule: "allow: chat.v1.Chat", client: "alice@R" },
      "the service's operator permits it (allow of guard); or log in as somebody who may: tessera kinit",
    ],
    ["KRB_AP_ERR_NOKEY", {}, "tessera kadmin ktadd -k FILE -norandkey SERVICE"],
    [
      "KRB_AP_ERR_BADKEYVER",
      { server: "v/localhost" },
      "tessera kadmin ktadd -k FILE -norandkey v/localhost",
    ],
    ["KRB_AP_ERR_BAD_INTEGRITY", { part: "reply" }, "check the password"],
    ["KRB_AP_ERR_BAD_INTEGRITY", { part: "ticket" }, "get a new ticket (tessera kinit)"],
  ])("of %s with %j has a hint", (reason, details, hint) => {
    expect(describeFailure(new KrbError(reason, "refused", details)).hint).toContain(hint);
  });

  it.each([
    [
      "has expired",
      Date.UTC(2100, 0),
      "the clock of this machine is at fault: it shows 2100-01-01; set it (NTP)",
    ],
    ["is not yet valid", 0, "the clock of this machine is at fault: it shows 1970-01-01; set it (NTP)"],
    [
      "has expired",
      Date.UTC(2026, 5),
      "by the clock of this machine, which shows 2026-06-01T00:00:00.000Z: set it, or renew the certificate",
    ],
  ])("of a certificate that %s by the clock of this machine says what it shows", (what, now, hint) => {
    const text = `No connection established. Last error: certificate ${what}. Resolution note: x`;
    const error = new RpcError(grpc.status.UNAVAILABLE, text);
    expect(describeFailure(error, now)).toMatchObject({
      text: `no connection to the server: certificate ${what} (UNAVAILABLE)`,
      hint,
    });
  });

  it("of several KDCs names each, and how it failed, in the same plain words", () => {
    const refused = "No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:8801";
    const error = new NoKdcError([
      { address: "kdc1:8801", error: new RpcError(grpc.status.UNAVAILABLE, refused) },
      { address: "kdc2:8801", error: new KrbError("KDC_ERR_SVC_UNAVAILABLE", "the database is away") },
    ]);
    const text =
      "none of the 2 KDCs answered: kdc1:8801: no server answers at 127.0.0.1:8801 (UNAVAILABLE); " +
      "kdc2:8801: the database is away (KDC_ERR_SVC_UNAVAILABLE, 29)";
    const hint = "look at each of these servers, and at their addresses (--kdc, TESSERA_KDC)";
    expect(describeFailure(error)).toEqual({
      text,
      compared: undefined,
      hint,
      facts: {
        reason: "UNAVAILABLE",
        text,
        hint,
        kdcs: [
          expect.objectContaining({ address: "kdc1:8801", reason: "UNAVAILABLE" }),
          expect.objectContaining({ address: "kdc2:8801", reason: "KDC_ERR_SVC_UNAVAILABLE", code: 29 }),
        ],
      },
    });
  });

  it("of a connection names the address, in plainer words than grpc-js", () => {
    const text = "No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:8801";
    expect(unavailable(text)).toEqual({
      text: "no server answers at 127.0.0.1:8801 (UNAVAILABLE)",
      compared: undefined,
      hint: "is the server up at 127.0.0.1:8801? A realm's own start with: tessera serve; --kdc and --address name others",
      facts: expect.objectContaining({ reason: "UNAVAILABLE", text: "no server answers at 127.0.0.1:8801" }),
    });
    expect(
      unavailable("No connection established. Last error: wrong version number. Resolution note: x"),
    ).toMatchObject({
      text: "no connection to the server: wrong version number (UNAVAILABLE)",
      hint: "check the address; a server with TLS needs --tls-ca FILE, one without does not take it",
    });
    for (const nothing of ["undefined", "undefined. Resolution note: ", "null", "Error: ", ""])
      expect(unavailable(`No connection established. Last error: ${nothing}`).text).toBe(
        "no connection to the server: no answer (UNAVAILABLE)",
      );
    expect(unavailable("draining")).toMatchObject({
      text: "draining (UNAVAILABLE)",
      hint: expect.stringContaining("is the server running"),
    });
  });

  it.each([
    ["self-signed certificate", "no authority in the file of --tls-ca has signed the server's certificate"],
    ["self-signed certificate in certificate chain", "no authority in the file of --tls-ca"],
    ["unable to verify the first certificate", "no authority in the file of --tls-ca"],
    ["unable to get local issuer certificate", "no authority in the file of --tls-ca"],
    [
      "Hostname/IP does not match certificate's altnames: Host: x. is not in the cert's altnames: DNS:y",
      "call the server by a name that stands in its certificate",
    ],
  ])("of TLS, %s, says which side is wrong", (cause, hint) => {
    const { text, ...rest } = unavailable(
      `No connection established. Last error: ${cause}. Resolution note: x`,
    );
    expect(text).toBe(`no connection to the server: ${cause} (UNAVAILABLE)`);
    expect(rest.hint).toContain(hint);
  });

  it("of a host that nobody knows asks for its name", () => {
    expect(unavailable("Name resolution failed for target dns:nosuch.invalid:8801")).toMatchObject({
      text: "the name nosuch.invalid leads to no address (UNAVAILABLE)",
      hint: "check the name, and whether this machine can look up others",
    });
  });

  it("of an IPv6 address shows it in brackets, as it is typed", () => {
    expect(
      unavailable("No connection established. Last error: connect ECONNREFUSED ::1:18801. Resolution note: "),
    ).toMatchObject({ text: "no server answers at [::1]:18801 (UNAVAILABLE)" });
  });

  it("of the system, or of an argument out of range, is its text; of a defect, its name too", () => {
    const system = Object.assign(new Error("EACCES: no"), { code: "EACCES" });
    expect(describeFailure(system)).toMatchObject({ text: "EACCES: no", facts: { reason: "EACCES" } });
    expect(describeFailure(new RangeError("port: expected less")).text).toBe("port: expected less");
    expect(describeFailure(new TypeError("x is not a function")).text).toBe("TypeError: x is not a function");
    expect(describeFailure("thrown").text).toBe("Error: thrown");
  });
});
