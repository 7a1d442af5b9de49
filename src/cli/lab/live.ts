/** Runs the lab until it is told to end. */
import * as grpc from "@grpc/grpc-js";
import { startLab } from "../../lab/live/start-lab.js";
import { SCENES } from "../../lab/realm/scene.js";
import type { Scene } from "../../lab/realm/scene-name.js";
import type { CommandSurroundings } from "../frame/command.js";
import { portNumber } from "../options/listen-addresses.js";
import { oneOf } from "./named.js";
import { openBrowser } from "./open-browser.js";

/** What `tessera lab` was asked for. */
export interface LabChoice {
  readonly scene: string | undefined;
  readonly port: string | undefined;
  readonly challenges: string | undefined;
  readonly open: boolean;
  readonly json: boolean;
}

/** Starts the lab, prints its address, and ends it at a signal. */
export async function runLab(choice: LabChoice, { screen, env, signal }: CommandSurroundings): Promise<void> {
  const { scene = "textbook", port = "0", challenges = "tessera-challenges", json } = choice;
  const begun = oneOf("scene", scene, Object.keys(SCENES) as Scene[]);
  const at = portNumber(port, "--port");
  grpc.setLogVerbosity(grpc.logVerbosity.NONE);
  await using lab = await startLab({ scene: begun, port: at, challenges });
  if (json) screen.printJson({ url: lab.url, scene });
  else
    screen.printAll([
      lab.url,
      "Open this address: it opens once, in one browser. Ctrl-C ends the lab and removes its realm.",
    ]);
  if (choice.open) openBrowser(lab.url, env, (text) => screen.notice(`the browser was not opened: ${text}`));
  await signal();
}
