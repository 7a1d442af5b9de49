/** Scenes in words and as facts. */
import type { ExplainedMessage } from "../../lab/explain.js";
import { TEXTBOOK_SCENES, type TextbookScene } from "../../lab/scenes/scene-table.js";
import { columns, wrapped } from "../screen/layout.js";

const WIDTH = 100;

/** All scenes, in their order. */
export function sceneListLines(): string[] {
  const rows = TEXTBOOK_SCENES.map(({ name, title, runs }) => [
    name,
    runs === undefined ? "told" : "runs",
    title,
  ]);
  return columns(rows);
}

/** One scene: its messages, what they mend, what is still wrong, and what comes next. */
export function sceneLines(scene: TextbookScene): string[] {
  return [...sceneHead(scene), ...holeLines(scene), "", ...nextLines(scene)];
}

/** Its messages, and what they mend. */
export function sceneHead({ name, title, dialogue, story }: TextbookScene): string[] {
  return [`${name}: ${title}`, "", ...dialogue.map((line) => `  ${line}`), "", ...wrapped(story, WIDTH), ""];
}

/** What is wrong with it. */
export function holeLines({ hole }: TextbookScene): string[] {
  return wrapped(`The hole. ${hole}`, WIDTH);
}

/** Which attack shows it, and which scene mends it. */
function nextLines(scene: TextbookScene): string[] {
  const shown = scene.runs === undefined ? "what becomes of it today" : "the attack that shows it";
  return columns([
    [`  ${shown}`, `tessera attack run ${scene.attack}`],
    ...(scene.runs === undefined ? [] : [["  the scene, running", `tessera scene run ${scene.name}`]]),
    ...mendedRows(scene),
  ]);
}

/** Which scene mends it. */
export function mendedLines(scene: TextbookScene): string[] {
  return columns(mendedRows(scene));
}

function mendedRows(scene: TextbookScene): string[][] {
  const next = sceneAfter(scene);
  return next === undefined ? [] : [["  what mends it", `tessera scene show ${next.name}`]];
}

/** A message that travelled: its notation and size, and who could open what. */
export function messageLines({ number, from, to, textbook, bytes, sealed }: ExplainedMessage): string[] {
  const parts = sealed.map((part) => [
    `        ${part.symbol}`,
    `under ${part.key}, ${part.etype}, ${part.bytes} bytes`,
    `opened by ${part.opens.join(", ")}`,
  ]);
  return [`  (${number}) ${from} → ${to}: ${textbook}, ${bytes} bytes`, ...columns(parts)];
}

/** A scene, for programs. */
export function sceneFacts(scene: TextbookScene) {
  const { name, title, runs, dialogue, story, hole, attack } = scene;
  const next = sceneAfter(scene)?.name;
  return {
    name,
    title,
    runs: runs !== undefined,
    dialogue,
    story,
    hole,
    attack,
    ...(next && { mendedBy: next }),
  };
}

function sceneAfter(scene: TextbookScene): TextbookScene | undefined {
  return TEXTBOOK_SCENES[TEXTBOOK_SCENES.findIndex(({ name }) => name === scene.name) + 1];
}
