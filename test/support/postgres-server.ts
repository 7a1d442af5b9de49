/**
 * A real PostgreSQL for a test, on a free port of loopback: with everything that makes it keep what it
 * acknowledged, and little else.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./redis-server.js";

const FOLDER = findPrograms();
/** PostgreSQL refuses to run as root; the Debian package brings this user. */
const OWNER = ownerOf();

/** Whether there is a PostgreSQL here; tests that need one are skipped otherwise. */
export const HAS_POSTGRES = FOLDER !== undefined && OWNER !== undefined;

/** The user of a new server, who needs no password on loopback. */
const USER = "tessera";
const DATABASE = "realms";

const SETTINGS = {
  listen_addresses: "127.0.0.1",
  shared_buffers: "16MB",
  max_connections: "60",
  // Not safety, but time: the files of a test are small.
  max_wal_size: "64MB",
  autovacuum: "off",
  // After a crash all files are synced: at once, not one by one.
  recovery_init_sync_method: "syncfs",
  log_min_messages: "fatal",
  log_min_error_statement: "panic",
  restart_after_crash: "on",
};

/** A server that can be ended, halted and started again. */
export class PostgresServer implements AsyncDisposable {
  readonly port: number;
  /** Its data folder. */
  readonly dir: string;
  #process: ChildProcess | undefined;

  private constructor(port: number, dir: string) {
    this.port = port;
    this.dir = dir;
  }

  /** Starts one, in a folder of its own or in one that is given; its settings may be overridden. */
  static async start(
    settings: Readonly<Record<string, string>> = {},
    given?: string,
  ): Promise<PostgresServer> {
    const dir = join(given ?? newFolder(), "data");
    const server = new PostgresServer(await freePort(), dir);
    run("initdb", "-D", dir, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "-N");
    await server.#set({ ...SETTINGS, ...settings });
    await server.begin();
    server.sql(`CREATE DATABASE ${DATABASE}`, "postgres");
    return server;
  }

  /** A streaming standby of this server. */
  async standby(name: string): Promise<PostgresServer> {
    const dir = join(newFolder(), "data");
    const source = `host=127.0.0.1 port=${this.port} user=${USER} application_name=${name}`;
    run("pg_basebackup", "-D", dir, "-R", "-X", "stream", "-c", "fast", "--no-sync", "-d", source);
    const server = new PostgresServer(await freePort(), dir);
    await server.#set({ port: String(server.port), synchronous_standby_names: "" });
    await server.begin();
    return server;
  }

  /** Where a realm is, as a store takes it. `query` follows, such as `&away=10s`. */
  url(realm: string, query = ""): string {
    return `${this.database()}?realm=${realm}${query}`;
  }

  /** Where a database is, as a realm's settings take it. */
  database(port = this.port): string {
    return `postgres://${USER}@127.0.0.1:${port}/${DATABASE}`;
  }

  /** Drops what stores have made. */
  clear(): void {
    this.sql("DROP SCHEMA IF EXISTS tessera CASCADE");
  }

