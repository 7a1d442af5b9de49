/** `tessera serve --workers`: processes that share the ports, the replay rule and one log. */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import * as grpc from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { HealthClient } from "../../src/gen/grpc/health/v1/health_grpc.js";
import { HealthCheckResponse_ServingStatus as ServingStatus } from "../../src/gen/grpc/health/v1/health_pb.js";
import { ApplicationServiceClient } from "../../src/gen/kerberos/v1/application_service_grpc.js";
import { AuthenticationServiceClient } from "../../src/gen/kerberos/v1/authentication_service_grpc.js";
import { TicketGrantingServiceClient } from "../../src/gen/kerberos/v1/ticket_granting_service_grpc.js";
import { makeAccessReq } from "../../src/protocol/access-exchange.js";
import { makeAsReq, openAsRep } from "../../src/protocol/as-exchange.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { defaultStringToKey, type Key, keyFromPassword } from "../../src/protocol/keys.js";
import { parsePrincipal } from "../../src/protocol/principal.js";
import { makeTgsReq, openTgsRep } from "../../src/protocol/tgs-exchange.js";
import type { ClientOptions } from "../../src/rpc/client-runtime.js";
import { Shell } from "../cli/command.js";
import { type LogLine, serveWorkers } from "../cli/serving-workers.js";
import { eventually } from "../support/eventually.js";
import { echoData } from "../support/realm.js";
import { HAS_OPENSSL, makeCertificate } from "../support/wire-tls.js";

const ALICE = parsePrincipal("alice@EXAMPLE.TEST", "alice");
const V = parsePrincipal("v/localhost@EXAMPLE.TEST", "V");
const WISH = { etypes: [3] };
const shell = new Shell();
let key: Key;
beforeAll(async () => {
  await shell.run("realm create");
  await shell.run("kadmin addprinc --password-stdin alice", "apple");
  key = await keyFromPassword(etypeOf(3), "apple", defaultStringToKey(ALICE));
});
afterAll(() => shell.remove());

const insecure = grpc.credentials.createInsecure();
type ClientType<Client> = new (
  address: string,
  credentials: grpc.ChannelCredentials,
  options: ClientOptions,
) => Client;

/** Clients with a connection each, which are dealt to the workers in turns. */
function connect<Client extends { close(): void }>(
  type: ClientType<Client>,
  address: string,
  count: number,
  credentials = insecure,
): Client[] {
  const clients = Array.from(
    { length: count },
    () => new type(address, credentials, { channelOptions: { "grpc.use_local_subchannel_pool": 1 } }),
  );
  onTestFinished(() => {
    for (const client of clients) client.close();
  });
  return clients;
}

const newAsReq = () => makeAsReq(ALICE, WISH, key, Date.now());

/** What servers on `localhost` need for TLS, and clients of theirs. */
function tlsFiles(): { words: readonly string[]; credentials: grpc.ChannelCredentials } {
  const [tlsKey, certificate] = [join(shell.dir, "tls.key"), join(shell.dir, "tls.pem")];
  makeCertificate(tlsKey, certificate);
  return {
    words: ["--host", "localhost", "--tls-cert", certificate, "--tls-key", tlsKey],
    credentials: grpc.credentials.createSsl(readFileSync(certificate)),
  };
}

/** A TGT, and a ticket for V. */
async function ticketsFrom(addresses: Readonly<Record<"as" | "tgs", string>>) {
  const [as] = connect(AuthenticationServiceClient, addresses.as, 1);
  const [tgs] = connect(TicketGrantingServiceClient, addresses.tgs, 1);
  const asReq = newAsReq();
  const tgt = openAsRep(await as!.authenticate(asReq), asReq, key, Date.now()).credentials;
  const { request, pending } = makeTgsReq(tgt, V, WISH, Date.now());
  return openTgsRep(await tgs!.grantTicket(request), pending, Date.now()).credentials;
}

const isExchange = ({ exchange }: LogLine) => exchange === "AS" || exchange === "V";
const about = (worker: unknown, text: RegExp) => (line: LogLine) =>
  line.exchange === "worker" && line.worker === worker && text.test(String(line.text));
const workerOf = ({ worker }: LogLine) => worker;

