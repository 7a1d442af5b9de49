/**
 * Guarded calls without a KDC: client and service share one key, and the client makes its tickets by itself.
 * Everything after the ticket is as in a realm: the AP exchange, challenges, sessions, levels of protection,
 * the service's own names, what is refused and how.
 *
 *   service  guard({ keytab: sharedKey("orders.key") })                  later: keytab: "orders.keytab"
 *   client   ticketInterceptor(sharedKey("orders.key"), "orders/…")      later: new KerberosClient(…)
 *
 * What it lacks: whoever holds the key can be anybody, the service included; nobody can be shut out without a
 * new key for all; nobody but the key's holders knows who was let in. A realm mends all three.
 */
import { userInfo } from "node:os";
import { basename } from "node:path";
import { checkOptionNames, type OptionNames } from "../errors/unknown-options.js";
import type { Credentials } from "../protocol/credentials.js";
import { type Key, type LongTermKey, randomKey } from "../protocol/keys.js";
import { type Principal, principalInRealm, realmOf, SHARED_KEY_REALM } from "../protocol/principal.js";
import { makeTicket, type ServiceKeys, type TicketContents } from "../protocol/ticket.js";
import { ETYPE, openKeyFile, SharedKeyError } from "./key-file.js";

/** What a shared key may be told. Names without a realm are in the realm `SHARED-KEY`, as all are. */
export interface SharedKeyOptions {
  /**
   * The one service that the guard is, `orders/api.example.test`. By default it takes the tickets of every
   * service that its clients ask for under this key: one key file stands for one service. Needed where
   * several services share a file.
   */
  readonly service?: string | undefined;
  /** Who the client says it is; by default the name of the user who runs it, or `client`. */
  readonly client?: string | undefined;
  /** The present, in milliseconds since the epoch; the system's clock by default. */
  readonly clock?: (() => number) | undefined;
}

const OPTIONS: OptionNames<SharedKeyOptions> = { service: true, client: true, clock: true };

/** How long a ticket lasts, in milliseconds: 10 hours, as a realm's do. */
const LIFE_MS = 10 * 3_600_000;
/** A ticket that ends sooner than this is not begun with any more, in milliseconds. */
const MARGIN_MS = 600_000;
/** There is one version of the key. */
const KVNO = 1;

/**
 * A key that client and service share: a keytab for `guard`, and a source of tickets for `ticketInterceptor`.
 *
 * Whoever holds the file can be anybody, and the service too; nobody can be shut out but by a new file; there
 * is no KDC that knows who was let in. A realm has all that, and then one line changes on each side.
 * @param path the key's file, mode 0600. Where there is none it is made, with 32 random bytes: a first run
 *   needs no command. Client and service on two machines need the same file: copy it.
 * @throws PrivateFileError for a file that others could have read or written, or that can't be read or made;
 *   SharedKeyError for one that holds anything but a key; TypeError naming an option that is wrong; KrbError
 *   KRB_ERR_GENERIC for a name outside the grammar of principals.
 */
export function sharedKey(path: string, options: SharedKeyOptions = {}): SharedKey {
  if (typeof path !== "string" || path === "")
    throw new TypeError("sharedKey: expected the path of its file");
  checkOptionNames("sharedKey", options, OPTIONS);
  const { clock = Date.now } = options;
  const client = named(options.client ?? userName(), "client");
  const service = options.service === undefined ? undefined : named(options.service, "service");
  return new SharedKey(openKeyFile(path), client, service ?? { ofFile: path }, clock);
}

/** A key that client and service share. `sharedKey` makes it. */
export class SharedKey {
  readonly #key: LongTermKey;
  readonly #keys: ServiceKeys;
  readonly #client: Principal;
  readonly #clock: () => number;
  readonly #tickets = new Map<Principal, Credentials>();

  /** @internal Use `sharedKey`. */
  constructor(key: Key, client: Principal, service: Principal | { ofFile: string }, clock: () => number) {
    this.#key = { kvno: KVNO, key };
    this.#client = client;
    this.#clock = clock;
    const ofWholeRealm = typeof service === "object";
    this.#keys = {
      principal: ofWholeRealm ? nameOfFile(service.ofFile) : service,
      keys: [this.#key],
      ofWholeRealm,
    };
  }

  /**
   * What a guard opens tickets with.
   * @param principal the one service that the guard is.
   * @throws SharedKeyError for a principal that is not this service, or not of the realm `SHARED-KEY`.
   */
  serviceKeys(principal?: Principal): ServiceKeys {
    const keys = this.#keys;
    if (principal === undefined || principal === keys.principal) return keys;
    if (keys.ofWholeRealm === true && realmOf(principal) === SHARED_KEY_REALM)
      return { principal, keys: keys.keys };
    throw new SharedKeyError(`a shared key is not that of ${principal}: give sharedKey its \`service\``);
  }

  /**
   * A ticket for a service, and the clock: the ticket at hand, or one that is made now.
   * @throws KrbError KRB_ERR_GENERIC for a name outside the grammar of principals; SharedKeyError for one of
   *   a realm.
   */
  async serviceProof(service: string): Promise<{ credentials: Credentials; clock: () => number }> {
    const server = named(service, "service");
    const now = this.#clock();
    const kept = this.#tickets.get(server);
    const isGood = kept !== undefined && kept.starttime <= now && now < kept.endtime - MARGIN_MS;
    const credentials = isGood ? kept : this.#mint(server, now);
    this.#tickets.set(server, credentials);
    return { credentials, clock: this.#clock };
  }

  /** Forgets a ticket that its service can't use: the next call gets another. */
  async forgetTicket(ticket: Credentials): Promise<void> {
    if (this.#tickets.get(ticket.server) === ticket) this.#tickets.delete(ticket.server);
  }

  #mint(server: Principal, now: number): Credentials {
    const contents: TicketContents = {
      client: this.#client,
      server,
      sessionKey: randomKey(ETYPE),
      flags: [],
      authtime: now,
      starttime: now,
      endtime: now + LIFE_MS,
      renewTill: undefined,
      addresses: [],
      authorizationData: [],
    };
    return { ...contents, key: contents.sessionKey, ticket: makeTicket(contents, this.#key) };
  }
}

/** A name in the realm of shared keys. */
function named(text: string, field: string): Principal {
  const principal = principalInRealm(text, SHARED_KEY_REALM, field);
  if (realmOf(principal) === SHARED_KEY_REALM) return principal;
  throw new SharedKeyError(`${field}: a shared key has no realm but ${SHARED_KEY_REALM}, got ${principal}`);
}

/**
 * What a service that takes the tickets of all is called in refusals: its key file, where that can be a
 * principal's name.
 */
function nameOfFile(path: string): Principal {
  const name = basename(path);
  try {
    return named(name.includes("@") ? "any-service" : name, "service");
  } catch {
    return named("any-service", "service");
  }
}

/** The name of the user who runs the program, where it can be a principal's. */
function userName(): string {
  try {
    const { username } = userInfo();
    named(username, "client");
    return username.includes("@") ? "client" : username;
  } catch {
    return "client"; // a container's user may have no name
  }
}
