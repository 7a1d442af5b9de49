/**
 * Who is read when there is more to read than can be done.
 *
 * Node reads whatever has arrived, from all connections, before it works on any of it: a thousand connections
 * with a few calls each, and by the time that their work begins the callers have given up. Reading a call
 * costs as much as doing it, so that refusing it then does not help. So when reading takes longer than it
 * may, it stops, and the bytes wait where they cost nothing, in the system's buffers. What was read is done,
 * and then connections are read in turns of a few milliseconds: the peers one after the other, each for its
 * part of a turn, of a peer's connections those with little to say first.
 *
 * Where a round of these turns would take too long, the connections that it does not come to are left out of
 * the next: it is better to do all that some ask for, in time, than a little of what everybody asks for, too
 * late, since a client sends first what it will soon give up. They come back as soon as rounds are short, the
 * last first; one that has missed much by then is closed instead, and its client begins anew.
 *
 * Invariants. Unless reading is held, a call costs this a look at the clock. A connection that is held waits
 * in the queue of its peer or is left out, never both. While any is, a turn is under way.
 */
import type { Connection, Peer } from "./connection.js";
import { LeftOut } from "./left-out.js";
import { type Reader, Visitor } from "./visitor.js";

/** How long reading may take in one turn of the event loop, in milliseconds … */
const READING_MS = 20;
/** … if it brought as many calls as this: the system may have had the processor do something else. */
const READING_CALLS = 8;
/** What a turn is meant to take of the processor, in milliseconds. */
const TURN_MS = 10;
/** How long a round may take, in milliseconds: what a connection waits to be read. */
const ROUND_MS = 40;
/** The most calls that a turn is meant to bring. */
const MOST_CALLS = 1_000;
/** Turns without a connection held after which all goes on as before. */
const QUIET_TURNS = 20;
/** Calls of a connection that waited for too long which are started, the newest. */
const LATE_CALLS = 16;

/** A call that was read. */
export interface ReadCall {
  /** Whether its caller has given it up. */
  isOver(): boolean;
  /** How long its caller waits for it in all, in milliseconds. */
  patience(): number;
  start(): void;
  /** Refuses it. @param retryAfterMs when its caller may come again. */
  refuse(retryAfterMs: number): void;
}

/** Those of a peer who wait. */
interface Queue {
  /** They have little to say, and come first. */
  readonly light: Visitor[];
  /** They have said nothing yet: the newest comes first. */
  fresh: Visitor[];
  /** The others, in the order in which they came to wait. */
  heavy: Visitor[];
}

/** A call that was read, and whose. */
interface Pending {
  readonly visitor: Visitor;
  readonly call: ReadCall;
}

/** The order in which a process reads its connections. */
export class Turns {
  readonly #now: () => number;
  readonly #cpu: () => number;
  readonly #visitors = new Map<Connection, Visitor>();
  /** Who waits, by peer, in the order in which the peers come. */
  readonly #queues = new Map<Peer, Queue>();
  readonly #leftOut = new LeftOut();
  /** Calls that were read and wait for the turn's end: of those with little to say, and of the others. */
  #light: Pending[] = [];
  #pending: Pending[] = [];
  /** How many calls a connection is likely to bring that has said nothing yet. */
  #freshCalls = 8;
  #isHolding = false;
  #isUnderWay = false;
  /** When reading began in this turn, and the calls that were read since. */
  #began = 0;
  #read = 0;
  #turn = 0;
  #cpuMs = 0;
  #quiet = 0;
  #held = 0;
  #round = 0;
  #roundBegan = 0;
  #roundMs = 0;
  /** How many were read in this round who waited for it. */
  #visits = 0;
  /** Calls a second of a connection that is read, on average. */
  #meanRate = 0;
  /** Calls a second that are started, and what each connection's share of them is. */
  #startedRate = 0;
  #share = 0;
  #turnBegan = 0;
  /** The last turn in which reading was stopped. */
  #stoppedIn = -1;
  /** How many calls a turn is meant to bring. */
  #budget = 50;
  readonly #endTurn = () => this.#onTurn();

