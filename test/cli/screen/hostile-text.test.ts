/**
 * Text from servers and files, wherever the command shows it: none of it may steer the terminal or turn what
 * is read around. The story: a principal's name with U+202E, a status with an escape sequence.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { create, toBinary } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Screen } from "../../../src/cli/screen/screen.js";
import { ServerLog } from "../../../src/cli/serving/server-log.js";
import { visible, visibleLines } from "../../../src/errors/visible-text.js";
import { addAuthenticationService } from "../../../src/gen/kerberos/v1/authentication_service_grpc.js";
import { AuthenticateRequestSchema } from "../../../src/gen/kerberos/v1/authentication_service_pb.js";
import { KrbError } from "../../../src/protocol/krb-error.js";
import { RpcError } from "../../../src/rpc/rpc-error.js";
import { makeServer } from "../../../src/rpc/server-options.js";
import { listen } from "../../rpc/test-service.js";
import { InProcess } from "../in-process.js";

const HOSTILE = "a\u001b[31mb\u202ec\u0085d\u200fe\u2066f\u061cg";
const SHOWN = "a\\u001b[31mb\\u202ec\\u0085d\\u200fe\\u2066f\\u061cg";
const UNSEEN = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u;

describe("text that is made visible", () => {
  it("has its controls and changes of direction as escapes, and is otherwise the same", () => {
    expect(visible(HOSTILE)).toBe(SHOWN);
    expect(visible("\n\t\u2028")).toBe("\\u000a\\u0009\\u2028");
    expect(visibleLines("a\n\tb\r")).toBe("a\n\tb\\u000d");
    expect(visible("Zoë → שלום \u{1f600}")).toBe("Zoë → שלום \u{1f600}");
  });
});

describe("a screen shows it", () => {
  const shown = (print: (screen: Screen) => void) => {
    let text = "";
    const output = { write: (more: string) => (text += more), isTTY: true };
    print(new Screen(output, output, {}));
    // What the screen itself adds.
    for (const own of ["\u001b[0m", "\u001b[1m", "\u001b[K", "\r", "\n"]) text = text.replaceAll(own, "");
    return text;
  };
  const logOf = ({ stdout }: Screen, inJson: boolean) =>
    new ServerLog(stdout, inJson, { logLevel: "info" }).write;
  it.each<[string, (screen: Screen) => void]>([
    ["a line", (screen) => screen.print(HOSTILE)],
    ["lines", (screen) => screen.printAll([HOSTILE])],
    ["lines with colours", (screen) => screen.printStyled([`\u001b[1m${HOSTILE}\u001b[0m`])],
    ["JSON", (screen) => screen.printJson({ [HOSTILE]: HOSTILE })],
    ["JSON in a line", (screen) => screen.printJsonLine([HOSTILE])],
    ["a notice", (screen) => screen.notice(HOSTILE)],
    ["a hint", (screen) => screen.hint(HOSTILE)],
    ["a status", (screen) => screen.showStatus(HOSTILE)],
    ["the log", (screen) => logOf(screen, false)({ level: "warn", client: HOSTILE, text: HOSTILE })],
    ["the log in JSON", (screen) => logOf(screen, true)({ level: "warn", compared: { [HOSTILE]: HOSTILE } })],
  ])("in %s", (_, print) => {
    const text = shown(print);
    expect(text).toContain(SHOWN);
    expect(text).not.toMatch(UNSEEN);
  });
});

describe("a command shows what it was told", () => {
  const shell = new InProcess();
  let server: grpc.Server;
  let refusal: Error;
  beforeAll(async () => {
    server = makeServer();
    addAuthenticationService(server, {
      authenticate: () => {
        throw refusal;
      },
    });
    const port = await listen(server);
    shell.env.TESSERA_KDC = `127.0.0.1:${port},127.0.0.1:${port}`;
    shell.env.TESSERA_TRACE = shell.file("trace");
  });
  afterAll(() => {
    server.forceShutdown();
    shell.remove();
  });

  const kinit = (words = "") => shell.run(`kinit ${words} --password-stdin alice@EXAMPLE.TEST`, "apple");
  const noneUnseen = (text: string) => expect(text.replaceAll("\n", "")).not.toMatch(UNSEEN);

  it.each<[string, Error]>([
    ["a refusal and its metadata", new KrbError("KRB_ERR_GENERIC", HOSTILE, { client: HOSTILE })],
    ["another status", new RpcError(grpc.status.FAILED_PRECONDITION, HOSTILE)],
  ])("of %s, in errors, in JSON and in the trace", async (_, error) => {
    refusal = error;
    const { code, stdout, stderr } = await kinit("--json");
    expect(code).toBe(1);
    for (const text of [stdout, stderr]) expect(text).toContain(SHOWN);
    noneUnseen(stdout + stderr + readFileSync(shell.file("trace"), "utf8"));
  });

  it("of names in a keytab of others", async () => {
    // One entry of an unknown type, whose principal is HOSTILE@HOSTILE.
    const text = (value: string) => {
      const bytes = Buffer.from(value);
      return Buffer.concat([Buffer.of(0, bytes.length), bytes]);
    };
    const entry = Buffer.concat([
      Buffer.of(0, 1),
      text(HOSTILE),
      text(HOSTILE),
      Buffer.of(0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 99, 0, 1, 7),
    ]);
    writeFileSync(shell.file("kt"), Buffer.concat([Buffer.of(5, 2, 0, 0, 0, entry.length), entry]), {
      mode: 0o600,
    });
    for (const more of ["", "--json"]) {
      const { stdout, stderr } = await shell.run(`klist -k -e ${more} ./kt`);
      expect(stdout).toContain("[31mb");
      noneUnseen(stdout + stderr);
    }
  });

  it("of a message that is decoded", async () => {
    const request = create(AuthenticateRequestSchema, {
      client: HOSTILE,
      nonce: new Uint8Array(8).fill(7),
      etypes: [20],
    });
    writeFileSync(shell.file("req"), toBinary(AuthenticateRequestSchema, request));
    for (const more of ["", "--json"]) {
      const { stdout, stderr } = await shell.run(`decode --type as-req ${more} ./req`);
      expect(stdout).toContain("u001b[31mb");
      noneUnseen(stdout + stderr);
    }
  });
});
