/**
 * The `:authority` that client libraries send for a target, and the host that proofs are bound to: the first
 * rows of the table in docs/guard.md, "The authority". grpc-js here, grpcio where Python has it.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { boundHost } from "../../src/rpc/authority.js";
import { PYTHON, runPython } from "../support/python.js";

const METHOD = "/authority.v1.AuthorityService/Tell";
const folder = mkdtempSync(join(tmpdir(), "authority-"));
const socket = join(folder, "s");
const bytes = (value: Buffer) => value;
/** Answers each call with the authority it came with. */
const server = new grpc.Server();
let port: number;

beforeAll(async () => {
  const tell = {
    path: METHOD,
    requestStream: false,
    responseStream: false,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  };
  server.addService(
    { tell },
    {
      tell: (call: grpc.ServerUnaryCall<Buffer, Buffer>, callback: grpc.sendUnaryData<Buffer>) =>
        callback(null, Buffer.from(call.getHost())),
    },
  );
  port = await bind(server, "127.0.0.1:0");
  await bind(server, `unix:${socket}`);
});
afterAll(() => {
  server.forceShutdown();
  rmSync(folder, { recursive: true });
});

function bind(server: grpc.Server, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
}

/**
 * A target, PORT for the server's, the authority expected and its host; with the option that asks for another
 * authority.
 */
const ROWS: [target: string, expected: string, host: string, authority?: string][] = [
  ["127.0.0.1:PORT", "127.0.0.1:PORT", "127.0.0.1"],
  ["dns:///localhost:PORT", "localhost:PORT", "localhost"],
  ["LOCALHOST:PORT", "LOCALHOST:PORT", "localhost"],
  ["127.0.0.1:PORT", "Api.example.test:443", "api.example.test", "Api.example.test:443"],
];
const withPort = (text: string) => text.replace("PORT", String(port));
const optionsOf = (authority: string | undefined) =>
  authority === undefined ? {} : { "grpc.default_authority": authority };

describe("grpc-js sends", () => {
  function ask(target: string, options: grpc.ClientOptions = {}): Promise<string> {
    const client = new grpc.Client(target, grpc.credentials.createInsecure(), options);
    const asked = new Promise<string>((resolve, reject) => {
      client.makeUnaryRequest(METHOD, bytes, bytes, Buffer.alloc(0), (error, answer) =>
        error ? reject(error) : resolve(answer!.toString()),
      );
    });
    return asked.finally(() => client.close());
  }

  test.each(ROWS)("for %s: %s", async (target, expected, host, authority) => {
    const sent = await ask(withPort(target), optionsOf(authority));
    expect(sent).toBe(withPort(expected));
    expect(boundHost(sent)).toBe(host);
  });

  test("for a Unix socket: localhost", async () => {
    expect(await ask(`unix:${socket}`)).toBe("localhost");
  });
});

const lacking = PYTHON.lacks === "" ? "" : ` (skipped: ${PYTHON.path} lacks ${PYTHON.lacks})`;
describe.skipIf(PYTHON.lacks !== "")(`grpcio sends${lacking}`, () => {
  const script = `
import json, sys, grpc
target, options = sys.argv[1], list(json.loads(sys.argv[2]).items())
with grpc.insecure_channel(target, options) as channel:
    print(channel.unary_unary("${METHOD}")(b"", timeout=10).decode(), end="")
`;
  async function ask(target: string, options = {}): Promise<string> {
    const { code, out, err } = await runPython("-c", [script, target, JSON.stringify(options)], "");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    return out;
  }

  test.each(ROWS)("for %s: %s", async (target, expected, host, authority) => {
    const sent = await ask(withPort(target), optionsOf(authority));
    expect(sent).toBe(withPort(expected));
    expect(boundHost(sent)).toBe(host);
  });

  test("for a Unix socket: its path, in older versions localhost", async () => {
    const sent = await ask(`unix:${socket}`);
    expect(["localhost", socket.slice(1).replaceAll("/", "%2F")]).toContain(sent);
    expect(boundHost(sent)).toBe("localhost");
  });
});
