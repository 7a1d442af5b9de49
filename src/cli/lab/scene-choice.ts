/** Which scenes to run in: the options of `attack run`. */
import { SCENES, type Scene } from "../../lab/realm/scene.js";
import { type OptionSpecs, UsageError } from "../frame/command.js";
import { oneOf } from "./named.js";

/** The options. */
export const SCENE_OPTIONS = {
  profile: { value: "PROFILE", help: "in this profile: textbook or standard" },
  scene: { value: "SCENE", help: "in this scene: textbook-ecb, textbook or standard" },
} as const satisfies OptionSpecs;

/** The scenes that were asked for; all of them by default. */
export function chosenScenes(choice: {
  readonly profile: string | undefined;
  readonly scene: string | undefined;
}): readonly Scene[] {
  if (choice.profile !== undefined && choice.scene !== undefined)
    throw new UsageError("--profile and --scene name the same thing: give one of them");
  if (choice.scene !== undefined) return [oneOf("scene", choice.scene, Object.keys(SCENES) as Scene[])];
  if (choice.profile === undefined) return Object.keys(SCENES) as Scene[];
  return [oneOf("profile", choice.profile, ["textbook", "standard"])];
}
