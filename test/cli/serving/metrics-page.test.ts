/** What a running realm shows to those who watch over it: `serve --metrics`. */
import { request } from "node:http";
import { describe, expect, it } from "vitest";
import { MetricsPage } from "../../../src/cli/serving/metrics-page.js";
import { CATALOGUE } from "../../../src/services/metrics/catalogue.js";
import { HAS_OPENSSL, makeCertificate } from "../../support/wire-tls.js";
import { servingTests } from "../serving-realm.js";

const tests = servingTests(["kadmin addprinc --password-stdin alice", "apple"]);
const serve = (words = "") => tests.shell.serve(`--metrics 0 ${words}`);

async function get(address: string, path: string, headers: Record<string, string> = {}) {
  const response = await fetch(`http://${address}${path}`, { headers });
  return { status: response.status, type: response.headers.get("content-type"), text: await response.text() };
}

/** The lines that fit, in the order of the alphabet. */
const lines = (text: string, pattern: RegExp) =>
  text
    .split("\n")
    .filter((line) => !line.startsWith("#") && pattern.test(line))
    .sort();

describe("serve --metrics", () => {
  it("listens on loopback and counts what the servers do, without a principal or a peer", async () => {
    const { metrics, addresses } = await serve();
    expect(metrics).toMatch(/^127\.0\.0\.1:\d+$/);
    await tests.shell.run("kinit --password-stdin alice", "wrong");
    await tests.shell.run("kinit --password-stdin alice", "apple");
    await tests.shell.run(`call --address ${addresses.v} who-am-i`);
    const { status, type, text } = await get(metrics, "/metrics");
    expect([status, type]).toEqual([200, "text/plain; version=0.0.4; charset=utf-8"]);
    expect(lines(text, /exchanges_total|replay_checks|store_up|build_info/)).toEqual([
      'tessera_build_info{version="0.1.0"} 1',
      'tessera_exchanges_total{exchange="AS",reason="KDC_ERR_PREAUTH_FAILED",etype="none"} 1',
      'tessera_exchanges_total{exchange="AS",reason="OK",etype="des-cbc-md5"} 1',
      'tessera_exchanges_total{exchange="TGS",reason="OK",etype="des-cbc-md5"} 1',
      'tessera_exchanges_total{exchange="V",reason="OK",etype="des-cbc-md5"} 1',
      'tessera_replay_checks_total{outcome="new"} 1',
      'tessera_store_up{store="principals"} 1',
      'tessera_store_up{store="replay"} 1',
    ]);
    expect(lines(text, /replay_records|cache_entries|key_versions/)).toEqual([
      'tessera_cache_entries{cache="answers"} 1',
      'tessera_cache_entries{cache="principals"} 3',
      'tessera_cache_entries{cache="tickets"} 2',
      'tessera_key_versions{key="krbtgt"} 1',
      'tessera_key_versions{key="service"} 1',
      "tessera_replay_records 1",
    ]);
    expect(text).not.toMatch(/alice|EXAMPLE\.TEST|127\.0\.0\.1/);
    expect(text).toMatch(/^process_resident_memory_bytes \d+$/m);
  });

  it("shows every metric of the catalogue, in OpenMetrics to those who take it", async () => {
    const { metrics } = await serve();
    const { type, text } = await get(metrics, "/metrics", { accept: "application/openmetrics-text" });
    expect(type).toMatch(/^application\/openmetrics-text/);
    const families = [...text.matchAll(/^# TYPE (tessera_\S+) /gm)].map(([, name]) => name);
    expect(families.sort()).toEqual(
      Object.entries(CATALOGUE)
        .map(([name, { kind }]) => (kind.endsWith("counter") ? name.replace(/_total$/, "") : name))
        .sort(),
    );
    expect(text.endsWith("# EOF\n")).toBe(true);
  });

  it("is alive and ready, knows no other path, and takes nothing but GET and HEAD", async () => {
    const { metrics } = await serve();
    expect(await get(metrics, "/livez")).toMatchObject({ status: 200, text: "ok\n" });
    expect(await get(metrics, "/readyz?verbose")).toMatchObject({ status: 200, text: "ok\n" });
    expect((await get(metrics, "/metrics/")).status).toBe(404);
    expect((await fetch(`http://${metrics}/metrics`, { method: "POST" })).status).toBe(405);
    const head = await fetch(`http://${metrics}/metrics`, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
  });

  it.skipIf(!HAS_OPENSSL)("says when the server's certificate ends", async () => {
    makeCertificate(tests.shell.file("tls.key"), tests.shell.file("tls.pem"));
    const { metrics } = await serve("--tls-cert ./tls.pem --tls-key ./tls.key");
    const { text } = await get(metrics, "/metrics");
    const [line] = lines(text, /certificate_expiry/);
    expect(line).toMatch(/^tessera_certificate_expiry_seconds\{certificate="server"\} \d+$/);
    const days = (Number(line!.split(" ")[1]) * 1000 - Date.now()) / 86_400_000;
    expect(Math.round(days)).toBe(2);
  });

  it("says that the replay cache is full", async () => {
    const { metrics, addresses } = await serve("--replay-cache-size 64");
    await tests.shell.run("kinit --password-stdin alice", "apple");
    await tests.shell.run(`call --address ${addresses.v} who-am-i`);
    const { code } = await tests.shell.run(`call --address ${addresses.v} who-am-i`);
    expect(code).toBe(1);
    const { text } = await get(metrics, "/metrics");
    expect(lines(text, /replay_checks|replay_(max_)?bytes/)).toEqual([
      "tessera_replay_bytes 64",
      'tessera_replay_checks_total{outcome="full"} 1',
      'tessera_replay_checks_total{outcome="new"} 1',
      "tessera_replay_max_bytes 64",
    ]);
  });

  it("shows the age and the end of the TGS's keys", async () => {
    const changed = await tests.shell.run("kadmin cpw -randkey krbtgt/EXAMPLE.TEST");
    expect(changed).toMatchObject({ code: 0 });
    const { metrics } = await serve();
    const { text } = await get(metrics, "/metrics");
    const values = Object.fromEntries(
      lines(text, /^tessera_key_.*krbtgt/).map((line) => [line.split("{")[0], Number(line.split(" ")[1])]),
    );
    expect(values.tessera_key_versions).toBe(2);
    expect(values.tessera_key_age_seconds).toBeLessThan(60);
    expect(values.tessera_key_expiry_seconds! - Date.now() / 1000).toBeGreaterThan(3_600);
  });

  it.each(["x", "h:", ":1", "1:2:3", "65536", "-1"])("refuses --metrics %s as wrong usage", async (at) => {
    expect(await tests.shell.runWords(["serve", `--metrics=${at}`])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--metrics: expected a port, or HOST:PORT"),
    });
  });

  it("does not start where the page can't be shown, and leaves nothing running", async () => {
    const { metrics } = await serve();
    const other = await tests.shell.run(`serve --as-port 0 --tgs-port 0 --v-port 0 --metrics ${metrics}`);
    expect(other.code).toBe(1);
    expect(other.stderr).toContain(`${metrics} is in use`);
  });
});

describe("the page by itself", () => {
  it("says why it is not ready, and what failed, and goes on", async () => {
    let unready: string | undefined = "starting";
    await using page = await MetricsPage.open(
      { host: "127.0.0.1", port: 0 },
      { snapshots: () => Promise.reject(new Error("a worker is gone")), unready: () => unready },
    );
    expect(await get(page.address, "/readyz")).toMatchObject({ status: 503, text: "starting\n" });
    expect(await get(page.address, "/livez")).toMatchObject({ status: 200 });
    expect(await get(page.address, "/metrics")).toMatchObject({
      status: 500,
      text: "Error: a worker is gone\n",
    });
    unready = undefined;
    expect((await get(page.address, "/readyz")).status).toBe(200);
  });

  it("ends although a client holds its connection", async () => {
    const page = await MetricsPage.open(
      { host: "::1", port: 0 },
      { snapshots: async () => [], unready: () => undefined },
    ).catch(() => undefined);
    if (page === undefined) return; // No IPv6 here.
    const [, port] = /\]:(\d+)$/.exec(page.address)!;
    const client = request({ host: "::1", port, path: "/livez", agent: undefined });
    await new Promise<void>((resolve) =>
      client.on("response", (one) => one.resume().on("end", resolve)).end(),
    );
    await page[Symbol.asyncDispose]();
  });
});
