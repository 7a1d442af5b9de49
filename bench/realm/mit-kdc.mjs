// MIT's krb5kdc with a realm of its own: as many users, without the write to its database at each login that
// it makes by default (`disable_last_success`). Debian: krb5-kdc, krb5-admin-server.
import { execFileSync, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { parseKeytab } from "../../dist/formats/keytab.js";
import { etypeOf } from "../../dist/protocol/etypes.js";
import { ETYPE, REALM, SERVICES, serviceName, userName } from "./filled-realm.mjs";
import { asReq, checkReply } from "./mit-messages.mjs";

const SBIN = "/usr/sbin";
const PROGRAMS = ["krb5kdc", "kdb5_util", "kadmin.local"].map((name) => join(SBIN, name));
export const HAS_MIT = PROGRAMS.every((path) => existsSync(path));
const [KRB5KDC, KDB5_UTIL, KADMIN] = PROGRAMS;

/** Makes the realm and starts its KDC. @returns its port, its process, and the key that all users share. */
export async function startMitKdc(folder, users) {
  const dir = join(folder, "mit");
  mkdirSync(dir, { mode: 0o700 });
  const port = await freeUdpPort();
  const env = writeConfiguration(dir, port);
  const run = (program, args, input) =>
    execFileSync(program, args, { env, input, stdio: ["pipe", "pipe", "pipe"], maxBuffer: 2 ** 30 });
  run(KDB5_UTIL, ["create", "-s", "-r", REALM, "-P", "master"]);
  const first = userName(0);
  const commands = [
    `addprinc -randkey +requires_preauth ${first}`,
    ...Array.from({ length: SERVICES }, (_, i) => `addprinc -randkey ${serviceName(i)}`),
    `ktadd -norandkey -k ${join(dir, "user.keytab")} ${first}`,
  ];
  run(KADMIN, ["-r", REALM], commands.join("\n"));
  multiply(run, dir, first, users);
  const child = spawn(KRB5KDC, ["-n"], {
    env,
    stdio: ["ignore", "ignore", openSync(join(dir, "stderr"), "w")],
  });
  const entries = parseKeytab(readFileSync(join(dir, "user.keytab")));
  const found = entries.find(({ key }) => key.etype.etype === ETYPE);
  const key = etypeOf(ETYPE).useKey(found.key.exportBytes());
  await ready(port, child, dir, asReq(first, REALM, key, Date.now()));
  return { port, pid: child.pid, child, key };
}

function writeConfiguration(dir, port) {
  writeFileSync(
    join(dir, "krb5.conf"),
    `[libdefaults]\n default_realm = ${REALM}\n dns_lookup_kdc = false\n dns_lookup_realm = false\n`,
  );
  writeFileSync(
    join(dir, "kdc.conf"),
    `[kdcdefaults]
 kdc_listen = 127.0.0.1:${port}
 kdc_tcp_listen = ""
[realms]
 ${REALM} = {
  database_module = db
  key_stash_file = ${join(dir, "stash")}
  master_key_type = aes256-cts-hmac-sha384-192
  supported_enctypes = aes256-cts-hmac-sha384-192:normal aes128-cts-hmac-sha256-128:normal
  max_life = 10h
 }
[dbmodules]
 db = {
  db_library = db2
  database_name = ${join(dir, "principal")}
  disable_last_success = true
  disable_lockout = true
 }
[logging]
 kdc = FILE:${join(dir, "kdc.log")}
`,
  );
  const { PATH } = process.env;
  return { PATH, KRB5_CONFIG: join(dir, "krb5.conf"), KRB5_KDC_PROFILE: join(dir, "kdc.conf") };
}

/** The first user's record under the names of all others: MIT's keys are not bound to a name. */
function multiply(run, dir, first, users) {
  const dump = join(dir, "dump");
  run(KDB5_UTIL, ["dump", dump]);
  const lines = readFileSync(dump, "utf8").trimEnd().split("\n");
  const model = lines.find((line) => line.startsWith("princ") && line.includes(`\t${first}\t`));
  const others = Array.from({ length: users - 1 }, (_, i) => model.replace(first, userName(i + 1)));
  writeFileSync(dump, [...lines, ...others, ""].join("\n"));
  run(KDB5_UTIL, ["load", dump]);
}

async function freeUdpPort() {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  await new Promise((resolve) => socket.close(resolve));
  return port;
}

/** Waits until it answers. */
async function ready(port, child, dir, request) {
  const socket = createSocket("udp4");
  let answer;
  socket.on("error", () => {});
  socket.on("message", (bytes) => {
    answer = bytes;
  });
  socket.connect(port, "127.0.0.1");
  await once(socket, "connect");
  for (let tries = 0; answer === undefined && tries < 200; tries++) {
    if (child.exitCode !== null) break;
    socket.send(request, () => {});
    await wait(50);
  }
  socket.close();
  if (answer === undefined) throw new Error(`krb5kdc: ${readFileSync(join(dir, "kdc.log"), "utf8")}`);
  checkReply(answer);
}
