/**
 * Where a realm's principals are kept in PostgreSQL, read from its name, a connection URI as libpq has it:
 *
 *   postgres://[USER[:PASSWORD]@]HOST[:PORT][,HOST[:PORT]…]/DATABASE?realm=REALM[&NAME=VALUE…]
 */
import { isIP } from "node:net";
import { formatDuration, parseDuration } from "../../protocol/duration.js";
import { isRealm } from "../../protocol/principal.js";

/** How a connection is secured, by libpq's names. */
export type SslMode = "disable" | "require" | "verify-ca" | "verify-full";

/** One server, or one of several that stand in for each other. */
export interface PostgresHost {
  /** A name, an address, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
}

/** Where a realm's principals are, and how they are reached. Times are in milliseconds. */
export interface PostgresPlace {
  /** In the order in which they are tried. */
  readonly hosts: readonly PostgresHost[];
  readonly database: string;
  /** Undefined: PGUSER, or the name of this process's user. */
  readonly user: string | undefined;
  /** Undefined: PGPASSWORD, or the file that PGPASSFILE names. */
  readonly password: string | undefined;
  readonly realm: string;
  readonly ssl: {
    readonly mode: SslMode;
    /** Paths of PEM files. */
    readonly rootCert: string | undefined;
    readonly cert: string | undefined;
    readonly key: string | undefined;
  };
  /** How many connections there may be, beside the one that listens. */
  readonly pool: number;
  /** How long one reading or writing may take. */
  readonly timeout: number;
  /** How old what is kept may be: the bound of staleness. */
  readonly staleness: number;
  /** How old it may be while the database can't be reached. */
  readonly away: number;
  /** For messages: the servers and the database, without a password. */
  readonly text: string;
}

const FORM = /^postgres(?:ql)?:\/\/(?:([^:@/?#]*)(?::([^@/?#]*))?@)?([^@/?#]*)\/([^/?#]+)(?:\?([^#]*))?$/;
const HOST = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/;
const SSL_MODES: readonly SslMode[] = ["disable", "require", "verify-ca", "verify-full"];
const DEFAULT_PORT = 5432;
const WANTED =
  "postgres://[USER[:PASSWORD]@]HOST[:PORT][,HOST[:PORT]…]/DATABASE[?NAME=VALUE…], percent-encoded";

/** What may follow the `?`, beside `realm`. */
const PARAMETERS = [
  "realm",
  "host",
  "sslmode",
  "sslrootcert",
  "sslcert",
  "sslkey",
  "target_session_attrs",
  "pool",
  "timeout",
  "staleness",
  "away",
];

/** Whether a name is one of these, whatever its form. */
export function isPostgresName(name: string): boolean {
  return /^postgres(ql)?:/.test(name);
}

/**
 * Reads the name of a store.
 * @throws RangeError for anything else; it shows no password.
 */
export function postgresPlace(name: string): PostgresPlace {
  const [, user, password, hostList = "", database, query = ""] = FORM.exec(name) ?? [];
  if (database === undefined) throw wrong(`expected ${WANTED}`);
  const parameters = parametersOf(query);
  const realm = parameters.get("realm");
  if (realm === undefined || !isRealm(realm))
    throw wrong("expected the parameter realm to name the realm, such as realm=EXAMPLE.TEST");
  const attributes = parameters.get("target_session_attrs") ?? "read-write";
  if (attributes !== "read-write" && attributes !== "primary")
    throw wrong("target_session_attrs: expected read-write: a KDC writes, and reads what is current");
  const hosts = hostsOf(hostList, parameters.get("host"));
  const staleness = timeOf(parameters, "staleness", 2_000, { min: 100, max: 60_000 });
  const decoded = part(database);
  return {
    hosts,
    database: decoded,
    user: user === undefined || user === "" ? undefined : part(user),
    password: password === undefined ? undefined : part(password),
    realm,
    ssl: sslOf(parameters, hosts),
    pool: countOf(parameters, "pool", 8, { min: 1, max: 200 }),
    timeout: timeOf(parameters, "timeout", 1_500, { min: 100, max: 60_000 }),
    staleness,
    away: timeOf(parameters, "away", staleness, { min: staleness, max: 3_600_000 }),
    text: `PostgreSQL at ${hosts.map(hostText).join(", ")}, database ${decoded}`,
  };
}

/** The name of a store without its password, to be shown. */
export function shownPostgresName(name: string): string {
  const [, user, password] = FORM.exec(name) ?? [];
  if (user === undefined || password === undefined) return name;
  return name.replace(`${user}:${password}@`, `${user}@`);
}

/** The same name, for a realm. Throws RangeError for a name that has one already, and as `postgresPlace`. */
export function postgresNameOf(database: string, realm: string): string {
  if (!FORM.test(database)) throw wrong(`expected ${WANTED}`);
  if (/[?&]realm=/.test(database)) throw wrong("leave out the parameter realm: the realm's own is added");
  const name = `${database}${database.includes("?") ? "&" : "?"}realm=${realm}`;
  postgresPlace(name);
  return name;
}

/** A server's address, to be shown. */
export function hostText({ host, port }: PostgresHost): string {
  return host.startsWith("/") ? `${host}:${port}` : `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function hostsOf(list: string, socket: string | undefined): PostgresHost[] {
  if (socket !== undefined) {
    if (!/^\/[^,]+$/.test(socket) || !/^(:\d{1,5})?$/.test(list))
      throw wrong(
        "host: expected the folder of a Unix socket, and no other host: postgres:///DATABASE?host=/run/x",
      );
    return [{ host: socket, port: portOf(list.slice(1)) }];
  }
  return list.split(",").map((text) => {
    const [, v6, named, port] = HOST.exec(text) ?? [];
    const host = v6 ?? named;
    if (host === undefined || (v6 !== undefined && isIP(v6) !== 6)) throw wrong(`expected ${WANTED}`);
    return { host, port: portOf(port) };
  });
}

function portOf(text = ""): number {
  const port = text === "" ? DEFAULT_PORT : Number(text);
  if (port < 1 || port > 65_535) throw wrong("port: expected 1 to 65535");
  return port;
}

function parametersOf(query: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    if (!PARAMETERS.includes(name)) throw wrong(`a parameter is unknown; there are ${PARAMETERS.join(", ")}`);
    if (parameters.has(name)) throw wrong(`the parameter ${name} is given twice`);
    parameters.set(name, value);
  }
  return parameters;
}

function sslOf(
  parameters: ReadonlyMap<string, string>,
  hosts: readonly PostgresHost[],
): PostgresPlace["ssl"] {
  const isNear = hosts.every(({ host }) => host.startsWith("/") || isLoopback(host));
  const mode = (parameters.get("sslmode") ?? (isNear ? "disable" : "verify-full")) as SslMode;
  // libpq's other two, allow and prefer, go without TLS wherever somebody on the way says so.
  if (!SSL_MODES.includes(mode)) throw wrong(`sslmode: expected ${SSL_MODES.join(", ")}`);
  const [rootCert, cert, key] = ["sslrootcert", "sslcert", "sslkey"].map((name) => parameters.get(name));
  if (mode === "disable" && (rootCert ?? cert ?? key) !== undefined)
    throw wrong("sslrootcert, sslcert and sslkey: expected with TLS; give sslmode=verify-full");
  if ((cert === undefined) !== (key === undefined)) throw wrong("sslcert and sslkey: expected together");
  return { mode, rootCert, cert, key };
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

interface Range {
  readonly min: number;
  readonly max: number;
}

function timeOf(
  parameters: ReadonlyMap<string, string>,
  name: string,
  otherwise: number,
  { min, max }: Range,
): number {
  const text = parameters.get(name);
  if (text === undefined) return otherwise;
  let ms = Number.NaN;
  try {
    ms = parseDuration(text);
  } catch {
    // its RangeError does not name the parameter; the one below does
  }
  if (ms >= min && ms <= max) return ms;
  throw wrong(`${name}: expected ${formatDuration(min)} to ${formatDuration(max)}`);
}

function countOf(
  parameters: ReadonlyMap<string, string>,
  name: string,
  otherwise: number,
  { min, max }: Range,
): number {
  const text = parameters.get(name);
  if (text === undefined) return otherwise;
  const count = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (count >= min && count <= max) return count;
  throw wrong(`${name}: expected ${min} to ${max}`);
}

function part(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw wrong(`expected ${WANTED}`);
  }
}

function wrong(text: string): RangeError {
  return new RangeError(`store: postgres: ${text}`);
}
