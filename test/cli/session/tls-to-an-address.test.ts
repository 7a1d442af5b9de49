/** TLS to a server named by its address: the certificate must name it too, and Node has no warning. */
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:tls";
import * as grpc from "@grpc/grpc-js";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { channelCredentials } from "../../../src/cli/session/tls.js";
import { HealthClient } from "../../../src/gen/grpc/health/v1/health_grpc.js";
import { HAS_OPENSSL, makeCertificate } from "../../support/wire-tls.js";
import { InProcess } from "../in-process.js";

if (!HAS_OPENSSL) console.warn("tls-to-an-address.test.ts: skipped, openssl is not installed");

describe.skipIf(!HAS_OPENSSL)("TLS", () => {
  const shell = new InProcess();
  const file = (name: string) => shell.file(name);
  beforeAll(async () => {
    makeCertificate(file("key.pem"), file("address.pem"), "IP:127.0.0.1");
    makeCertificate(file("name-key.pem"), file("name.pem"), "DNS:localhost");
    await shell.run("realm create --profile standard");
    await shell.run("kadmin addprinc --password-stdin alice", "a pass phrase");
  });
  afterAll(() => shell.remove());
  afterEach(() => void vi.restoreAllMocks());

  /** Logs in at a realm whose servers have a certificate. */
  async function logIn(pair: { cert: string; key: string }, host: string) {
    const tls = `--tls-cert ./${pair.cert} --tls-key ./${pair.key}`;
    const serving = shell.start(`serve --as-port 0 --tgs-port 0 --v-port 0 --json ${tls}`.split(" "));
    const { addresses } = JSON.parse(await serving.firstLine) as { addresses: { as: string; tgs: string } };
    const kdc = `${addresses.as},${addresses.tgs}`.replaceAll("127.0.0.1", host);
    const outcome = await shell.run(
      `kinit --kdc ${kdc} --tls-ca ./${pair.cert} --password-stdin alice`,
      "a pass phrase",
    );
    serving.end();
    await serving.outcome;
    return outcome;
  }
  const ADDRESS = { cert: "address.pem", key: "key.pem" };
  const NAME = { cert: "name.pem", key: "name-key.pem" };

  it("to an address is trusted where the certificate names the address, without a warning", async () => {
    const warn = vi.spyOn(process, "emitWarning");
    expect((await logIn(ADDRESS, "127.0.0.1")).code).toBe(0);
    expect(warn).not.toHaveBeenCalled();
  });

  it("to a name is trusted as before", async () => {
    expect((await logIn(NAME, "localhost")).code).toBe(0);
  });

  it("to an address that the certificate does not name is refused", async () => {
    const { code, stderr } = await logIn(NAME, "127.0.0.1");
    expect([code, stderr]).toEqual([1, expect.stringContaining("IP: 127.0.0.1 is not in the cert's list")]);
  });

  it.each([
    ["127.0.0.1", false],
    ["localhost", "localhost"],
  ])("to %s names the server %j", async (host, expected) => {
    const names: unknown[] = [];
    const pair = { key: readFileSync(file("key.pem")), cert: readFileSync(file("address.pem")) };
    const server = createServer({ ...pair, ALPNProtocols: ["h2"] }, (socket) => {
      names.push(socket.servername);
      socket.destroy();
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const choice = { "tls-ca": file("address.pem"), "tls-cert": undefined, "tls-key": undefined };
    {
      using client = new HealthClient(`${host}:${port}`, (await channelCredentials(choice))!);
      const error = await client.check({ service: "" }).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: grpc.status.UNAVAILABLE });
    }
    server.close();
    expect(names.length).toBeGreaterThan(0);
    expect(new Set(names)).toEqual(new Set([expected]));
  });
});
