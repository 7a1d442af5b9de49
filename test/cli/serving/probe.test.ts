/** Health by a real login: what the realm says of itself while nobody can log in, whatever the cause. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PROBE_INTERVAL_MS } from "../../../src/cli/serving/probe.js";
import { beginProbeLogin } from "../../../src/cli/serving/probe-login.js";
import { startProbe } from "../../../src/cli/serving/probed.js";
import { formatKeytab } from "../../../src/formats/keytab.js";
import { HealthClient } from "../../../src/gen/grpc/health/v1/health_grpc.js";
import { HealthCheckResponse_ServingStatus as Status } from "../../../src/gen/grpc/health/v1/health_pb.js";
import { createMemoryRealm } from "../../../src/realm/create-realm.js";
import { addRandomKeyPrincipal } from "../../../src/realm/principal-keys.js";
import type { Realm } from "../../../src/realm/realm.js";
import type { Timer } from "../../../src/rpc/timer.js";
import type { LogRecord } from "../../../src/services/exchange-log.js";
import type { Figure, Look } from "../../../src/services/metrics/metrics.js";
import { type RunningRealm, runRealm } from "../../../src/services/run-realm.js";
import { HAS_OPENSSL, makeCertificate } from "../../support/wire-tls.js";
import { InProcess, type Running } from "../in-process.js";

const NOON = Date.UTC(2026, 2, 1, 12);
const KRBTGT = "krbtgt/EXAMPLE.TEST";

/** A timer that the test wakes. */
function handTimer() {
  const waiting = new Map<object, { readonly ms: number; readonly wake: () => void }>();
  const timer: Timer = (ms, wake) => {
    const one = {};
    waiting.set(one, { ms, wake });
    return () => void waiting.delete(one);
  };
  const next = () => {
    const [one, { wake }] = [...waiting][0]!;
    waiting.delete(one);
    wake();
  };
  return { timer, next, pauses: () => [...waiting.values()].map(({ ms }) => ms) };
}

describe("a probe", () => {
  let dir: string;
  let realm: Realm;
  let running: RunningRealm;
  /** The time of the servers, and of the probe. */
  const time = { servers: NOON, probe: NOON };
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), "probe-"));
    Object.assign(time, { servers: NOON, probe: NOON });
    realm = await createMemoryRealm({ realm: "EXAMPLE.TEST", profile: "standard" }, {}, NOON);
    const { principal, keys } = await addRandomKeyPrincipal(realm, "probe/kdc", NOON);
    const entries = keys.map(({ kvno, key }) => ({ principal, kvno, key, timestamp: NOON }));
    writeFileSync(join(dir, "probe.keytab"), formatKeytab(entries), { mode: 0o600 });
    running = await runRealm({ realm, ports: { as: 0, tgs: 0, v: 0 }, clock: () => time.servers });
  });
  afterEach(async () => {
    await running.stop(0);
    await realm.close();
    rmSync(dir, { recursive: true });
  });

  async function probed() {
    const hand = handTimer();
    const log: LogRecord[] = [];
    const looks: Look[] = [];
    const ready: (string | undefined)[] = [];
    const login = {
      keytab: join(dir, "probe.keytab"),
      running,
      tls: { cert: undefined, key: undefined, clientCa: undefined },
      clockSkew: 300_000,
      now: () => time.probe,
    };
    const probe = await startProbe({
      begin: () => beginProbeLogin(login),
      running,
      watched: {
        setReady: (why) => void ready.push(why),
        metrics: { watch: (look: Look) => looks.push(look) } as unknown as never,
      },
      log: (record) => void log.push(record),
      timer: hand.timer,
      now: () => time.probe,
    });
    return {
      ...hand,
      log,
      ready,
      figures: async () =>
        Object.fromEntries(
          ((await Promise.all(looks.map((look) => look()))).flat() as Figure[]).map(({ name, value }) => [
            name.replace("tessera_probe_", ""),
            value,
          ]),
        ),
      /** The timer wakes it, and the attempt ends. */
      again: async () => {
        hand.next();
        await probe.try();
      },
      [Symbol.dispose]: () => probe[Symbol.dispose](),
    };
  }

  async function health(): Promise<Record<string, string>> {
    const found: Record<string, string> = {};
    for (const part of ["as", "tgs", "v"] as const) {
      using client = new HealthClient(running.address(part), grpc.credentials.createInsecure());
      found[part] = Status[(await client.check({ service: "" })).status];
    }
    return found;
  }

  const SERVING = { as: "SERVING", tgs: "SERVING", v: "SERVING" };
  const DOWN = { as: "NOT_SERVING", tgs: "NOT_SERVING", v: "SERVING" };

  it("logs in every five seconds, and says nothing as long as that goes well", async () => {
    using probe = await probed();
    expect(await health()).toEqual(SERVING);
    time.probe += 5_000;
    time.servers += 5_000;
    await probe.again();
    expect(probe.pauses()).toEqual([PROBE_INTERVAL_MS]);
    expect(probe.ready).toEqual([undefined]);
    expect(probe.log).toEqual([]);
    expect(await probe.figures()).toEqual({
      up: 1,
      success_seconds: (NOON + 5_000) / 1000,
      duration_seconds: expect.any(Number),
    });
  });

  it("finds the TGS's principal missing: AS and TGS do not serve, V does, until it is back", async () => {
    using probe = await probed();
    const krbtgt = (await realm.principals.get(`${KRBTGT}@EXAMPLE.TEST` as never))!;
    await realm.principals.delete(krbtgt.principal);
    await probe.again();
    expect(await health()).toEqual(DOWN);
    expect(probe.ready.at(-1)).toMatch(
      /^the login failed: .*has no krbtgt\/EXAMPLE\.TEST.*KDC_ERR_SVC_UNAVAILABLE/,
    );
    expect((await probe.figures()).up).toBe(0);
    await probe.again();
    await realm.principals.create(krbtgt);
    await probe.again();
    expect(await health()).toEqual(SERVING);
    expect(probe.log.map(({ level, text }) => `${level} ${text}`)).toEqual([
      expect.stringMatching(/^error the realm does not serve: the login failed: /),
      "info the realm serves again",
    ]);
  });

  it("finds the store away", async () => {
    using probe = await probed();
    await realm.principals.close();
    await probe.again();
    expect(await health()).toEqual(DOWN);
    expect(probe.ready.at(-1)).toMatch(/can't reach its store.*KDC_ERR_SVC_UNAVAILABLE/);
  });

  it.each([
    ["ahead", 3_600_000],
    ["behind", -3_600_000],
  ])("finds a clock that is %s", async (_, offset) => {
    using probe = await probed();
    time.servers += offset;
    await probe.again();
    expect(await health()).toEqual(DOWN);
    expect(probe.ready.at(-1)).toMatch(/clock|SKEW/i);
    time.servers -= offset;
    await probe.again();
    expect(await health()).toEqual(SERVING);
  });

  it("finds that it may get no ticket: the TGS does not serve, the AS does", async () => {
    using probe = await probed();
    const [name] = [`probe/kdc@EXAMPLE.TEST` as never];
    // As a client it may log in; as a service its life is over.
    await realm.principals.change(name, (entry) => ({ ...entry, passwordKeyed: true }));
    await probe.again();
    expect(await health()).toEqual({ as: "SERVING", tgs: "NOT_SERVING", v: "SERVING" });
    expect(probe.ready.at(-1)).toMatch(/^no ticket: /);
  });

  it("finds its own keytab gone", async () => {
    using probe = await probed();
    rmSync(join(dir, "probe.keytab"));
    await probe.again();
    expect(probe.ready.at(-1)).toMatch(/^the login failed: .*probe\.keytab/);
  });

  it("makes no attempt once it is ended", async () => {
    const probe = await probed();
    probe[Symbol.dispose]();
    expect(probe.pauses()).toEqual([]);
  });
});

