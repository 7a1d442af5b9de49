/**
 * A year of a realm, told from one seed: days with nothing but users, and times when everything goes wrong at
 * once; after each of these the faults stop, and every user must get in.
 */
import { createHash } from "node:crypto";
import { Actor } from "./actor.mjs";
import { Admin } from "./admin.mjs";
import { Attacker } from "./attacker.mjs";
import { CALM, Network } from "./network.mjs";
import { Oracle } from "./oracle.mjs";
import { MALLORY, ORDERS, openRealm, STOCK, USERS, userName } from "./realm.mjs";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
/** When the year begins. */
export const BEGIN = Date.UTC(2027, 0, 1);
/** A year has 100,000 exchanges. */
const PACE_MS = (365 * DAY) / 100_000;
/** How often an honest user tries, once faults have stopped. */
const TRIES = 4;
const PAUSE_MS = 20_000;

/**
 * Lives through `exchanges` exchanges.
 * @param write told of each line of the trace, if anybody wants to read it.
 * @returns the digest of the whole trace, what was violated, and how much happened.
 */
export async function simulate({ product, scheduler, random, exchanges, write }) {
  const hash = createHash("sha256");
  const trace = (...parts) => {
    const line = `${scheduler.now - BEGIN} ${parts.join(" ")}\n`;
    hash.update(line);
    write?.(line);
  };
  trace.bytes = (bytes) => hash.update(bytes);
  const skew = 5 * MINUTE;
  const oracle = new Oracle({ scheduler, skew, trace });
  const network = new Network({ scheduler, random, trace, oracle });
  const onRejection = (error) =>
    oracle.violate("no rejection is left unhandled", { error: String(error?.stack) });
  process.on("unhandledRejection", onRejection);
  let isOver = false;
  const world = { product, scheduler, random, trace, oracle, network, skew, logins: 0, faults: 0 };
  const story = new Story(world)
    .tell(exchanges)
    .catch((error) => oracle.violate("the simulation itself goes on", { error: String(error?.stack) }))
    .finally(() => {
      isOver = true;
    });
  await scheduler.run(() => isOver || oracle.violations.length > 0);
  if (!isOver && oracle.violations.length === 0)
    oracle.violate("every call ends", { what: "nothing is left to happen, and somebody waits" });
  if (isOver) await story;
  process.off("unhandledRejection", onRejection);
  const { logins, faults } = world;
  const { violations } = oracle;
  const days = (scheduler.now - BEGIN) / DAY;
  return { digest: hash.digest("hex"), violations, exchanges: network.sent, days, logins, faults };
}

class Story {
  #world;
  #realm;
  #users;
  #admin;
  #attacker;
  /** Whether a server's clock was stepped since they were all right. */
  #isStepped = false;

  constructor(world) {
    this.#world = world;
  }

  async tell(exchanges) {
    const world = this.#world;
    const { scheduler, network, random, oracle } = world;
    this.#realm = await openRealm(world);
    const { processes, policy, entries } = this.#realm;
    world.policy = policy;
    world.isAClockWrong = () => processes.some(({ offset }) => offset !== 0);
    await this.#realm.start();
    const actor = (name, number) => {
      const entry = entries.get(name);
      const password = entry.passwordKeyed ? `first ${name}` : undefined;
      const made = new Actor(world, { name, host: `10.1.0.${number}`, entry, password });
      made.boot();
      return made;
    };
    this.#users = Array.from({ length: USERS }, (_, number) => actor(userName(number), number + 1));
    const mallory = actor(MALLORY, 66);
    this.#attacker = new Attacker(world, mallory);
    this.#admin = new Admin(world, this.#realm);
    while (network.sent < exchanges) {
      const [before, from] = [network.sent, scheduler.now];
      await this.#episode();
      oracle.look();
      const due = (network.sent - before) * PACE_MS - (scheduler.now - from);
      await scheduler.sleep(Math.max(MINUTE, due * (0.5 + random.float())));
    }
  }

