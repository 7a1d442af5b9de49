/**
 * Who is read when there is more to read than can be done.
 *
 * Node reads whatever has arrived, from all connections, before it works on any of it: a thousand connections
 * with a few calls each, and by the time that their work begins the callers have given up. Reading a call and
 * refusing it costs half of what doing it costs, so that there is not much left to do the others with. So
 * when reading takes longer than it may, it stops, and the bytes wait where they cost nothing, in the
 * system's buffers. What was read is done, and then connections are read in turns of a few milliseconds: the
 * peers one after the other, each for its part of a turn, of a peer's connections those with little to say
 * first.
 *
 * Where a round of these turns would take too long, the connections that it does not come to are left out of
 * the next: it is better to do all that some ask for, in time, than a little of what everybody asks for, too
 * late, since a client sends first what it will soon give up. They come back as soon as rounds are short, the
 * last first; one that has missed much by then is closed instead, and its client begins anew.
 *
 * Invariants. Unless reading is held, a call costs this a look at the clock. A connection that is held waits
 * for its turn or is left out, never both. While any is, a turn is under way.
 */
import { Chain } from "../../collections/chain.js";
import type { Connection } from "./connection.js";
import { DoneWork } from "./done-work.js";
import { LeftOut } from "./left-out.js";
import { type ReadCall, ReadCalls } from "./read-calls.js";
import { type Reader, Visitor } from "./visitor.js";
import { Waiting } from "./waiting.js";

/** How long reading may take in one turn of the event loop, in milliseconds … */
const READING_MS = 20;
/** … if it brought as many calls as this: the system may have had the processor do something else. */
const READING_CALLS = 8;
/** What a turn is meant to take of the processor, in milliseconds. */
const TURN_MS = 10;
/** How long a round may take, in milliseconds: what a connection waits to be read. */
const ROUND_MS = 40;
/** Turns without a connection held after which all goes on as before. */
const QUIET_TURNS = 20;
/**
 * What a connection is likely to bring that has said nothing yet, at first, in milliseconds of the processor.
 */
const FRESH_MS = 2;
/** What reading a connection costs in any case. */
const LEAST_MS = 0.2;

/** The order in which a process reads its connections. */
export class Turns {
  readonly #now: () => number;
  readonly #visitors = new Chain<Visitor>();
  readonly #work: DoneWork;
  /** Who waits to be read. */
  readonly #waiting = new Waiting();
  readonly #leftOut = new LeftOut();
  /** What was read and waits for the turn's end. */
  readonly #calls = new ReadCalls();
  /** What a connection is likely to bring that has said nothing yet, in milliseconds of the processor. */
  #freshMs = FRESH_MS;
  /** Those of the turn that had said nothing before. */
  #newcomers: Visitor[] = [];
  #isHolding = false;
  #isUnderWay = false;
  /** When reading began in this turn, and the calls that were read since. */
  #began = 0;
  #read = 0;
  #turn = 0;
  #quiet = 0;
  #round = 0;
  #roundBegan = 0;
  #roundMs = 0;
  /** How many were read in this round who waited for it. */
  #visits = 0;
  /** What a connection that is read has to say on average (`Visitor.rate`). */
  #meanRate = 0;
  /** What each connection's share is of what is done: the same measure. */
  #share = 0;
  /** The last turn in which reading was stopped. */
  #stoppedIn = -1;
  readonly #endTurn = () => this.#onTurn();

  /**
   * @param now milliseconds of a clock that is never set.
   * @param cpu milliseconds of the processor that this process has used.
   */
  constructor(now = () => performance.now(), cpu = cpuMs) {
    this.#now = now;
    this.#work = new DoneWork(cpu);
  }

  /** Whether reading is held. */
  get isHolding(): boolean {
    return this.#isHolding;
  }

