/**
 * Whoever runs the realm: changes passwords, disables users and enables them again, on the machine of the
 * KDC. What was acknowledged must be there ever after.
 */

/** A change that takes longer was cut off, in milliseconds. */
const CUT_OFF_MS = 15_000;
const LOST = Symbol("lost");

export class Admin {
  #world;
  #processes;
  #changes = 0;
  /** Users of whom nobody knows what became of a change. */
  #uncertain = new Set();
  /** Users who are disabled. */
  #disabled = new Set();

  constructor(world, { processes }) {
    this.#world = world;
    this.#processes = processes.filter(({ kind }) => kind === "kdc");
  }

  /** A new password for a person, new keys for a program. */
  async changeKeys(user) {
    const { product, trace, random } = this.#world;
    const password = user.password && `password ${++this.#changes} of ${user.name}`;
    const choice = { endTgts: random.chance(0.5) };
    const entry = await this.#change(user, (realm, now) =>
      password === undefined
        ? product.changeToRandomKeys(realm, user.name, [], now, choice)
        : product.changePassword(realm, user.name, password, [], now),
    );
    trace("keys", user.name, entry !== undefined);
    if (entry === undefined) return;
    user.password = password;
    user.take(entry);
  }

  async disable(user) {
    const { trace, oracle, scheduler } = this.#world;
    if (this.#disabled.has(user)) return;
    this.#disabled.add(user);
    const entry = await this.#limit(user, true);
    trace("disable", user.name, entry !== undefined);
    if (entry !== undefined) oracle.disabled(user.name, scheduler.now);
  }

  /** Everybody may come in again, and it is known what everybody's password is. */
  async repair(users) {
    for (const user of users) {
      if (this.#uncertain.delete(user)) await this.changeKeys(user);
      if (!this.#disabled.delete(user)) continue;
      this.#world.oracle.disabled(user.name, undefined);
      await this.#limit(user, false);
    }
  }

  /** Nothing acknowledged is lost. */
  async check(users) {
    const { oracle } = this.#world;
    const { realm } = this.#processes[0].parts;
    for (const user of users) {
      const { disabled, keys } = await realm.principals.get(user.name);
      const held = Math.max(...keys.map(({ kvno }) => kvno));
      if (disabled !== this.#disabled.has(user) || held !== user.kvno)
        oracle.violate("nothing acknowledged is lost", { of: user.name, held, known: user.kvno });
    }
  }

  #limit(user, disabled) {
    const { product } = this.#world;
    return this.#change(user, (realm, now) => product.modifyPrincipal(realm, user.name, { disabled }, now));
  }

  /** Undefined: it was refused, or cut off and may yet have been made. */
  async #change(user, change) {
    const { scheduler, random } = this.#world;
    // A KDC with a wrong clock would end its users' logins at a wrong time.
    const running = this.#processes.filter(({ isRunning, offset }) => isRunning && offset === 0);
    if (running.length === 0) {
      this.#uncertain.add(user);
      return undefined;
    }
    const process = random.pick(running);
    const made = change(process.parts.realm, scheduler.now).catch(() => LOST);
    const outcome = await Promise.race([made, scheduler.sleep(CUT_OFF_MS).then(() => LOST)]);
    if (outcome !== LOST) return outcome;
    this.#uncertain.add(user);
    return undefined;
  }
}
