/** Begins a challenge and, where it has a realm, keeps that running until it is asked to end. */
import { join } from "node:path";
import { makeFolders } from "../../files/make-folders.js";
import { writeFileAtomically } from "../../files/private-file.js";
import type { Challenge, RealmChallenge, Stage } from "../../lab/challenges/challenge.js";
import { whileAlone } from "../../lab/challenges/learner-folder.js";
import { beginFiles, beginRealm } from "../../lab/challenges/work.js";
import { benchModule } from "../bench-file.js";
import type { CommandSurroundings } from "../frame/command.js";
import { beginningLines } from "./challenge-text.js";

/** Begins a challenge. Throws as `beginFiles` and `beginRealm`. */
export async function startChallenge(
  dir: string,
  challenge: Challenge,
  scene: Stage["scene"],
  json: boolean,
  around: CommandSurroundings,
): Promise<void> {
  await makeFolders(dir);
  await writeFileAtomically(join(dir, "bench.mjs"), Buffer.from(benchModule()));
  if (challenge.kind === "realm")
    return whileAlone(dir, challenge.name, () => runChallenge(dir, challenge, scene, json, around));
  const files = await beginFiles(dir, challenge, around.now());
  if (json) around.screen.printJson({ challenge: challenge.name, files });
  else around.screen.printAll(beginningLines(challenge, scene, files));
}

async function runChallenge(
  dir: string,
  challenge: RealmChallenge,
  scene: Stage["scene"],
  json: boolean,
  { screen, signal }: CommandSurroundings,
): Promise<void> {
  const told = (text: string) =>
    json ? screen.printJsonLine({ event: "told", text }) : screen.print(`the realm tells: ${text}`);
  const { running, paths } = await beginRealm(dir, challenge, { scene, told });
  try {
    if (json) screen.printJsonLine({ event: "ready", challenge: challenge.name, scene, files: paths });
    else screen.printAll(beginningLines(challenge, scene, paths));
    await signal();
  } finally {
    await running.close();
  }
}