describe("serve --probe", () => {
  let shell: InProcess;
  let running: Running | undefined;
  beforeEach(async () => {
    shell = new InProcess();
    await shell.run("realm create");
    await shell.run("kadmin addprinc -randkey probe/kdc");
    await shell.run("kadmin ktadd -norandkey -k ./probe.keytab probe/kdc");
  });
  afterEach(async () => {
    running?.end();
    await running?.outcome;
    running = undefined;
    shell.remove();
  });

  async function serve(words: string) {
    running = shell.start(
      `serve --as-port 0 --tgs-port 0 --v-port 0 --metrics 0 --probe ./probe.keytab ${words}`
        .trim()
        .split(" "),
    );
    const { metrics } = JSON.parse(await running.firstLine) as { metrics: string };
    return async (path: string) => {
      const response = await fetch(`http://${metrics}${path}`);
      return `${response.status} ${await response.text()}`;
    };
  }

  it("is ready after its first login, and not while the probe can't log in; alive all the time", async () => {
    const get = await serve("");
    await expect.poll(() => get("/readyz")).toBe("200 ok\n");
    await shell.run("kadmin modprinc --disable probe/kdc");
    running!.signal("SIGHUP");
    await expect.poll(() => running!.stderr()).toContain("SIGHUP: ");
    expect(await get("/readyz")).toMatch(/^503 the login failed: .*KDC_ERR_CLIENT_REVOKED/);
    expect(await get("/livez")).toBe("200 ok\n");
    expect(await get("/metrics")).toMatch(/^tessera_probe_up 0$/m);
  });

  it.skipIf(!HAS_OPENSSL)(
    "logs in over TLS, with the server's own certificate where clients need one",
    async () => {
      makeCertificate(shell.file("tls.key"), shell.file("tls.pem"));
      const get = await serve("--tls-cert ./tls.pem --tls-key ./tls.key --tls-client-ca ./tls.pem");
      await expect.poll(() => get("/readyz")).toBe("200 ok\n");
    },
  );

  it("is wrong usage without AS and TGS", async () => {
    expect(await shell.run("serve as --probe ./probe.keytab")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--probe goes with the AS and the TGS"),
    });
  });
});