/** Whether there is a process of this number. */
function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe("workers", { timeout: 120_000 }, () => {
  it("share ports, log and replay rule: of copies given to both one call runs", async () => {
    const { addresses, pids, log, logged, end, primary } = await serveWorkers(shell, [
      ..."--workers 2 --log-sample off".split(" "),
    ]);
    expect(new Set([...pids, primary.pid]).size).toBe(3);
    const ticket = await ticketsFrom(addresses);
    const clients = connect(ApplicationServiceClient, addresses.v, 4);
    const { request } = makeAccessReq(ticket, echoData({ text: "once" }), Date.now());
    const answers = await Promise.allSettled(clients.map((client) => client.access(request)));
    const reasons = answers.map((answer) => (answer.status === "fulfilled" ? "OK" : answer.reason.reason));
    expect(reasons.sort()).toEqual(["KRB_AP_ERR_REPEAT", "KRB_AP_ERR_REPEAT", "KRB_AP_ERR_REPEAT", "OK"]);
    const lines = await logged(({ exchange }) => exchange === "V", 4);
    expect(new Set(lines.map(workerOf)).size).toBe(2);
    expect(await end()).toBe(0);
    // Each has said that it listens and that it has ended, after the announcement, and nothing was torn.
    expect(log.filter(about(1, /./)).map(({ text }) => text)).toEqual(["listens", "ended with exit code 0"]);
    expect(log.filter(about(2, /./)).map(({ text }) => text)).toEqual(["listens", "ended with exit code 0"]);
    for (const pid of pids) expect(lives(pid)).toBe(false);
  });

  it("take connections in turn, however many come at once", async () => {
    const serving = await serveWorkers(shell, ["--workers", "2"]);
    const clients = connect(AuthenticationServiceClient, serving.addresses.as, 96);
    await Promise.all(clients.map((client) => client.authenticate(newAsReq())));
    const lines = await serving.logged(({ exchange }) => exchange === "AS", clients.length);
    const first = lines[0]?.worker;
    const ofFirst = lines.filter(({ worker }) => worker === first).length;
    expect(Math.abs(ofFirst - clients.length / 2)).toBeLessThanOrEqual(1);
    await serving.end();
  });

  it("count one wrong proof once, whichever of them it is repeated to, and answer a right one each", async () => {
    const { addresses, logged, end } = await serveWorkers(shell, ["--workers", "2"]);
    const clients = connect(AuthenticationServiceClient, addresses.as, 2);
    const wrong = makeAsReq(
      ALICE,
      WISH,
      await keyFromPassword(etypeOf(3), "pear", defaultStringToKey(ALICE)),
      Date.now(),
    );
    for (const client of [...clients, ...clients])
      await expect(client.authenticate(wrong)).rejects.toMatchObject({ reason: "KDC_ERR_PREAUTH_FAILED" });
    expect((await shell.run("kadmin getprinc alice")).stdout).toMatch(/Failures: +1 since/);
    const right = newAsReq();
    const replies = await Promise.all(clients.map((client) => client.authenticate(right)));
    // Each of two answers is the client's alone to open, and each is a login of its own in the log.
    for (const reply of replies)
      expect(openAsRep(reply, right, key, Date.now()).credentials.client).toBe(ALICE);
    const lines = await logged(({ exchange, result }) => exchange === "AS" && result === "OK", 2);
    expect(new Set(lines.map(workerOf)).size).toBe(2);
    expect((await shell.run("kadmin getprinc alice")).stdout).not.toMatch(/Failures: +1 since/);
    expect(await end()).toBe(0);
  });

  it.each([{ over: "plaintext" }, { over: "TLS" }])(
    "are replaced one by one at SIGUSR2, and every call meanwhile is answered, over $over",
    async ({ over }) => {
      if (over === "TLS" && !HAS_OPENSSL) return console.warn("over TLS: skipped, openssl is not installed");
      const { words, credentials } = over === "TLS" ? tlsFiles() : { words: [], credentials: insecure };
      const { addresses, primary, heard, log, logged, end } = await serveWorkers(shell, [
        "--workers",
        "2",
        ...words,
      ]);
      const connected = (count: number) =>
        connect(AuthenticationServiceClient, addresses.as, count, credentials);
      const call = async (client: AuthenticationServiceClient) => {
        const request = newAsReq();
        openAsRep(await client.authenticate(request), request, key, Date.now());
      };
      let isOver = false;
      const calling = async (next: () => AuthenticationServiceClient) => {
        let count = 0;
        for (; !isOver; count++) await call(next());
        return count;
      };
      const answered = [
        ...connected(4).map((client) => calling(() => client)),
        // And one that connects anew for each call.
        calling(() => connected(1)[0]!),
      ];
      const watching = Promise.all(answered);
      await Promise.race([logged(isExchange, 20), watching]);
      primary.kill("SIGUSR2");
      await Promise.race([heard("tessera: SIGUSR2: replaced the workers"), watching]);
      await Promise.race([logged(isExchange, log.filter(isExchange).length + 20), watching]);
      isOver = true;
      const counts = await watching;
      for (const count of counts) expect(count).toBeGreaterThan(0);
      const served = new Set(log.filter(isExchange).map(workerOf));
      expect([served.has(1) || served.has(2), served.has(3) || served.has(4)]).toEqual([true, true]);
      expect(await end()).toBe(0);
    },
  );

  it("are not replaced by any that can't start", async () => {
    const { addresses, primary, heard, said, end } = await serveWorkers(shell, ["--workers", "1"]);
    const keytab = join(shell.dir, "realm", "v.keytab");
    const bytes = readFileSync(keytab);
    writeFileSync(keytab, "no keytab");
    onTestFinished(() => writeFileSync(keytab, bytes));
    primary.kill("SIGUSR2");
    await heard("tessera: SIGUSR2: a new worker did not start; the others go on");
    expect(said.some((line) => line.includes("v.keytab"))).toBe(true);
    const [client] = connect(AuthenticationServiceClient, addresses.as, 1);
    await client!.authenticate(newAsReq());
    expect(await end()).toBe(0);
  });

  it("are followed by others when they die, on the same ports, even if none is left", async () => {
    const { addresses, pids, logged, end } = await serveWorkers(shell, ["--workers", "2"]);
    for (const pid of pids) process.kill(pid, "SIGKILL");
    await logged(about(1, /ended by SIGKILL/));
    await logged(about(2, /ended by SIGKILL/));
    await logged(({ worker, text }) => Number(worker) > 2 && text === "listens", 2);
    const [client] = connect(AuthenticationServiceClient, addresses.as, 1);
    await client!.authenticate(newAsReq());
    expect(await end()).toBe(0);
  });

  it("that end as soon as they start end the command, which says so, and the others finish", async () => {
    const { pids, primary, said, log } = await serveWorkers(shell, ["--workers", "2"]);
    const keytab = join(shell.dir, "realm", "v.keytab");
    const bytes = readFileSync(keytab);
    writeFileSync(keytab, "no keytab");
    onTestFinished(() => writeFileSync(keytab, bytes));
    const closed = new Promise((resolve) => primary.once("close", resolve));
    process.kill(pids[0]!, "SIGKILL");
    expect(await closed).toBe(1);
    const text = "the workers end as soon as they start: 5 in a row; the last ended with exit code 1";
    expect(log).toContainEqual(expect.objectContaining({ level: "error", exchange: "worker", text }));
    expect(said).toContain(`tessera: ${text}`);
    expect(said.at(-1)).toMatch(/^hint: /);
    expect(log.filter(about(2, /ended with exit code 0/))).toHaveLength(1);
  });

  it("have one page of metrics, whose counts stay when one of them is gone, and one readiness", async () => {
    const { addresses, pids, page, logged, end } = await serveWorkers(shell, [
      ..."--workers 2 --metrics 127.0.0.1:0".split(" "),
    ]);
    const counted = async () => {
      const text = await (await page("/metrics")).text();
      return Number(/^tessera_exchanges_total\{exchange="AS",reason="OK"[^}]*\} (\d+)$/m.exec(text)?.[1]);
    };
    for (const client of connect(AuthenticationServiceClient, addresses.as, 4))
      await client.authenticate(newAsReq());
    expect(await counted()).toBe(4);
    expect((await page("/readyz")).status).toBe(200);
    process.kill(pids[0]!, "SIGKILL");
    await logged(about(3, /listens/));
    expect(await counted()).toBe(4);
    for (const client of connect(AuthenticationServiceClient, addresses.as, 2))
      await client.authenticate(newAsReq());
    expect(await counted()).toBe(6);
    expect(await end()).toBe(0);
  });

  it("finish their calls at a signal that comes twice, as from a terminal and from npm", async () => {
    const { addresses, primary, ended, said } = await serveWorkers(shell, ["--workers", "2"]);
    const [as] = connect(AuthenticationServiceClient, addresses.as, 1);
    await as!.authenticate(newAsReq());
    primary.kill("SIGTERM");
    primary.kill("SIGINT");
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(said.filter((line) => line.includes("finishing"))).toHaveLength(1);
  });

  it("end by no signal's own action, however late it comes", async () => {
    const { primary, ended } = await serveWorkers(shell, ["--workers", "2"]);
    let isOver = false;
    void ended.finally(() => {
      isOver = true;
    });
    for (; !isOver; await setImmediate()) primary.kill("SIGTERM");
    expect(await ended).toMatchObject({ signal: null });
  });

  it("end when their primary is killed", async () => {
    const { addresses, pids, primary } = await serveWorkers(shell, ["--workers", "2"]);
    const closed = new Promise((resolve) => primary.once("close", resolve));
    primary.kill("SIGKILL");
    await closed;
    await eventually(() => expect(pids.filter(lives)).toEqual([]));
    const port = Number(addresses.as.split(":")[1]);
    const free = createServer().listen(port, "127.0.0.1");
    await new Promise((resolve) => free.once("listening", resolve));
    free.close();
  });

  it("are one server to the health check: SERVING in each, and none at the end", async () => {
    const { addresses, end } = await serveWorkers(shell, ["--workers", "2"]);
    const clients = connect(HealthClient, addresses.as, 2);
    for (const client of clients)
      expect((await client.check({ service: "" })).status).toBe(ServingStatus.SERVING);
    const last = clients.map(async (client) => {
      const seen: ServingStatus[] = [];
      const failure = await (async () => {
        for await (const { status } of client.watch({ service: "" })) seen.push(status);
      })().catch((error: unknown) => error);
      return { seen, failure };
    });
    // Both watch: each has been answered on its connection once more after the stream was begun.
    for (const client of clients) await client.check({ service: "" });
    const code = await end();
    for (const { seen, failure } of await Promise.all(last)) {
      expect(seen).toEqual([ServingStatus.SERVING, ServingStatus.NOT_SERVING]);
      expect(failure).toMatchObject({ codeName: "UNAVAILABLE" });
    }
    expect(code).toBe(0);
  });

  it("read their files again at SIGHUP, and the log goes on in a new file", async () => {
    const path = join(shell.dir, "log");
    const { addresses, primary, heard, said, end } = await serveWorkers(shell, [
      "--workers",
      "2",
      "--log",
      path,
    ]);
    const clients = connect(AuthenticationServiceClient, addresses.as, 4);
    const call = async () => {
      for (const client of clients) await client.authenticate(newAsReq());
    };
    await call();
    await eventually(() => expect(exchangesIn(path)).toHaveLength(4));
    renameSync(path, `${path}.1`);
    primary.kill("SIGHUP");
    await heard("tessera: SIGHUP: ");
    await call();
    expect(await end()).toBe(0);
    expect(exchangesIn(path)).toHaveLength(4);
    expect(new Set(exchangesIn(path).map(workerOf)).size).toBe(2);
    expect(exchangesIn(`${path}.1`)).toHaveLength(4);
    expect(said.filter((line) => line.startsWith("tessera: SIGHUP: "))).toHaveLength(1);
  });

  it("go by another level of the log from SIGHUP on, and so do those that replace them", async () => {
    const file = join(shell.dir, "tessera.toml");
    const configure = (level: string) => writeFileSync(file, `[log]\nlevel = "${level}"\n`);
    shell.env.TESSERA_CONFIG = file;
    onTestFinished(() => void delete shell.env.TESSERA_CONFIG);
    configure("info");
    const { addresses, primary, heard, log, said, end } = await serveWorkers(shell, ["--workers", "2"]);
    const call = async () => {
      for (const client of connect(AuthenticationServiceClient, addresses.as, 4))
        await client.authenticate(newAsReq());
    };
    const hangUp = async (times: number) => {
      primary.kill("SIGHUP");
      await eventually(() =>
        expect(said.filter((line) => line.startsWith("tessera: SIGHUP: "))).toHaveLength(times),
      );
    };
    configure("warn");
    await hangUp(1);
    await call();
    primary.kill("SIGUSR2");
    await heard("tessera: SIGUSR2: replaced the workers");
    await call();
    configure("info");
    await hangUp(2);
    await call();
    expect(await end()).toBe(0);
    expect(log.filter(isExchange).map(workerOf).sort()).toEqual([3, 3, 4, 4]);
    expect(said.join("\n")).not.toContain("waits for the next start");
  });
});

function exchangesIn(path: string): LogLine[] {
  const lines = readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as LogLine).filter(isExchange);
}

describe("serve --workers refuses", { timeout: 60_000 }, () => {
  it.each([
    [
      "a replay cache of each worker's own",
      "--workers 2 --replay-cache memory:",
      2,
      "--replay-cache memory:: workers must share it",
    ],
    [
      "notes of each worker's own",
      "--workers 2 --notes memory:",
      2,
      "--notes memory:: workers must share them",
    ],
    [
      "a key that can be read once",
      "--workers 2 --tls-key /dev/fd/3",
      2,
      "--tls-key: each worker reads the file",
    ],
    ["what is no number", "--workers x", 2, "--workers: expected a number, or 0 for one a core"],
    [
      "what the first worker refuses, by its words",
      "--workers 2 --dir none",
      1,
      "none: there is no realm here",
    ],
  ])("%s", async (_, words, code, text) => {
    const outcome = await shell.run(`serve --json ${words}`);
    expect([outcome.code, outcome.stderr]).toEqual([code, expect.stringContaining(text)]);
    expect(JSON.parse(outcome.stdout)).toHaveProperty("error.text", expect.stringContaining(text));
  });
});
