/** A client of a realm with several KDCs: real servers on one realm's folder, some of which are away. */
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { describe, expect, onTestFinished, test } from "vitest";
import { profileEtypes } from "../../../src/client/client-etypes.js";
import { ticketInterceptor } from "../../../src/client/guard/interceptor.js";
import type { KdcAddresses } from "../../../src/client/kdc/addresses.js";
import { NoKdcError } from "../../../src/client/kdc/no-kdc-error.js";
import { KerberosClient } from "../../../src/client/kerberos-client.js";
import type { KerberosClientOptions } from "../../../src/client/kerberos-client-options.js";
import { createMemoryRealm, createRealm, FIRST_SERVICE } from "../../../src/realm/create-realm.js";
import { exportKeys } from "../../../src/realm/keytab.js";
import { openRealm } from "../../../src/realm/open-realm.js";
import { addPasswordPrincipal } from "../../../src/realm/principal-keys.js";
import { existingPrincipal, localPrincipal } from "../../../src/realm/principals.js";
import type { Realm } from "../../../src/realm/realm.js";
import { RpcError } from "../../../src/rpc/rpc-error.js";
import type { LogRecord } from "../../../src/services/exchange-log.js";
import { type RunningRealm, runRealm } from "../../../src/services/run-realm.js";
import { newFolder } from "../../realm/folder.js";
import { startSilentServer } from "../../support/silent-server.js";
import { standBetween } from "../../support/wire-middle.js";
import { HAS_OPENSSL, makeTls } from "../../support/wire-tls.js";

const ALICE = "alice@EXAMPLE.TEST";
const NOBODY: KdcAddresses = { as: "127.0.0.1:1", tgs: "127.0.0.1:1" };

/** A realm with the user alice, in memory. */
async function world(now = Date.now()): Promise<Realm> {
  const realm = await createMemoryRealm({ profile: "standard" }, {}, now);
  onTestFinished(() => realm.close());
  await addPasswordPrincipal(realm, "alice", "apple", now);
  return realm;
}

/** A KDC of a realm, which can be killed and started again at its address. */
class Kdc {
  readonly log: LogRecord[] = [];
  readonly #realm: Realm;
  #running: RunningRealm | undefined;
  #ports = { as: 0, tgs: 0 };
  readonly #more: { clock?: () => number; credentials?: grpc.ServerCredentials };

  constructor(realm: Realm, more: { clock?: () => number; credentials?: grpc.ServerCredentials } = {}) {
    this.#realm = realm;
    this.#more = more;
  }

