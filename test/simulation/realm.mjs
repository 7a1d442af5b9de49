/**
 * The realm that is simulated: two processes of the KDC on one machine, each both AS and TGS; V twice, on a
 * key that both instances hold; a guarded service in two processes, which ask for challenges and keep
 * sessions, with a namesake that holds its keys under another name; another in two processes with a replay
 * cache in common and a floor of protection.
 */
import { Disk } from "./disk.mjs";
import { Dispatcher } from "./dispatcher.mjs";
import { GuardedServer } from "./guarded-server.mjs";
import { Machine, Process } from "./processes.mjs";

export const REALM = "SIM.TEST";
export const USERS = 12;
/** The first of them log in with passwords too; the others have keys alone, as programs do. */
export const PEOPLE = 3;
/** What the second guarded service asks for at least. */
export const FLOOR = "integrity";

const principal = (name) => `${name}@${REALM}`;
export const KRBTGT = principal(`krbtgt/${REALM}`);
export const V = principal("v/one.sim.test");
export const V_TWO = principal("v/two.sim.test");
export const ORDERS = principal("orders/api.sim.test");
export const MIRROR = principal("mirror/api.sim.test");
export const STOCK = principal("stock/stock.sim.test");
export const userName = (number) => principal(`user${number}`);
export const MALLORY = principal("mallory");

const ADDRESSES = { kdc1: "10.0.0.1:88", kdc2: "10.0.0.2:88", v1: "10.0.0.3:1", v2: "10.0.0.4:1" };
export const KDCS = [ADDRESSES.kdc1, ADDRESSES.kdc2];
export const V_ADDRESS = ADDRESSES.v1;
export const ORDER_ADDRESSES = ["10.0.0.5:1", "10.0.0.6:1"];
export const STOCK_ADDRESSES = ["10.0.0.8:1", "10.0.0.9:1"];

