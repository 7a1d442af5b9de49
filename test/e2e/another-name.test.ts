/**
 * A man in the middle at another name, over real TLS: his certificate is good, for his own name, and clients
 * call him by it. He reads the call, passes it on as it came, and the service refuses it: the proof is bound
 * to the name by which the client called.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ticketInterceptor } from "../../src/client/index.js";
import { createTestRealm, type TestRealm } from "../../src/testing/test-realm.js";
import { ChatClient } from "../services/guard/chat.js";
import { openWorld, SERVICE } from "../services/guard/world.js";
import { type Http2Proxy, startHttp2Proxy } from "../support/http2-proxy.js";
import { HAS_OPENSSL, makeCertificate } from "../support/wire-tls.js";

const OWN = "api.example.test";
const HIS = "shop.example.test";
const folder = mkdtempSync(join(tmpdir(), "another-name-"));

describe.skipIf(!HAS_OPENSSL)(`over TLS${HAS_OPENSSL ? "" : " (skipped: no openssl here)"}`, () => {
  let realm: TestRealm;
  /** Key and certificate of the service, and of the man in the middle. */
  let service: ReturnType<typeof certificateOf>;
  let his: ReturnType<typeof certificateOf>;
  beforeAll(async () => {
    realm = await createTestRealm({ users: { alice: "secret" }, services: [SERVICE] });
    service = certificateOf("DNS:localhost,DNS:api.example.test");
    his = certificateOf(`DNS:${HIS}`);
  });
  afterAll(async () => {
    await realm.close();
    rmSync(folder, { recursive: true });
  });

  function certificateOf(names: string) {
    const [key, cert] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
    makeCertificate(key, cert, names);
    return { key: readFileSync(key), cert: readFileSync(cert) };
  }

  const open = (sessions: boolean) => {
    const pair = { private_key: service.key, cert_chain: service.cert };
    return openWorld({ realm, sessions, credentials: grpc.ServerCredentials.createSsl(null, [pair]) });
  };

  /** A client that trusts a certificate and calls `host` at an address. */
  async function call(address: string, ca: Buffer, host: string): Promise<string> {
    const alice = await realm.login("alice", "secret");
    const client = new ChatClient(address, grpc.credentials.createSsl(ca), {
      "grpc.ssl_target_name_override": host,
      "grpc.default_authority": `${host}:443`,
      interceptors: [ticketInterceptor(alice, SERVICE)],
    });
    return client.say("hello").finally(() => client.close());
  }

  const between = (upstream: string, authority?: (received: string) => string): Promise<Http2Proxy> =>
    startHttp2Proxy({ own: his, upstream, ca: service.cert, ...(authority && { authority }) });

  describe.each([
    { shape: "with sessions", sessions: true },
    { shape: "one shot", sessions: false },
  ])("$shape", ({ sessions }) => {
    test.each([
      { what: "passes the authority on as it came", authority: undefined },
      { what: "puts the service's name in its place", authority: () => `${OWN}:443` },
      { what: "puts the loopback's name in its place", authority: () => "localhost" },
    ])("is refused where he $what", async ({ authority }) => {
      await using world = await open(sessions);
      await using middle = await between(world.address, authority);
      await expect(call(middle.address, his.cert, HIS)).rejects.toMatchObject({
        code: grpc.status.UNAUTHENTICATED,
        details: expect.stringContaining("not the one the authenticator was made for"),
      });
      expect(world.log.at(-1)).toMatchObject({
        result: "KRB_AP_ERR_MODIFIED",
        compared: { authorities: expect.stringContaining(OWN) },
      });
      expect(world.seen).toEqual([]);
      expect(middle.read).toEqual([]);
    });

    test("a proxy that holds the service's certificate is no man in the middle", async () => {
      await using world = await open(sessions);
      const own = { own: service, upstream: world.address, ca: service.cert };
      await using proxy = await startHttp2Proxy(own);
      expect(await call(proxy.address, service.cert, OWN)).toBe("hello");
      expect(proxy.read.length).toBeGreaterThan(0);
    });
  });
});
