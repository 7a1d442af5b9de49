/** What the page may ask of the lab: a row each, whose values are checked before anything is done. */
import { readScore } from "../challenges/score.js";
import { SCENES } from "../realm/scene.js";
import type { Scene } from "../realm/scene-name.js";
import type { JsonObject } from "./json-body.js";
import { LabRefusal } from "./lab-refusal.js";
import type { LiveLab } from "./live-lab.js";
import type { ClientStep } from "./live-state.js";

const STEPS: readonly ClientStep[] = ["login", "ticket", "access"];

/**
 * The requests of a lab, by their paths below `/api/`. Each throws LabRefusal for what it can't do.
 * @param challenges the learner's folder.
 */
export function labRequests(
  lab: LiveLab,
  challenges: string,
): Readonly<Record<string, (body: JsonObject) => unknown>> {
  return {
    /** Starts a realm of `scene` in place of the one that runs. */
    start: (body) => lab.restart(sceneIn(body)),
    /** Begins `step` of the client; a login with `password`, or with alice's own. */
    take: (body) => lab.realm.take(stepIn(body), optionalText(body, "password")),
    /** Lets the held message go on. */
    "let-go": () => lab.realm.letGo(),
    /** Loses the held message. */
    lose: () => lab.realm.lose(),
    /** Whether messages are held from now on. */
    hold: (body) => lab.realm.hold(truth(body, "holds")),
    /** Sets the byte `at` of the held message to `value`. */
    "change-byte": (body) => lab.realm.changeByte(number(body, "at"), number(body, "value")),
    /** Sets the field that begins `at` a byte of the held message to `text`. */
    "change-field": (body) => lab.realm.changeField(number(body, "at"), text(body, "text")),
    /** Takes all changes of the held message back. */
    restore: () => lab.realm.restore(),
    /** Sends the request of a `call` again. */
    "send-again": (body) => lab.realm.sendAgain(number(body, "call")),
    /** Turns the clock by `ms`. */
    turn: (body) => lab.realm.turn(number(body, "ms")),
    /** Begins the attack `name` in a realm of `scene`. */
    attack: (body) => lab.attacks.begin(text(body, "name"), sceneIn(body)),
    /** What the work at challenges comes to. */
    score: () => readScore(challenges),
  };
}

/** The scene that a body names. */
function sceneIn(body: JsonObject): Scene {
  const scene = text(body, "scene");
  if (Object.hasOwn(SCENES, scene)) return scene as Scene;
  throw new LabRefusal("BAD_REQUEST", `no scene ${scene}; there are ${Object.keys(SCENES).join(", ")}`);
}

function stepIn(body: JsonObject): ClientStep {
  const step = STEPS.find((one) => one === body.step);
  if (step === undefined) throw new LabRefusal("BAD_REQUEST", `step: expected ${STEPS.join(", ")}`);
  return step;
}

function text(body: JsonObject, name: string): string {
  const value = body[name];
  if (typeof value !== "string") throw new LabRefusal("BAD_REQUEST", `${name}: expected text`);
  return value;
}

function optionalText(body: JsonObject, name: string): string | undefined {
  return body[name] === undefined ? undefined : text(body, name);
}

function number(body: JsonObject, name: string): number {
  const value = body[name];
  if (typeof value !== "number" || !Number.isSafeInteger(value))
    throw new LabRefusal("BAD_REQUEST", `${name}: expected a whole number`);
  return value;
}

function truth(body: JsonObject, name: string): boolean {
  const value = body[name];
  if (typeof value !== "boolean") throw new LabRefusal("BAD_REQUEST", `${name}: expected true or false`);
  return value;
}