  /** Starts it, and waits until it answers. */
  async begin(): Promise<void> {
    const args = ["-D", this.dir, "-p", String(this.port), "-k", ""];
    this.#process = spawn(program("postgres"), args, { ...asOwner(), stdio: ["ignore", "ignore", "pipe"] });
    running.add(this);
    let said = "";
    this.#process.stderr!.on("data", (chunk) => {
      said += chunk;
    });
    for (let tries = 0; tries < 1_000; tries++) {
      if (this.#process.exitCode !== null) throw new Error(said);
      if (await this.#answers()) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`PostgreSQL did not start: ${said}`);
  }

  /** Ends it, and all of its processes, without a chance to write anything down. */
  async kill(): Promise<void> {
    running.delete(this);
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const all = processesOf(child.pid!);
    const ended = once(child, "exit");
    for (const pid of all) signal(pid, "SIGKILL");
    await ended;
    rmSync(join(this.dir, "postmaster.pid"), { force: true });
  }

  /** Ends it where nothing can be waited for any more. */
  abandon(): void {
    this.#process?.kill("SIGQUIT");
  }

  /** Ends it as an operator does; connections are cut, transactions rolled back. */
  async stop(): Promise<void> {
    running.delete(this);
    const ended = once(this.#process!, "exit");
    this.#process!.kill("SIGINT");
    await ended;
  }

  /** Halts it and all of its processes (SIGSTOP), or lets them go on. */
  halt(isHalted: boolean): void {
    for (const pid of processesOf(this.#process!.pid!)) signal(pid, isHalted ? "SIGSTOP" : "SIGCONT");
  }

  /** Makes a standby a primary. */
  promote(): void {
    run("pg_ctl", "promote", "-D", this.dir, "-w");
  }

  /** Changes settings and has the server take them over. */
  async set(settings: Readonly<Record<string, string>>): Promise<void> {
    await this.#set(settings);
    this.#process!.kill("SIGHUP");
  }

  /** Writes a file into the data folder. */
  write(name: string, text: string, mode = 0o600): void {
    const path = join(this.dir, name);
    writeFileSync(path, text, { mode });
    if (OWNER !== undefined) chownSync(path, OWNER.uid, OWNER.gid);
  }

  /** Runs statements as its owner, and returns what they print, unadorned. */
  sql(statements: string, database = DATABASE): string {
    const where = ["-h", "127.0.0.1", "-p", String(this.port), "-U", USER, "-d", database];
    return run("psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", ...where, "-c", statements).trim();
  }

  async #set(settings: Readonly<Record<string, string>>): Promise<void> {
    const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'\n`);
    appendFileSync(join(this.dir, "postgresql.conf"), lines.join(""));
  }

  async #answers(): Promise<boolean> {
    const { default: pg } = await import("pg");
    const client = new pg.Client({
      host: "127.0.0.1",
      port: this.port,
      user: USER,
      database: "postgres",
      ssl: false,
      connectionTimeoutMillis: 2_000,
    });
    client.on("error", () => {});
    return client
      .connect()
      .then(() => client.end())
      .then(
        () => true,
        // A password is asked for: it is up all the same.
        (error: { code?: string; message: string }) => error.code === "28P01" || /SASL/.test(error.message),
      );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(join(this.dir, ".."), { recursive: true, force: true });
  }
}

/** What a test that is broken off leaves behind. */
const running = new Set<PostgresServer>();
process.on("exit", () => {
  for (const server of running) server.abandon();
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "tessera-postgres-"));
  if (OWNER !== undefined) chownSync(folder, OWNER.uid, OWNER.gid);
  return folder;
}

function run(name: string, ...args: string[]): string {
  return execFileSync(program(name), args, {
    ...asOwner(),
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
}

function program(name: string): string {
  if (FOLDER === undefined) throw new Error("PostgreSQL is not here: this test should have been skipped");
  return join(FOLDER, name);
}

function asOwner(): { uid?: number; gid?: number; cwd: string; env: NodeJS.ProcessEnv } {
  const isRoot = process.getuid?.() === 0;
  // A locale that is not installed, or a libpq setting of the user's own, is no part of the test.
  const env = { PATH: process.env.PATH, LC_ALL: "C", TZ: "UTC" };
  return { ...(isRoot && OWNER), cwd: "/", env };
}

function ownerOf(): { uid: number; gid: number } | undefined {
  const isRoot = process.getuid?.() === 0;
  if (!isRoot) return { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  try {
    const id = (flag: string) => Number(execFileSync("id", [flag, "postgres"], { stdio: "pipe" }));
    return { uid: id("-u"), gid: id("-g") };
  } catch {
    return undefined;
  }
}

function findPrograms(): string | undefined {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...versions.map((version) => join(debian, version, "bin")),
    ...(process.env.PATH ?? "").split(":").filter(Boolean),
  ];
  return folders.find((folder) =>
    ["initdb", "postgres", "psql"].every((name) => existsSync(join(folder, name))),
  );
}

/** A server's process and its children. */
function processesOf(pid: number): number[] {
  const children = execFileSync("ps", ["-o", "pid=", "--ppid", String(pid)], { encoding: "utf8" });
  return [pid, ...children.split("\n").filter(Boolean).map(Number)];
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