  /** Users do things for some minutes, with faults or without; then the faults stop. */
  async #episode() {
    const { random, scheduler, trace, network } = this.#world;
    const length = random.between(2, 12) * MINUTE;
    const users = this.#users.filter(() => random.chance(0.35));
    const isFaulty = random.chance(0.5);
    trace("episode", isFaulty ? "faulty" : "calm", users.length);
    if (isFaulty) network.faults = this.#faults();
    const ends = users.map((user) => this.#spend(user, length));
    if (isFaulty)
      for (let left = random.between(1, 8); left > 0; left--) ends.push(this.#mishap(length, users));
    for (let left = random.between(0, 12); left > 0; left--)
      scheduler.after(random.between(0, 3 * length), () => network.replay());
    await Promise.all(ends);
    await this.#heal();
    await Promise.all(
      this.#users.filter((user) => users.includes(user)).map((user) => this.#mustGetIn(user)),
    );
    if (random.chance(0.8)) await this.#attacker.attack(random.pick(this.#users));
  }

  #faults() {
    const { random } = this.#world;
    const some = (most) => (random.chance(0.5) ? random.float() * most : 0);
    return {
      lose: some(0.2),
      repeat: some(0.6),
      late: some(0.2),
      swap: some(0.3),
      stray: some(0.4),
      slow: random.pick([20, 500, 4_000]),
    };
  }