/** Makes the realm's machines and starts them. */
export async function openRealm({ scheduler, random, product, oracle, network }) {
  const { PrincipalStore, MasterKey, StoreReplayCache, NotesStore, StoreError, policyOf, defaultSettings } =
    product;
  const disk = () => new Disk(scheduler, random, StoreError);
  const masterKey = new MasterKey(random.fill(new Uint8Array(32)));
  const settings = { ...defaultSettings, realm: REALM, profile: "standard" };
  const policy = policyOf(settings);
  const { clockSkew, keyEtypes, permittedEtypes, iterations } = policy;
  const principalsDisk = disk();

  const setUp = new PrincipalStore(principalsDisk.open(), masterKey);
  const entries = new Map();
  const now = scheduler.now;
  for (const name of [KRBTGT, V, V_TWO, ORDERS, MIRROR, STOCK, MALLORY])
    entries.set(name, product.randomKeys(name, keyEtypes, now));
  for (let number = 0; number < USERS; number++) {
    const name = userName(number);
    const made =
      number < PEOPLE
        ? await product.passwordKeys(name, `first ${name}`, keyEtypes, now, iterations)
        : product.randomKeys(name, keyEtypes, now);
    entries.set(name, made);
  }
  // These pairs hold the same keys: nothing but the name in the ticket tells them apart.
  for (const [name, like] of [
    [V_TWO, V],
    [MIRROR, ORDERS],
  ])
    entries.set(name, { ...entries.get(name), keys: entries.get(like).keys });
  for (const entry of entries.values()) await setUp.create(entry);
  const keysOf = (name) => ({ principal: name, keys: entries.get(name).keys });

  const log = (record) => oracle.served(record);
  // In a file that both processes of the KDC share, which outlives them.
  const attempts = product.LoginAttempts.inMemory("simulation");
  const kdc = (name, address) => {
    const build = async ({ open, clock }) => {
      const principals = new PrincipalStore(open(principalsDisk), masterKey);
      const config = { principals, policy, attempts, clock, log };
      const dispatcher = new Dispatcher();
      product.addAuthenticationService(dispatcher, product.authenticationService(config));
      product.addTicketGrantingService(dispatcher, product.ticketGrantingService(config));
      return { realm: { settings, policy, principals }, receive: dispatched(dispatcher) };
    };
    return new Process({ scheduler, name, address, kind: "kdc", build });
  };

  /** @param told of each exchange. */
  const application = (name, address, service, notesDisk, replaysDisk, told = () => {}) => {
    const keys = keysOf(service);
    const build = async ({ open, clock }) => {
      const replayCache = await StoreReplayCache.open(open(replaysDisk), { skew: clockSkew });
      const notes = new NotesStore(open(notesDisk));
      const parts = { permittedEtypes, clockSkew, replayCache, notes, clock, log: told };
      const dispatcher = new Dispatcher();
      const served = product.applicationService({ ...parts, serviceKeys: () => keys });
      product.addApplicationService(dispatcher, served);
      return { notes, receive: dispatched(dispatcher) };
    };
    return new Process({ scheduler, name, address, kind: "v", build });
  };

  const guarded = (name, address, service, replaysDisk) => {
    const keys = keysOf(service);
    const build = async ({ open, clock, uptime }) => {
      const shared = replaysDisk && {
        replayCache: await StoreReplayCache.open(open(replaysDisk), { skew: clockSkew }),
        protection: FLOOR,
      };
      const interceptor = product.guard({ keytab: () => keys, clock, uptime, ...shared });
      const server = new GuardedServer(interceptor, (request, metadata) => {
        const { call } = JSON.parse(Buffer.from(request).toString());
        oracle.ran(call, product.callerOf({ metadata }), name);
        return Buffer.from(JSON.stringify({ call, at: name }));
      });
      const receive = ({ from, method, bytes, metadata, authority, encrypted }) =>
        server.unary({ method, bytes, metadata, authority, encrypted, address: from.host });
      return { receive };
    };
    const kind = replaysDisk === undefined ? "orders" : "stock";
    return new Process({ scheduler, name, address, kind, build });
  };

  // Nobody has business with the second V.
  const nobodys = ({ result, client }) => {
    if (result === "OK") oracle.violate("nobody gets in elsewhere", { at: V_TWO, client });
  };
  const notesDisk = disk();
  notesDisk.onChange = (key, bytes) => {
    if (key.startsWith("note:")) oracle.wroteNote(key, bytes !== undefined);
  };
  const vReplays = disk();
  const stockReplays = disk();
  const [orders1, orders2] = ORDER_ADDRESSES;
  const [stock1, stock2] = STOCK_ADDRESSES;
  const machines = [
    new Machine([kdc("kdc1", ADDRESSES.kdc1), kdc("kdc2", ADDRESSES.kdc2)], [principalsDisk]),
    new Machine([application("v1", ADDRESSES.v1, V, notesDisk, vReplays)], [notesDisk, vReplays]),
    new Machine([application("v2", ADDRESSES.v2, V_TWO, disk(), disk(), nobodys)], []),
    new Machine([guarded("orders1", orders1, ORDERS), guarded("orders2", orders2, ORDERS)], []),
    new Machine([guarded("mirror", "10.0.0.7:1", MIRROR)], []),
    new Machine(
      [guarded("stock1", stock1, STOCK, stockReplays), guarded("stock2", stock2, STOCK, stockReplays)],
      [stockReplays],
    ),
  ];
  const processes = machines.flatMap((machine) => machine.processes);
  for (const process of processes) network.add(process);
  return { machines, processes, policy, entries, disks: machines.flatMap((machine) => machine.disks), start };

  async function start() {
    await Promise.all(machines.map((machine) => machine.start()));
  }
}

/** What a process does with a request for services behind a dispatcher. */
function dispatched(dispatcher) {
  return ({ from, method, bytes, metadata, authority, deadline }) =>
    dispatcher.unary({ method, request: bytes, metadata, authority, deadline, peer: `${from.host}:1` });
}
