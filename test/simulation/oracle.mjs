/**
 * What must hold, looked at as it happens. The oracle sees everything: who made which call, whom a service
 * took the caller for, what was acknowledged, and what the disks hold.
 */

/** How late a request may be taken, beyond the clock skew: whole seconds, and the time a server takes. */
const LENIENCY_MS = 2_000;
/** How long after its deadline a call may still be under way, in milliseconds. */
const PATIENCE_MS = 60_000;

export class Oracle {
  #scheduler;
  #skew;
  #trace;
  violations = [];
  /** Guarded calls by number: who made them, at which service, and whether they ran. */
  #calls = new Map();
  #underWay = new Map();
  /** Notes that V acknowledged: their texts by the store's key. */
  #notes = new Map();
  #written = new Map();
  /** Since when a principal is known to be disabled. */
  #disabled = new Map();
  #ops = 0;

  constructor({ scheduler, skew, trace }) {
    this.#scheduler = scheduler;
    this.#skew = skew;
    this.#trace = trace;
  }

  /** Something happened that must not. */
  violate(invariant, details) {
    const at = new Date(this.#scheduler.now).toISOString();
    this.violations.push({ invariant, at, ...details });
    this.#trace("VIOLATION", invariant, JSON.stringify(details));
  }

  /** Every call ends: whoever does something says so, and says when it is over. */
  begin(what, deadlineMs) {
    const number = ++this.#ops;
    this.#underWay.set(number, { what, by: this.#scheduler.now + deadlineMs + PATIENCE_MS });
    return () => this.#underWay.delete(number);
  }

  /** Looks for calls that should be over. */
  look() {
    for (const [number, { what, by }] of this.#underWay) {
      if (this.#scheduler.now <= by) continue;
      this.#underWay.delete(number);
      this.violate("every call ends", { what });
    }
  }

  /**
   * A server answered a request, whoever sent it and however late. That the AS gives a copy the very answer
   * that it gave before is no answer of its own: whoever has sent the copy has seen it.
   */
  answered(request, to, { status: ended, response }) {
    if ((ended?.code ?? 0) !== 0) return;
    request.answers ??= [];
    const { from, method, made, sentAt, answers } = request;
    if (answers.some((given) => given.equals(response))) return;
    answers.push(response);
    if (!made || to.offset !== 0) return;
    const late = this.#scheduler.now - sentAt;
    if (late > this.#skew + LENIENCY_MS)
      this.violate("nothing old is taken", { from: from.name, at: to.name, method, late });
  }

  /** A KDC's line of its log. */
  served({ exchange, client, result }) {
    const since = this.#disabled.get(client);
    if (result !== "OK" || since === undefined || this.#scheduler.now - since < 1_000) return;
    if (exchange === "AS" || exchange === "TGS")
      this.violate("nobody disabled is served", { exchange, client });
  }

  disabled(client, since) {
    if (since === undefined) this.#disabled.delete(client);
    else this.#disabled.set(client, since);
  }

  /** Somebody makes a guarded call. */
  calls(by, service, floor) {
    const number = this.#calls.size + 1;
    this.#calls.set(number, { by, service, floor, ran: 0 });
    return number;
  }

  /** A handler runs for a caller: once, for whoever made the call, at the service that it was made to. */
  ran(number, { principal, service, protection }, at) {
    const call = this.#calls.get(number);
    if (call === undefined) return this.violate("nobody calls but who did", { number, principal });
    call.ran++;
    this.#trace("ran", number, at, principal, protection);
    if (call.ran > 1) this.violate("nobody gets in twice", { number, at, by: call.by, ran: call.ran });
    if (call.by !== principal)
      this.violate("nobody gets in as another", { number, at, by: call.by, as: principal });
    if (call.service !== service) this.violate("nobody gets in elsewhere", { number, at, to: call.service });
    if (call.floor !== undefined && protection !== call.floor)
      this.violate("nobody gets in below the floor", { number, at, protection });
    return undefined;
  }

  /** Whether a call's handler ran. */
  hasRun(number) {
    return this.#calls.get(number)?.ran === 1;
  }

  /** V's disk takes a note; each has a name of its own, and is put once. */
  wroteNote(key, isThere) {
    if (!isThere) return;
    const times = (this.#written.get(key) ?? 0) + 1;
    this.#written.set(key, times);
    if (times > 1) this.violate("nobody gets in twice", { note: key.replace("\0", " "), times });
  }

  acknowledgedNote(key, text) {
    this.#notes.set(key, text);
  }

  /** From now on the note may be gone. */
  deletesNote(key) {
    this.#notes.delete(key);
  }

  /** Nothing acknowledged is lost. @param note gives a note's text by its key. */
  async checkNotes(note) {
    for (const [key, text] of this.#notes) {
      if ((await note(key)) === text) continue;
      this.#notes.delete(key);
      this.violate("nothing acknowledged is lost", { note: key.replace("\0", " ") });
    }
  }
}