  /** A user does a few things, one after another. */
  async #spend(user, length) {
    const { random, scheduler } = this.#world;
    const things = random.between(1, 6);
    for (let thing = 0; thing < things; thing++) {
      await scheduler.sleep(random.between(0, length / things));
      if (thing === 0 && (random.chance(0.2) || !(await user.isLoggedIn()))) await user.logIn();
      else await this.#thing(user);
    }
  }

  #thing(user) {
    const { random } = this.#world;
    const choice = random.float();
    if (choice < 0.2) return user.visit();
    if (choice < 0.4) return user.leaveNote();
    if (choice < 0.55) return user.order(STOCK);
    if (choice < 0.9) return user.order(ORDERS, { times: random.pick([1, 1, 1, 2, 4]) });
    return user.logIn();
  }

  /** Something goes wrong, at some time within `length` milliseconds. */
  async #mishap(length, users) {
    const { random, scheduler, network, trace } = this.#world;
    const { processes, machines, disks } = this.#realm;
    await scheduler.sleep(random.between(0, length));
    this.#world.faults++;
    const choice = random.float();
    const process = random.pick(processes);
    if (choice < 0.15) {
      trace("cut", process.name);
      network.cut(process);
    } else if (choice < 0.4) {
      trace("kill", process.name);
      process.kill();
      if (random.chance(0.7)) scheduler.after(random.between(0, 30_000), () => void process.start());
    } else if (choice < 0.55) {
      if (random.chance(0.3) && users.length > 0) await this.#losePowerAtNote(random.pick(users));
      else this.#losePower(random.pick(machines));
    } else if (choice < 0.7) {
      const most = random.pick([4 * MINUTE, 4 * MINUTE, 30 * MINUTE, DAY]);
      process.offset = random.between(-most, most);
      this.#isStepped = true;
      trace("clock", process.name, process.offset);
    } else if (choice < 0.74) await this.#blip();
    else if (choice < 0.8) {
      const disk = random.pick(disks);
      if (random.chance(0.5)) disk.slowness = random.pick([50, 400, 3_000]);
      else disk.refuses = true;
    } else if (users.length > 0) {
      const user = random.pick(users);
      if (choice < 0.86) {
        user.offset = random.pick([-1, 1]) * random.between(0, random.pick([4 * MINUTE, DAY]));
        trace("clock", user.name, user.offset);
      } else if (choice < 0.92) await this.#changeKeys(user);
      else if (choice < 0.97) await this.#disable(user);
      else user.boot();
    }
  }

  #losePower(machine) {
    const { random, scheduler, trace } = this.#world;
    trace("power", machine.processes[0].name);
    machine.losePower();
    scheduler.after(random.between(0, 30_000), () => void machine.start());
  }

  /** The power fails while a user leaves notes. */
  async #losePowerAtNote(user) {
    const { random, scheduler } = this.#world;
    const v = this.#realm.machines.find(({ processes }) => processes[0].name === "v1");
    for (const disk of v.disks) disk.slowness = 100;
    scheduler.after(random.between(0, 2_000), () => this.#losePower(v));
    for (let notes = 0; notes < 3; notes++) await user.leaveNote();
  }

  /** V's clock is wrong for a moment, and somebody makes the most of it. */
  async #blip() {
    const { random, scheduler, network, trace } = this.#world;
    const v = this.#realm.processes.find(({ name }) => name === "v1");
    v.offset = random.pick([-1, 1]) * random.between(6 * MINUTE, random.pick([30 * MINUTE, DAY]));
    this.#isStepped = true;
    trace("blip", v.offset);
    for (let calls = random.between(1, 3); calls > 0; calls--) {
      await this.#attacker.callByClockOf(v);
      await scheduler.sleep(random.between(0, 10_000));
    }
    v.offset = 0;
    for (let times = 0; times < 12; times++)
      scheduler.after(random.between(0, MINUTE), () => network.replay({ isLate: false }));
  }

  /** A user's keys are changed; sometimes the power fails in the middle of it. */
  async #changeKeys(user) {
    const { random, scheduler } = this.#world;
    const [kdc] = this.#realm.machines;
    if (random.chance(0.4)) {
      kdc.disks[0].slowness = 200;
      scheduler.after(random.between(0, 600), () => this.#losePower(kdc));
    }
    await this.#admin.changeKeys(user);
  }

  /** A user is disabled, who goes on all the same. */
  async #disable(user) {
    const { scheduler } = this.#world;
    await this.#admin.disable(user);
    for (let times = 0; times < 2; times++) {
      await scheduler.sleep(2_000);
      await user.askAgain();
    }
  }

  /** The faults stop: what is down comes up, what is wrong is put right, and all settles. */
  async #heal() {
    const { network, scheduler, trace, skew, oracle } = this.#world;
    const { machines, processes, disks } = this.#realm;
    trace("heal");
    network.heal();
    network.faults = CALM;
    for (const disk of disks) {
      disk.slowness = 2;
      disk.refuses = false;
    }
    for (const process of processes) process.offset = 0;
    for (const user of this.#users) user.offset = 0;
    await scheduler.sleep(MINUTE);
    await Promise.all(machines.map((machine) => machine.start()));
    // What was accepted by a wrong clock closes the times about it, and no others.
    if (this.#isStepped) await scheduler.sleep(2 * skew);
    this.#isStepped = false;
    await this.#admin.repair(this.#users);
    await this.#admin.check(this.#users);
    const { notes } = processes.find(({ name }) => name === "v1").parts;
    await oracle.checkNotes(async (key) => {
      const [owner, name] = key.slice("note:".length).split("\0");
      return (await notes.get(owner, name))?.text;
    });
  }

  /** Honest clients get in, once faults have stopped. */
  async #mustGetIn(user) {
    const { scheduler, oracle } = this.#world;
    const things = {
      visit: () => user.visit(),
      orders: () => user.order(ORDERS),
      stock: () => user.order(STOCK),
    };
    for (const [what, run] of Object.entries(things)) {
      let error = await run();
      for (let tries = 1; error !== undefined && tries < TRIES; tries++) {
        await scheduler.sleep(PAUSE_MS);
        await user.logIn();
        error = await run();
      }
      if (error !== undefined)
        oracle.violate("honest clients get in once faults stop", {
          user: user.name,
          what,
          error: error.message,
        });
    }
  }
}
