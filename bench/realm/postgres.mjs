// A PostgreSQL of the benchmark's own, on a free port of loopback, with everything that makes it keep what it
// has acknowledged. It refuses to run as root: then it runs as the user `postgres`, whom the package brings.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

const DEBIAN = "/usr/lib/postgresql";
const BIN = existsSync(DEBIAN)
  ? readdirSync(DEBIAN)
      .map((version) => join(DEBIAN, version, "bin"))
      .findLast((folder) => existsSync(join(folder, "postgres")))
  : undefined;
export const HAS_POSTGRES = BIN !== undefined;
const USER = "tessera";
const SETTINGS = ["listen_addresses = '127.0.0.1'", "shared_buffers = '256MB'", "max_wal_size = '2GB'"];

/** Starts one in a folder of its own. @param {string} root where; others must be able to enter it. */
export async function startPostgres(root) {
  const folder = mkdtempSync(join(root, "postgres-"));
  const owner = ownerOf();
  if (owner !== undefined) chownSync(folder, owner.uid, owner.gid);
  const around = { ...owner, cwd: "/", env: { PATH: process.env.PATH, LC_ALL: "C", TZ: "UTC" } };
  const run = (name, ...args) =>
    execFileSync(join(BIN, name), args, { ...around, stdio: ["ignore", "pipe", "pipe"] });
  const data = join(folder, "data");
  run("initdb", "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C");
  appendFileSync(join(data, "postgresql.conf"), `${SETTINGS.join("\n")}\n`);
  const port = await freePort();
  const args = ["-D", data, "-p", String(port), "-k", ""];
  const child = spawn(join(BIN, "postgres"), args, { ...around, stdio: "ignore" });
  const where = ["-h", "127.0.0.1", "-p", String(port), "-U", USER];
  for (let tries = 0; ; tries++)
    try {
      run("psql", "-X", "-q", ...where, "-d", "postgres", "-c", "CREATE DATABASE realms");
      break;
    } catch (error) {
      if (tries === 200) throw error;
      await wait(50);
    }
  return {
    pid: child.pid,
    database: `postgres://${USER}@127.0.0.1:${port}/realms`,
    url: (realm) => `postgres://${USER}@127.0.0.1:${port}/realms?realm=${realm}`,
    clear: () => run("psql", "-X", "-q", ...where, "-d", "realms", "-c", "DROP SCHEMA tessera CASCADE"),
    stop: async () => {
      const ended = once(child, "exit");
      child.kill("SIGINT");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function ownerOf() {
  if (process.getuid() !== 0) return undefined;
  const id = (flag) => Number(execFileSync("id", [flag, "postgres"]));
  return { uid: id("-u"), gid: id("-g") };
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