  /**
   * @param now milliseconds of a clock that is never set.
   * @param cpu milliseconds of the processor that this process has used.
   */
  constructor(now = () => performance.now(), cpu = cpuMs) {
    this.#now = now;
    this.#cpu = cpu;
  }

  /** Whether reading is held. */
  get isHolding(): boolean {
    return this.#isHolding;
  }

  /** How much waits: connections to be read, and calls that were read. */
  get waiting(): { readonly connections: number; readonly calls: number } {
    return {
      connections: this.#held + this.#leftOut.size,
      calls: this.#light.length + this.#pending.length,
    };
  }

  /** Begins to look after a connection. */
  join(connection: Connection, reader: Reader): void {
    this.#visitors.set(connection, new Visitor(connection.peer, reader, this.#now()));
  }

  /** Forgets a connection; nothing happens where it is not known. */
  leave(connection: Connection): void {
    const visitor = this.#visitors.get(connection);
    if (visitor === undefined) return;
    visitor.isGone = true;
    this.#visitors.delete(connection);
    this.#leftOut.delete(visitor);
  }

  /** Takes a call that was read: starts it now, or at the end of the turn. */
  take(connection: Connection, call: ReadCall): void {
    const now = this.#now();
    if (!this.#isUnderWay) this.#begin(now);
    const visitor = this.#visitors.get(connection);
    if (visitor === undefined) {
      call.start();
      return;
    }
    // What is read has to be done as well: it may not be more than a turn or two can bear.
    const isTooMuch =
      ++this.#read >= READING_CALLS &&
      (now - this.#began >= READING_MS || this.#pending.length > 2 * this.#budget);
    visitor.speak(now);
    if (!this.#isHolding && !isTooMuch) {
      call.start();
      return;
    }
    if (!this.#isHolding) this.#hold(now);
    if (isTooMuch) this.#holdAll(now);
    if (visitor.readIn !== this.#turn) this.#wasRead(visitor, now);
    (this.#isLight(visitor) ? this.#light : this.#pending).push({ visitor, call });
    visitor.count++;
  }

  #begin(now: number): void {
    this.#isUnderWay = true;
    this.#began = now;
    this.#read = 0;
    setImmediate(this.#endTurn);
  }

  #hold(now: number): void {
    this.#isHolding = true;
    this.#quiet = 0;
    const speaking = [...this.#visitors.values()].filter((one) => one.isSpeaking(now) && one.rate > 0);
    this.#meanRate = speaking.reduce((sum, { rate }) => sum + rate, 0) / speaking.length;
    this.#startedRate = 0;
    this.#share = 0;
    this.#cpuMs = this.#cpu();
    this.#turnBegan = now;
    this.#roundBegan = now;
    this.#round++;
  }

  /**
   * Stops reading from all that have something to say, for the rest of the turn; if that was not enough, from
   * all others too.
   */
  #holdAll(now: number): void {
    const isSecond = this.#stoppedIn === this.#turn;
    this.#stoppedIn = this.#turn;
    this.#began = now;
    this.#read = 0;
    for (const visitor of this.#visitors.values())
      if (!visitor.isHeld && visitor.leftOutAt === undefined && (isSecond || visitor.isSpeaking(now)))
        this.#holdOne(visitor, now);
  }

  #holdOne(visitor: Visitor, now: number): void {
    let queue = this.#queues.get(visitor.peer);
    if (queue === undefined) {
      queue = { light: [], fresh: [], heavy: [] };
      this.#queues.set(visitor.peer, queue);
    }
    const wasToBeRead = visitor.releasedIn === this.#turn && visitor.readIn !== this.#turn;
    if (!wasToBeRead) visitor.heldSince = now;
    if (this.#isLight(visitor)) queue.light.push(visitor);
    else if (visitor.rate === 0) queue.fresh.push(visitor);
    else if (wasToBeRead) queue.heavy.unshift(visitor);
    else queue.heavy.push(visitor);
    visitor.isHeld = true;
    this.#held++;
    visitor.reader.stop();
  }

  /** The first call of what was read of a connection in this turn. */
  #wasRead(visitor: Visitor, now: number): void {
    visitor.readIn = this.#turn;
    visitor.count = 0;
    this.#meanRate += (visitor.rate - this.#meanRate) / 64;
    if (visitor.isHeld) return;
    // What has little to say does not wait, once in each round.
    const hadMore = visitor.releasedIn >= this.#turn - 1;
    if (hadMore || visitor.round === this.#round) this.#holdOne(visitor, now);
    visitor.round = this.#round;
  }

  #onTurn(): void {
    this.#isUnderWay = false;
    if (!this.#isHolding) return;
    const started = this.#startPending();
    const now = this.#now();
    if (started > 0) this.#measure(started, now);
    this.#turn++;
    const isQuiet = this.#held + this.#leftOut.size + this.#pending.length === 0;
    this.#quiet = isQuiet ? this.#quiet + 1 : 0;
    if (this.#pending.length === 0) this.#release(now);
    else this.#releaseLight(now);
    if (this.#leftOut.isDue(now)) this.#comeBack(now);
    if (this.#quiet > QUIET_TURNS) this.#isHolding = false;
    else this.#begin(now);
  }

  /**
   * Starts calls for as long as a turn may take, those of connections with little to say first, and then the
   * newest: they can matter for longest.
   */
  #startPending(): number {
    const end = this.#now() + READING_MS;
    const light = this.#light;
    this.#light = [];
    for (const { visitor } of light) visitor.started = 0;
    for (const { visitor } of this.#pending) visitor.started = 0;
    const before = light.length + this.#pending.length;
    for (const one of light) this.#start(one);
    while (this.#pending.length > 0 && this.#now() < end) this.#start(this.#pending.pop()!);
    return before - this.#pending.length;
  }

  #start({ visitor, call }: Pending): void {
    if (visitor.wasFresh) {
      visitor.wasFresh = false;
      this.#freshCalls += (visitor.count - this.#freshCalls) / 8;
    }
    if (call.isOver()) return;
    if (visitor.started >= LATE_CALLS && visitor.waited > call.patience()) {
      call.refuse(Math.min(Math.max(Math.ceil(this.#roundMs / 100) * 100, 100), 5_000));
      return;
    }
    visitor.started++;
    call.start();
  }

  /** Learns how many calls a turn can bear. */
  #measure(started: number, now: number): void {
    const rate = (1_000 * started) / Math.max(now - this.#turnBegan, 1);
    this.#turnBegan = now;
    this.#startedRate += (rate - this.#startedRate) / 16;
    const cpu = this.#cpu();
    const usedMs = Math.max(cpu - this.#cpuMs, 0.1);
    this.#cpuMs = cpu;
    const fit = Math.min(Math.max(TURN_MS / usedMs, 0.5), 1.25);
    this.#budget = Math.min(Math.max(this.#budget * fit, READING_CALLS), MOST_CALLS);
  }

  /** Has those be read who have little to say: they do not wait for what others said. */
  #releaseLight(now: number): void {
    let left = this.#budget;
    for (const { light } of this.#queues.values())
      while (light.length > 0 && left > 0) left -= this.#releaseOne(light.shift()!, now);
  }

  /** Has the next be read, a turn's worth: the peers in turn, each its part. */
  #release(now: number): void {
    const part = Math.max(1, this.#budget / this.#queues.size);
    let left = this.#budget;
    for (const [peer, queue] of [...this.#queues]) {
      if (left <= 0) break;
      // To the end of the order.
      this.#queues.delete(peer);
      const forPeer = Math.min(part, left);
      for (let calls = 0; calls < forPeer; ) {
        // Newcomers have half of it.
        const newcomer = () => (calls < forPeer / 2 ? queue.fresh.pop() : undefined);
        const visitor = queue.light.shift() ?? newcomer() ?? this.#nextHeavy(queue) ?? queue.fresh.pop();
        if (visitor === undefined) break;
        const brought = this.#releaseOne(visitor, now);
        calls += brought;
        left -= brought;
      }
      if (queue.light.length + queue.fresh.length + queue.heavy.length > 0) this.#queues.set(peer, queue);
    }
    const isOver = left > 0 && ![...this.#queues.values()].some(({ heavy }) => this.#isToCome(heavy[0]));
    if (isOver || now - this.#roundBegan > ROUND_MS) this.#endRound(now);
  }

  /** The next of a queue that the round did not come to yet. */
  #nextHeavy({ heavy }: Queue): Visitor | undefined {
    return this.#isToCome(heavy[0]) ? heavy.shift() : undefined;
  }

  #isToCome(visitor: Visitor | undefined): visitor is Visitor {
    return visitor !== undefined && visitor.round !== this.#round;
  }

  /** @returns how many calls it is likely to bring. */
  #releaseOne(visitor: Visitor, now: number): number {
    this.#held--;
    visitor.isHeld = false;
    if (visitor.isGone) return 0;
    this.#visits++;
    visitor.waited = now - visitor.heldSince;
    visitor.round = this.#round;
    visitor.releasedIn = this.#turn;
    visitor.reader.start();
    if (visitor.rate > 0) return Math.max(1, visitor.count);
    visitor.wasFresh = true;
    return Math.max(1, this.#freshCalls);
  }

  /** Leaves out whom the round did not come to. */
  #endRound(now: number): void {
    // A round in which nobody was read took no time, whatever the process did meanwhile.
    this.#roundMs = this.#visits === 0 ? 0 : now - this.#roundBegan;
    this.#visits = 0;
    this.#roundBegan = now;
    if (this.#roundMs > ROUND_MS)
      for (const [{ hasShare }, queue] of this.#queues) {
        // A peer that has a share keeps one: it may have no other.
        const kept = hasShare ? (queue.heavy[0] ?? queue.fresh.at(-1)) : undefined;
        const stays = (one: Visitor) => one === kept || this.#leaveOut(one, now);
        queue.heavy = queue.heavy.filter((one) => !this.#isToCome(one) || stays(one));
        queue.fresh = queue.fresh.filter(stays);
      }
    this.#round++;
  }

  /** @returns false, as it does not stay in its queue. */
  #leaveOut(visitor: Visitor, now: number): false {
    this.#held--;
    visitor.isHeld = false;
    if (visitor.isGone) return false;
    this.#leftOut.add(visitor, now);
    return false;
  }

  /** Has some of those left out wait for their turn again. */
  #comeBack(now: number): void {
    let active = 0;
    for (const visitor of this.#visitors.values())
      if (visitor.leftOutAt === undefined && visitor.isSpeaking(now)) active++;
    this.#share = this.#startedRate / Math.max(active + this.#leftOut.size, 1);
    const back = this.#leftOut.comeBack(now, this.#roomBeside(active), (one) => this.#isLight(one));
    for (const visitor of back) this.#holdOne(visitor, now);
  }

  /**
   * How many more there is time for while rounds are short: what an eighth of what is left is likely to do.
   */
  #roomBeside(active: number): number {
    if (this.#roundMs >= ROUND_MS / 2) return 0;
    const left = ROUND_MS / Math.max(this.#roundMs, TURN_MS) - 1;
    return Math.ceil((Math.max(active, 4) * left) / 8);
  }

  /**
   * Whether it has little to say: hardly more than its share, or than an eighth of what others have. Of one
   * that has said nothing yet there is no telling.
   */
  #isLight({ rate }: Visitor): boolean {
    return rate > 0 && (rate <= 2 * this.#share || rate <= this.#meanRate / 8);
  }
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** The order of this process, whose one event loop all its servers share. */
export const TURNS = new Turns();
