/** `tessera doctor`: looks at everything a login needs, and says what to do about what is wrong. */
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { fileCache, parseKdcAddresses } from "../../client/index.js";
import { HealthClient } from "../../gen/grpc/health/v1/health_grpc.js";
import { HealthCheckResponse_ServingStatus as ServingStatus } from "../../gen/grpc/health/v1/health_pb.js";
import { krbtgtOf } from "../../protocol/principal.js";
import { openUnchecked } from "../../realm/open-realm.js";
import { openRealmDirectory } from "../../realm/realm-directory.js";
import { DEFAULT_ADDRESSES } from "../../rpc/default-addresses.js";
import { defineCommand } from "../frame/command.js";
import { cachePath, kdcText, realmDir } from "../frame/environment.js";
import { describeFailure } from "../frame/failure.js";
import { CACHE_OPTIONS, TLS_OPTIONS } from "../options/client-options.js";
import { printJson, printLine } from "../screen/output.js";
import { localTime } from "../screen/times.js";
import { weakNames } from "../screen/weakness.js";
import { readKeytab } from "../session/keytab.js";
import { REALM_OPTIONS } from "../session/realm.js";
import { channelCredentials } from "../session/tls.js";

/** How one check ended. */
interface Finding {
  readonly check: string;
  readonly state: "ok" | "note" | "bad";
  readonly text: string;
  readonly hint?: string | undefined;
}

export const command = defineCommand({
  name: "doctor",
  usage: ["[OPTION…]"],
  description:
    "Checks the realm's folder and who can read it, V's keytab, the credential cache, the health of the three servers, and " +
    "the clock against the KDC's as the last login measured it. Changes nothing. Exits with 1 where something is wrong.",
  examples: ["tessera doctor", "tessera doctor --kdc kdc.example.test:8801 --tls-ca ca.pem --json"],
  options: {
    ...REALM_OPTIONS,
    ...CACHE_OPTIONS,
    kdc: { value: "AS[,TGS]", help: "HOST:PORT of the AS and of the TGS" },
    address: { value: "HOST:PORT", help: `where V listens; ${DEFAULT_ADDRESSES.v}` },
    ...TLS_OPTIONS,
  },
  arguments: [0, 0],
  run: async ({ options, json }) => {
    grpc.setLogVerbosity(grpc.logVerbosity.NONE);
    const kdc = parseKdcAddresses(kdcText(options.kdc) ?? DEFAULT_ADDRESSES.as);
    const credentials = (await channelCredentials(options)) ?? grpc.credentials.createInsecure();
    const servers = { AS: kdc.as, TGS: kdc.tgs, V: options.address ?? DEFAULT_ADDRESSES.v };
    const findings = [
      ...(await checkRealm(realmDir(options.dir))),
      await checkCache(cachePath(options.cache)),
      ...(await Promise.all(
        Object.entries(servers).map(([name, address]) => checkServer(name, address, credentials)),
      )),
    ];
    if (json) printJson({ findings });
    else
      for (const { check, state, text, hint } of findings) {
        printLine(`${MARKS[state]} ${check.padEnd(10)} ${text}`);
        if (hint !== undefined) printLine(`${" ".repeat(15)}hint: ${hint}`);
      }
    return findings.some(({ state }) => state === "bad") ? 1 : 0;
  },
});

const MARKS = { ok: "ok  ", note: "note", bad: "BAD " } as const;

async function checkRealm(dir: string): Promise<Finding[]> {
  const found: Finding[] = [];
  try {
    const realm = await openRealmDirectory(dir);
    const { settings } = realm;
    const weak = weakNames(settings.profile);
    const text = `${settings.realm}, profile ${settings.profile}, in ${dir}`;
    found.push({ check: "realm", state: "ok", text });
    if (weak !== "")
      found.push({
        check: "profile",
        state: "note",
        text: `permits weak encryption (${weak}): for learning`,
      });
    found.push(...(await openToOthers(dir)));
    const { principals } = await openUnchecked(realm);
    try {
      let count = 0;
      for await (const _ of principals.list()) count++;
      const tgs = await principals.get(krbtgtOf(settings.realm));
      found.push(
        tgs === undefined
          ? {
              check: "principals",
              state: "bad",
              text: "the realm has no TGS principal",
              hint: "restore a backup",
            }
          : { check: "principals", state: "ok", text: `${count}, every record opens` },
      );
    } finally {
      await principals.close();
    }
    const keys = await readKeytab(realm.keytabFile);
    found.push({ check: "keytab", state: "ok", text: `${keys.length} keys in ${realm.keytabFile}` });
  } catch (error) {
    const missing = (error as { code?: unknown }).code === "missing";
    const { text, hint } = describeFailure(error);
    // A machine of clients only has no realm: nothing is wrong with that.
    found.push({ check: "realm", state: missing && found.length === 0 ? "note" : "bad", text, hint });
  }
  return found;
}

/** Files of the realm that somebody else could read. */
async function openToOthers(dir: string): Promise<Finding[]> {
  const names = await readdir(dir, { recursive: true });
  const found: Finding[] = [];
  for (const name of names) {
    const path = join(dir, name);
    const { mode } = await lstat(path);
    if ((mode & 0o077) !== 0 && name !== "realm.json" && !/\.mdb$/.test(name))
      found.push({
        check: "files",
        state: "bad",
        text: `${path}: open to others`,
        hint: `chmod go= ${path}`,
      });
  }
  return found;
}

async function checkCache(path: string): Promise<Finding> {
  try {
    const login = await fileCache(path).load();
    if (login === undefined)
      return { check: "cache", state: "note", text: "nobody is logged in", hint: "tessera kinit" };
    const end = Math.max(0, ...login.credentials.map(({ endtime }) => endtime));
    const clock =
      Math.abs(login.kdcOffset) < 1000
        ? "the clocks agree"
        : `the KDC's clock is ${login.kdcOffset} ms off ours`;
    const over = end <= Date.now() + login.kdcOffset;
    if (over)
      return { check: "cache", state: "note", text: `${login.client}: expired`, hint: "tessera kinit" };
    const far = Math.abs(login.kdcOffset) > 60_000;
    return {
      check: "cache",
      state: far ? "bad" : "ok",
      text: `${login.client} until ${localTime(end)}; ${clock}`,
      hint: far ? "set the clock (NTP)" : undefined,
    };
  } catch (error) {
    return { check: "cache", state: "bad", ...describeFailure(error) };
  }
}

async function checkServer(
  name: string,
  address: string,
  credentials: grpc.ChannelCredentials,
): Promise<Finding> {
  using client = new HealthClient(address, credentials, { timeoutMs: 3000 });
  try {
    const { status } = await client.check({ service: "" });
    const text = `${address}: ${ServingStatus[status]}`;
    return { check: name, state: status === ServingStatus.SERVING ? "ok" : "bad", text };
  } catch (error) {
    const { text, hint } = describeFailure(error);
    return { check: name, state: "bad", text, hint };
  }
}