  async start(): Promise<this> {
    const log = (record: LogRecord) => void this.log.push(record);
    const running = await runRealm({ realm: this.#realm, ports: this.#ports, log, ...this.#more });
    this.#running = running;
    this.#ports = { as: running.servers.get("as")!.port, tgs: running.servers.get("tgs")!.port };
    return this;
  }

  get isUp(): boolean {
    return this.#running !== undefined;
  }

  /** Ends it at once, with whatever is under way. */
  async kill(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.stop(0);
  }

  addresses(host = "127.0.0.1"): KdcAddresses {
    return { as: `${host}:${this.#ports.as}`, tgs: `${host}:${this.#ports.tgs}` };
  }

  /** The results of its exchanges so far. */
  results(): string[] {
    return this.log.splice(0).flatMap(({ exchange, result }) => (result ? [`${exchange} ${result}`] : []));
  }
}

async function startKdc(realm: Realm, more: ConstructorParameters<typeof Kdc>[1] = {}): Promise<Kdc> {
  const kdc = await new Kdc(realm, more).start();
  onTestFinished(() => kdc.kill());
  return kdc;
}

function clientOf(kdc: KerberosClientOptions["kdc"], more: KerberosClientOptions = {}): KerberosClient {
  const client = new KerberosClient({ kdc, etypes: profileEtypes("standard"), ...more });
  onTestFinished(() => client.close());
  return client;
}

test("of three KDCs on one folder one is killed at every tenth login: 200 of 200 succeed", async () => {
  const directory = await createRealm(join(newFolder(), "realm"), { profile: "standard" }, Date.now());
  const realm = await openRealm(directory);
  onTestFinished(() => realm.close());
  await addPasswordPrincipal(realm, "alice", "apple", Date.now());
  const keys = (await existingPrincipal(realm, "alice")).keys.map(({ key }) => key);
  const kdcs = [await startKdc(realm), await startKdc(realm), await startKdc(realm)];
  const client = clientOf(kdcs.map((kdc) => kdc.addresses()));
  let logins = 0;
  for (let i = 1; i <= 200; i++) {
    const login = client.loginWithKeys(ALICE, keys);
    if (i % 10 === 0) {
      // Whoever answered last is asked first now: it ends while it is asked.
      const last = kdcs.filter((kdc) => kdc.isUp).find((kdc) => kdc.results().includes("AS OK"));
      await last?.kill();
    }
    await login;
    await client.serviceTicket(`${FIRST_SERVICE}@EXAMPLE.TEST`);
    logins++;
    if (i % 10 === 5) await kdcs.find((kdc) => !kdc.isUp)?.start();
    if (i % 10 !== 9) for (const kdc of kdcs) kdc.results();
  }
  expect(logins).toBe(200);
}, 60_000);

describe("a KDC that is away", () => {
  test("is passed over, at the AS and at the TGS, and the next is asked first from then on", async () => {
    const kdc = await startKdc(await world());
    const client = clientOf([NOBODY, kdc.addresses()]);
    await client.login(ALICE, "apple");
    await client.serviceTicket(`${FIRST_SERVICE}@EXAMPLE.TEST`);
    expect(kdc.results()).toEqual(["AS OK", "TGS OK"]);
    const calls: string[] = [];
    const other = clientOf([NOBODY, kdc.addresses()], {
      interceptors: [
        (options, next) => {
          calls.push(options.method_definition.path);
          return new grpc.InterceptingCall(next(options));
        },
      ],
    });
    await other.login(ALICE, "apple");
    expect(calls).toHaveLength(1);
  });

  test("is passed over by a login with a keytab, and by the guard's client", async () => {
    const realm = await world();
    const kdc = await startKdc(realm);
    const keytab = join(newFolder(), "v.keytab");
    await exportKeys(realm, [FIRST_SERVICE], { path: keytab }, Date.now());
    const client = clientOf([NOBODY, kdc.addresses()], { keytab });
    const { credentials } = await client.serviceProof(FIRST_SERVICE);
    expect(credentials.client).toBe(`${FIRST_SERVICE}@EXAMPLE.TEST`);
    expect(ticketInterceptor(client, FIRST_SERVICE)).toBeTypeOf("function");
    expect(kdc.results()).toEqual(["AS OK", "TGS OK"]);
  });

  test("is asked again as soon as it is back: no pause of a connection is waited for", async () => {
    const kdc = await startKdc(await world());
    const client = clientOf([kdc.addresses()]);
    await client.login(ALICE, "apple");
    await kdc.kill();
    await expect(client.login(ALICE, "apple")).rejects.toMatchObject({ code: grpc.status.UNAVAILABLE });
    await kdc.start();
    await client.login(ALICE, "apple");
  });

  test("while all are away, each is named with what is wrong with it", async () => {
    const client = clientOf([NOBODY, { as: "127.0.0.1:2", tgs: "127.0.0.1:2" }]);
    const error = await client.login(ALICE, "apple").catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(NoKdcError);
    expect(error).toMatchObject({
      code: grpc.status.UNAVAILABLE,
      message: expect.stringMatching(
        /^none of the 2 KDCs answered: 127\.0\.0\.1:1: .*ECONNREFUSED.*; 127\.0\.0\.1:2: .*ECONNREFUSED/,
      ),
    });
  });

  test("and a client that is closed meanwhile asks nobody else", async () => {
    const silent = await startSilentServer();
    onTestFinished(() => silent.close());
    const client = clientOf([{ as: silent.address, tgs: silent.address }, NOBODY]);
    const outcome = client.login(ALICE, "apple");
    await silent.connected;
    client.close();
    await expect(outcome).rejects.toMatchObject({ code: grpc.status.CANCELLED });
  });
});

describe("a KDC that is slow", () => {
  test("has the next one asked beside it", async () => {
    const silent = await startSilentServer();
    onTestFinished(() => silent.close());
    const kdc = await startKdc(await world());
    const client = clientOf([{ as: silent.address, tgs: silent.address }, kdc.addresses()]);
    await client.login(ALICE, "apple");
    expect(kdc.results()).toEqual(["AS OK"]);
  });

  test("counts a wrong password that another has refused once, where they share their counts", async () => {
    const realm = await world();
    const kdc = await startKdc(realm);
    let refusedByFirst = () => {};
    const first = new Promise<void>((resolve) => {
      refusedByFirst = resolve;
    });
    let proofs = 0;
    await using middle = await standBetween(
      {
        kdc: kdc.addresses(),
        v: { principal: localPrincipal(realm, FIRST_SERVICE), address: "127.0.0.1:1" },
      },
      {
        authenticate: async (request, pass) => {
          proofs++;
          await pass(request).catch(() => refusedByFirst());
          return new Promise<never>(() => {});
        },
      },
    );
    const client = clientOf([middle.kdc, kdc.addresses()]);
    const outcome = client.login(ALICE, "pear");
    await first;
    await expect(outcome).rejects.toMatchObject({ reason: "KDC_ERR_PREAUTH_FAILED" });
    expect(kdc.results()).toEqual(["AS KDC_ERR_PREAUTH_FAILED", "AS KDC_ERR_PREAUTH_FAILED"]);
    expect(proofs).toBe(1);
    expect((await realm.attempts()).of(localPrincipal(realm, "alice")).failures).toBe(1);
  });
});

test("a wrong password is refused by the first, and no other KDC hears of it", async () => {
  const realm = await world();
  const [one, other] = [await startKdc(realm), await startKdc(realm)];
  const client = clientOf([one.addresses(), other.addresses()]);
  await expect(client.login(ALICE, "pear")).rejects.toMatchObject({ reason: "KDC_ERR_PREAUTH_FAILED" });
  expect([one.results(), other.results()]).toEqual([["AS KDC_ERR_PREAUTH_FAILED"], []]);
});

test("a KDC that has too much to do leaves the login to the next, at once", async () => {
  const realm = await world();
  const kdc = await startKdc(realm);
  const v = { principal: localPrincipal(realm, FIRST_SERVICE), address: "127.0.0.1:1" };
  const busy = async () => {
    throw new RpcError(grpc.status.RESOURCE_EXHAUSTED, "busy", { retryAfterMs: 60_000 });
  };
  await using middle = await standBetween(
    { kdc: kdc.addresses(), v },
    { authenticate: busy, grantTicket: busy },
  );
  const client = clientOf([middle.kdc, kdc.addresses()]);
  await client.login(ALICE, "apple");
  await client.serviceTicket(`${FIRST_SERVICE}@EXAMPLE.TEST`);
  expect(kdc.results()).toEqual(["AS OK", "TGS OK"]);
});

test("each TGS that is asked gets an authenticator of its own", async () => {
  const realm = await world();
  const kdc = await startKdc(realm);
  const v = { principal: localPrincipal(realm, FIRST_SERVICE), address: "127.0.0.1:1" };
  const seen: string[] = [];
  const see =
    (isUp: boolean): NonNullable<Parameters<typeof standBetween>[1]["grantTicket"]> =>
    (request, pass) => {
      seen.push(
        Buffer.from(request.authenticator).toString("base64"),
        Buffer.from(request.body).toString("base64"),
      );
      if (!isUp) throw new RpcError(grpc.status.UNAVAILABLE, "away");
      return pass(request);
    };
  await using one = await standBetween({ kdc: kdc.addresses(), v }, { grantTicket: see(false) });
  await using other = await standBetween({ kdc: kdc.addresses(), v }, { grantTicket: see(true) });
  const client = clientOf([one.kdc, other.kdc]);
  await client.login(ALICE, "apple");
  await client.serviceTicket(`${FIRST_SERVICE}@EXAMPLE.TEST`);
  expect(new Set(seen).size).toBe(4);
});

describe("KDCs whose clocks are minutes apart", () => {
  test("serve one client, which learns the clock of the one that answers", async () => {
    const realm = await world(Date.now() - 3_600_000);
    const behind = await startKdc(realm, { clock: () => Date.now() - 400_000 });
    const right = await startKdc(realm);
    const client = clientOf([behind.addresses(), right.addresses()]);
    await client.login(ALICE, "apple");
    expect(behind.results()).toEqual(["AS KRB_AP_ERR_SKEW", "AS OK"]);
    await behind.kill();
    await client.serviceTicket(`${FIRST_SERVICE}@EXAMPLE.TEST`);
    expect(right.results()).toEqual(["TGS KRB_AP_ERR_SKEW", "TGS OK"]);
    expect(Math.abs((await client.cached())!.kdcOffset)).toBeLessThan(60_000);
  });

  test("refuse by name a ticket of one that is further ahead than clocks may differ", async () => {
    const realm = await world();
    const ahead = await startKdc(realm, { clock: () => Date.now() + 400_000 });
    const right = await startKdc(realm);
    const client = clientOf([ahead.addresses(), right.addresses()]);
    await client.login(ALICE, "apple");
    await ahead.kill();
    const ticket = client.serviceTicket(`${FIRST_SERVICE}@EXAMPLE.TEST`);
    await expect(ticket).rejects.toMatchObject({ reason: "KRB_AP_ERR_TKT_NYV" });
  });
});

test.skipIf(!HAS_OPENSSL)(
  "of KDCs with TLS, one that does not bear its own name is passed over",
  async () => {
    const realm = await world();
    const tls = makeTls();
    const credentials = tls.server;
    const [unnamed, named] = [await startKdc(realm, { credentials }), await startKdc(realm, { credentials })];
    // The certificate is for localhost, not for the address.
    const kdcs = [unnamed.addresses("127.0.0.1"), named.addresses("localhost")];
    await clientOf(kdcs, { credentials: tls.client }).login(ALICE, "apple");
    expect([unnamed.results(), named.results()]).toEqual([[], ["AS OK"]]);
  },
);

test("what is no list of KDCs is refused", () => {
  expect(() => new KerberosClient({ kdc: [] })).toThrow(
    new TypeError("kdc: expected at least one KDC, got an empty list"),
  );
  const mistyped = [{ as: "a:1", tgs: "a:2" }, { as: "b:1", tsg: "b:2" } as unknown as KdcAddresses];
  expect(() => new KerberosClient({ kdc: mistyped })).toThrow('kdc: no option "tsg"; did you mean tgs?');
});
