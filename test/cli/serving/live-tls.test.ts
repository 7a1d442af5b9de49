/** Certificates that change while servers run, as the programs that renew them change them. */

import { X509Certificate } from "node:crypto";
import {
  chmodSync,
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import * as grpc from "@grpc/grpc-js";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { LiveTls } from "../../../src/cli/serving/live-tls.js";
import type { TlsFiles } from "../../../src/cli/session/tls.js";
import { eventually } from "../../support/eventually.js";
import { HAS_OPENSSL, makeCertificate } from "../../support/wire-tls.js";

describe.skipIf(!HAS_OPENSSL)("the certificates of a server that runs", () => {
  /** Pairs to choose from: a, b. */
  const made = mkdtempSync(join(tmpdir(), "live-tls-made-"));
  const of = (name: string) => ({ cert: join(made, `${name}.pem`), key: join(made, `${name}.key`) });
  beforeAll(() => {
    for (const name of ["a", "b"]) makeCertificate(of(name).key, of(name).cert);
  });
  afterAll(() => rmSync(made, { recursive: true }));

  let dir: string;
  let files: { cert: string; key: string };
  const told: [text: string, failed: boolean][] = [];
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "live-tls-"));
    files = { cert: join(dir, "tls.crt"), key: join(dir, "tls.key") };
    write("a", "cert", "key");
    told.length = 0;
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  /** Puts parts of a pair in place. */
  function write(name: string, ...parts: ("cert" | "key")[]): void {
    for (const part of parts) {
      copyFileSync(of(name)[part], `${files[part]}.new`);
      chmodSync(`${files[part]}.new`, 0o600);
      renameSync(`${files[part]}.new`, files[part]);
    }
  }

  /** A server with live certificates, and what it presents to a new connection. */
  async function serve(more: Partial<TlsFiles> = {}) {
    const tls = await LiveTls.open({ ...files, clientCa: undefined, ...more }, (text, failed) =>
      told.push([text, failed]),
    );
    onTestFinished(() => tls![Symbol.dispose]());
    const server = new grpc.Server();
    onTestFinished(() => server.forceShutdown());
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync("127.0.0.1:0", tls!.credentials, (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    const presented = () =>
      new Promise<string>((resolve, reject) => {
        const socket = connect(
          { host: "127.0.0.1", port, ALPNProtocols: ["h2"], rejectUnauthorized: false },
          () => {
            const { fingerprint256 } = socket.getPeerCertificate();
            resolve(["a", "b"].find((name) => fingerprintOf(name) === fingerprint256) ?? "another");
            socket.destroy();
          },
        ).on("error", reject);
      });
    return { tls: tls!, server, port, presented };
  }

  const fingerprintOf = (name: string) => new X509Certificate(readFileSync(of(name).cert)).fingerprint256;
  const TAKEN = ["new TLS certificate, key or authorities from now on", false];

  it("are taken over once their files are at rest", async () => {
    const { tls, presented } = await serve();
    await tls.look();
    write("b", "key", "cert");
    await tls.look();
    expect([await presented(), told]).toEqual(["a", []]);
    await tls.look();
    expect([await presented(), told]).toEqual(["b", [TAKEN]]);
    for (let looks = 0; looks < 3; looks++) await tls.look();
    expect(told).toHaveLength(1);
  });

  it("are taken over at once when that is asked for, and nothing is said where nothing changed", async () => {
    const { tls, presented } = await serve();
    await tls.reload();
    expect(told).toEqual([]);
    write("b", "key", "cert");
    await tls.reload();
    expect([await presented(), told]).toEqual(["b", [TAKEN]]);
  });

  it("stay while only one of a pair has been written, which is said once, until the other has", async () => {
    const { tls, presented } = await serve();
    write("b", "key");
    for (let looks = 0; looks < 5; looks++) await tls.look();
    expect(await presented()).toBe("a");
    expect(told).toEqual([
      [expect.stringMatching(/^the TLS certificate stays as it is: .* can't be used together: /), true],
    ]);
    write("b", "cert");
    for (let looks = 0; looks < 2; looks++) await tls.look();
    expect([await presented(), told[1]]).toEqual(["b", TAKEN]);
  });

  it.each([
    ["cut short", (path: string) => writeFileSync(path, readFileSync(path).subarray(0, 100))],
    ["removed", (path: string) => rmSync(path)],
    ["not a certificate", (path: string) => writeFileSync(path, "junk")],
  ])("stay where their file is %s", async (_, spoil) => {
    const { tls, presented } = await serve();
    spoil(files.cert);
    await tls.reload();
    expect([await presented(), told]).toEqual([
      "a",
      [[expect.stringMatching(/^the TLS certificate stays as it is: .*tls\.crt: /), true]],
    ]);
  });

  it("are found behind links to a folder that is exchanged, as Kubernetes mounts them", async () => {
    const versions = join(dir, "mount");
    mkdirSync(versions);
    for (const name of ["a", "b"]) {
      mkdirSync(join(versions, `..${name}`));
      copyFileSync(of(name).cert, join(versions, `..${name}`, "tls.crt"));
      copyFileSync(of(name).key, join(versions, `..${name}`, "tls.key"));
      chmodSync(join(versions, `..${name}`, "tls.key"), 0o600);
    }
    symlinkSync("..a", join(versions, "..data"));
    for (const name of ["tls.crt", "tls.key"]) symlinkSync(`..data/${name}`, join(versions, name));
    files = { cert: join(versions, "tls.crt"), key: join(versions, "tls.key") };
    const { tls, presented } = await serve();
    expect(await presented()).toBe("a");
    symlinkSync("..b", join(versions, "..data_tmp"));
    renameSync(join(versions, "..data_tmp"), join(versions, "..data"));
    for (let looks = 0; looks < 2; looks++) await tls.look();
    expect([await presented(), told]).toEqual(["b", [TAKEN]]);
  });

  it("change under a call that runs, which goes on", async () => {
    const { tls, server, port, presented } = await serve();
    const SLOW: grpc.MethodDefinition<Buffer, Buffer> = {
      path: "/test.v1.Slow/Wait",
      requestStream: false,
      responseStream: false,
      requestSerialize: (bytes) => bytes,
      requestDeserialize: (bytes) => bytes,
      responseSerialize: (bytes) => bytes,
      responseDeserialize: (bytes) => bytes,
    };
    let onArrival: (finish: () => void) => void = () => {};
    const arrived = new Promise<() => void>((resolve) => {
      onArrival = resolve;
    });
    server.addService(
      { wait: SLOW },
      {
        wait: (call: grpc.ServerUnaryCall<Buffer, Buffer>, callback: grpc.sendUnaryData<Buffer>) =>
          onArrival(() => callback(null, call.request)),
      },
    );
    const client = new grpc.Client(
      `127.0.0.1:${port}`,
      grpc.credentials.createSsl(readFileSync(of("a").cert)),
      { "grpc.ssl_target_name_override": "localhost" },
    );
    onTestFinished(() => client.close());
    const answer = new Promise((resolve, reject) => {
      const { requestSerialize, responseDeserialize } = SLOW;
      client.makeUnaryRequest(
        SLOW.path,
        requestSerialize,
        responseDeserialize,
        Buffer.from("x"),
        (error, text) => (error ? reject(error) : resolve(text)),
      );
    });
    const finish = await arrived;
    write("b", "key", "cert");
    await tls.reload();
    expect(await presented()).toBe("b");
    finish();
    expect(await answer).toEqual(Buffer.from("x"));
  });

  it("change with the authorities of clients", async () => {
    const clientCa = join(dir, "ca.pem");
    copyFileSync(of("a").cert, clientCa);
    const { tls, port } = await serve({ clientCa });
    const isLetIn = (name: string) =>
      new Promise<boolean>((resolve) => {
        const [cert, key] = [readFileSync(of(name).cert), readFileSync(of(name).key)];
        const socket = connect({
          host: "127.0.0.1",
          port,
          ALPNProtocols: ["h2"],
          rejectUnauthorized: false,
          cert,
          key,
        });
        // With TLS 1.3 a client is refused only after it believes itself connected; HTTP/2 begins with
        // settings.
        socket.once("data", () => resolve(true));
        socket.once("error", () => resolve(false));
        socket.once("close", () => resolve(false));
        onTestFinished(() => void socket.destroy());
      });
    expect([await isLetIn("a"), await isLetIn("b")]).toEqual([true, false]);
    copyFileSync(of("b").cert, clientCa);
    await tls.reload();
    expect([await isLetIn("a"), await isLetIn("b")]).toEqual([false, true]);
  });

  it.runIf(process.platform === "linux")(
    "stay where they came through a descriptor, which gives them once",
    async () => {
      const fd = openSync(files.cert, "r");
      onTestFinished(() => closeSync(fd));
      const { tls, presented } = await serve({ cert: `/dev/fd/${fd}` });
      write("b", "key");
      await tls.reload();
      expect([await presented(), told]).toEqual([
        "a",
        [["the TLS certificate stays as it is: it came through a descriptor, once", true]],
      ]);
    },
  );

  it("are noticed by themselves", async () => {
    const { presented } = await serve();
    write("b", "key", "cert");
    await eventually(() => expect(told).toEqual([TAKEN]));
    expect(await presented()).toBe("b");
  });
});