  /** How much waits: connections to be read, and calls that were read. */
  get waiting(): { readonly connections: number; readonly calls: number } {
    return { connections: this.#waiting.size + this.#leftOut.size, calls: this.#calls.total };
  }

  /** When those who are refused may come again, in milliseconds: few different values. */
  get retryAfterMs(): number {
    return Math.min(Math.max(Math.ceil(this.#roundMs / 100) * 100, 100), 5_000);
  }

  /** Begins to look after a connection. */
  join(connection: Connection, reader: Reader): void {
    connection.visitor = this.#visitors.add(new Visitor(connection.peer, reader, this.#now()));
  }

  /** Forgets a connection; nothing happens where it is not known. */
  leave(connection: Connection): void {
    const { visitor } = connection;
    if (visitor === undefined) return;
    visitor.member.isGone = true;
    this.#visitors.remove(visitor);
    this.#leftOut.delete(visitor.member);
    connection.visitor = undefined;
  }

  /**
   * Takes a call that was read: starts it now, or starts or refuses it at the end of the turn. One that is
   * never refused does not wait.
   */
  take(connection: Connection, call: ReadCall): void {
    const now = this.#now();
    if (!this.#isUnderWay) this.#begin(now);
    const visitor = connection.visitor?.member;
    if (visitor === undefined) {
      call.start();
      return;
    }
    // What is read has to be done as well: it may not be more than a turn or two can bear.
    const isTooMuch =
      ++this.#read >= READING_CALLS && (now - this.#began >= READING_MS || this.#calls.costMs > 2 * TURN_MS);
    const costMs = this.#work.costOf(call.method);
    visitor.speak(now, costMs);
    if (!this.#isHolding && !isTooMuch) {
      call.start();
      return;
    }
    if (!this.#isHolding) this.#hold(now);
    if (isTooMuch) this.#holdAll(now);
    if (visitor.readIn !== this.#turn) this.#wasRead(visitor, now);
    visitor.count++;
    visitor.costMs += costMs;
    if (call.patienceMs === Number.POSITIVE_INFINITY) call.start();
    else this.#calls.add(visitor, call, costMs, now, this.#isLight(visitor));
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
    const speaking = [...this.#visitors].filter((one) => one.isSpeaking(now) && one.rate > 0);
    this.#meanRate = speaking.reduce((sum, { rate }) => sum + rate, 0) / speaking.length;
    this.#work.begin(now);
    this.#share = 0;
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
    for (const visitor of this.#visitors)
      if (!visitor.isHeld && visitor.leftOutAt === undefined && (isSecond || visitor.isSpeaking(now)))
        this.#holdOne(visitor, now);
  }

  #holdOne(visitor: Visitor, now: number): void {
    const wasToBeRead = visitor.releasedIn === this.#turn && visitor.readIn !== this.#turn;
    if (!wasToBeRead) visitor.heldSince = now;
    if (this.#isLight(visitor)) this.#waiting.addLight(visitor);
    else if (visitor.rate === 0) this.#waiting.addFresh(visitor);
    else if (wasToBeRead) this.#waiting.addHeavyFirst(visitor);
    else this.#waiting.addHeavy(visitor);
    visitor.isHeld = true;
    visitor.reader.stop();
  }

  /** The first call of what was read of a connection in this turn. */
  #wasRead(visitor: Visitor, now: number): void {
    visitor.readIn = this.#turn;
    visitor.count = 0;
    visitor.costMs = 0;
    if (visitor.wasFresh) this.#newcomers.push(visitor);
    visitor.wasFresh = false;
    this.#meanRate += (visitor.rate - this.#meanRate) / 64;
    const hadMore = visitor.releasedIn >= this.#turn - 1;
    if (!hadMore) visitor.waited = 0;
    if (visitor.isHeld) return;
    // What has little to say does not wait, once in each round.
    if (hadMore || visitor.round === this.#round) this.#holdOne(visitor, now);
    visitor.round = this.#round;
  }

  #onTurn(): void {
    this.#isUnderWay = false;
    if (!this.#isHolding) return;
    this.#doCalls();
    const now = this.#now();
    this.#turn++;
    const isQuiet = this.#waiting.size + this.#leftOut.size + this.#calls.size === 0;
    this.#quiet = isQuiet ? this.#quiet + 1 : 0;
    const read = (visitor: Visitor) => this.#readOne(visitor, now);
    if (this.#calls.size > 0) this.#waiting.readLight(TURN_MS, read);
    else if (this.#waiting.readNext(TURN_MS, this.#round, read) || now - this.#roundBegan > ROUND_MS)
      this.#endRound(now);
    if (this.#leftOut.isDue(now)) this.#comeBack(now);
    if (this.#quiet > QUIET_TURNS) this.#isHolding = false;
    else this.#begin(now);
  }

  /** Starts or refuses what was read, for as long as a turn may take, and learns what it costs. */
  #doCalls(): void {
    for (const { costMs } of this.#newcomers) this.#freshMs += (costMs - this.#freshMs) / 8;
    this.#newcomers = [];
    const began = this.#now();
    const { calls, refused } = this.#calls.start(() => this.#now() < began + READING_MS, began);
    this.#work.add(calls, refused);
    this.#work.learn(this.#now());
  }

  /** @returns what it is likely to cost, in milliseconds of the processor. */
  #readOne(visitor: Visitor, now: number): number {
    visitor.isHeld = false;
    if (visitor.isGone) return 0;
    this.#visits++;
    visitor.waited = now - visitor.heldSince;
    visitor.round = this.#round;
    visitor.releasedIn = this.#turn;
    visitor.reader.start();
    if (visitor.rate > 0) return Math.max(LEAST_MS, visitor.costMs);
    visitor.wasFresh = true;
    return Math.max(LEAST_MS, this.#freshMs);
  }

  /** Leaves out whom the round did not come to. */
  #endRound(now: number): void {
    // A round in which nobody was read took no time, whatever the process did meanwhile.
    this.#roundMs = this.#visits === 0 ? 0 : now - this.#roundBegan;
    this.#visits = 0;
    this.#roundBegan = now;
    if (this.#roundMs > ROUND_MS)
      for (const visitor of this.#waiting.takeRest(this.#round)) {
        visitor.isHeld = false;
        if (!visitor.isGone) this.#leftOut.add(visitor, now);
      }
    this.#round++;
  }

  /** Has some of those left out wait for their turn again. */
  #comeBack(now: number): void {
    let active = 0;
    for (const visitor of this.#visitors)
      if (visitor.leftOutAt === undefined && visitor.isSpeaking(now)) active++;
    this.#share = this.#work.rate / Math.max(active + this.#leftOut.size, 1);
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
