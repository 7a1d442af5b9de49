/** Lists scenes, shows one, and runs those that run. */
import type { ExplainedMessage } from "../../lab/explain.js";
import { runScene } from "../../lab/scenes/run-scene.js";
import { TEXTBOOK_SCENES, type TextbookScene, type TextbookSceneName } from "../../lab/scenes/scene-table.js";
import { UsageError } from "../frame/command.js";
import type { Screen } from "../screen/screen.js";
import { outcomeLines, reportFacts, stepLines, unexpectedText } from "./attack-text.js";
import {
  holeLines,
  mendedLines,
  messageLines,
  sceneFacts,
  sceneHead,
  sceneLines,
  sceneListLines,
} from "./scene-text.js";

/** Lists the scenes. */
export function listScenes(screen: Screen, json: boolean): void {
  if (json) screen.printJson({ scenes: TEXTBOOK_SCENES.map(sceneFacts) });
  else screen.printAll(sceneListLines());
}

/** Shows a scene. */
export function showScene(name: TextbookSceneName, screen: Screen, json: boolean): void {
  const scene = sceneNamed(name);
  if (json) screen.printJson(sceneFacts(scene));
  else screen.printAll(sceneLines(scene));
}

/**
 * Runs a scene.
 * @returns the exit code: 0 if its attack ended as its row says.
 * @throws UsageError for a scene that is told.
 */
export async function playScene(name: TextbookSceneName, screen: Screen, json: boolean): Promise<number> {
  const scene = sceneNamed(name);
  if (scene.runs === undefined) {
    const running = TEXTBOOK_SCENES.filter(({ runs }) => runs !== undefined).map((one) => one.name);
    throw new UsageError(
      `${name} is told, and does not run: tessera scene show ${name}; ${running.join(", ")} run`,
    );
  }
  const print = (lines: readonly string[]) => void (json || screen.printAll(lines));
  const onMessages = (messages: readonly ExplainedMessage[]) => {
    print([...messages.flatMap(messageLines), "", ...holeLines(scene), ""]);
  };
  print(sceneHead(scene));
  const { messages, report } = await runScene(scene.runs, scene.attack, onMessages, (step) =>
    print(stepLines(step)),
  );
  print([...outcomeLines(report.outcome), "", ...mendedLines(scene)]);
  if (json) {
    const facts = messages.map(({ number, from, to, textbook, bytes, sealed }) => {
      const parts = sealed.map((part) => ({
        symbol: part.symbol,
        key: part.key,
        etype: part.etype,
        opens: part.opens,
      }));
      return { number, from, to, textbook, bytes, sealed: parts };
    });
    screen.printJson({ ...sceneFacts(scene), messages: facts, attacked: reportFacts(report) });
  }
  if (!report.asExpected) screen.notice(unexpectedText(report));
  return report.asExpected ? 0 : 1;
}

function sceneNamed(name: TextbookSceneName): TextbookScene {
  return TEXTBOOK_SCENES.find((scene) => scene.name === name)!;
}
